//! The golden tools over mpp.zig; what each does stands in sdk/golden/README.md.

const std = @import("std");
const mpp = @import("mpp.zig");
const Call = mpp.Call;

fn ok(call: *Call) !void {
    try call.say("ok");
}

/// What the host refused becomes the failure of the tool.
fn told(call: *Call, fault: anyerror) anyerror {
    return if (fault == error.HostRefused) call.fail("{s}", .{call.host_error.code}) else fault;
}

fn put(call: *Call, key: []const u8, found: anytype) !void {
    try call.put(key, found);
    try ok(call);
}

fn echo(call: *Call) !void {
    try put(call, "value", call.argument("value") orelse .null);
}

fn add(call: *Call) !void {
    const a = try call.integer("a", 0);
    const b = try call.integer("b", 0);
    const sum = std.math.add(i64, a, b) catch return call.fail("the sum does not fit in 64 bits", .{});
    try call.put("sum", sum);
    try call.say(try std.fmt.allocPrint(call.allocator, "{d}", .{sum}));
}

fn greet(call: *Call) !void {
    const name = try call.text("name", "World");
    const times = try call.integer("times", 1);
    const loud = try call.boolean("loud", false);
    if (name.len == 0) return call.fail("the name is empty", .{});
    var out: std.Io.Writer.Allocating = .init(call.allocator);
    var i: i64 = 0;
    while (i < times) : (i += 1) try out.writer.print("{s}Hello, {s}{s}", .{ if (i > 0) " " else "", name, if (loud) "!!!" else "!" });
    try call.say(out.written());
    try call.put("greeting", out.written());
}

fn half(call: *Call) !void {
    try put(call, "half", try call.number("number", 1) / 2);
}

fn fail(call: *Call) !void {
    return call.fail("{s}", .{try call.text("message", "")});
}

fn reject(call: *Call) !void {
    return call.reject(try call.integer("code", 0), try call.text("message", ""), call.argument("data"));
}

fn content(call: *Call) !void {
    const Kind = enum { none, texts, image, audio, link, small_link, resource_text, resource_blob, annotated, mixed };
    var all: [256]u8 = undefined;
    for (&all, 0..) |*byte, i| byte.* = @intCast(i);
    switch (std.meta.stringToEnum(Kind, try call.text("kind", "")) orelse .none) {
        .none => {},
        .texts => {
            try call.say("one");
            try call.say("two");
        },
        .image => try call.image(&all, "image/png"),
        .audio => try call.audio("RIFF", "audio/wav"),
        .link => try call.link(.{ .uri = "https://example.com/report", .name = "report", .title = "The report", .description = "A report", .mimeType = "text/plain", .size = 42 }),
        .small_link => try call.link(.{ .uri = "https://example.com/", .name = "home" }),
        .resource_text => try call.resource("memory://notes/1", "text/plain", "note"),
        .resource_blob => try call.resourceBytes("memory://blobs/1", "application/octet-stream", "\x00\xff"),
        .annotated => {
            try call.say("for people");
            try call.annotate("user", 0.5);
        },
        .mixed => {
            try call.say("one");
            try call.image("\x01\x02\x03", "image/png");
            try call.put("items", 2);
        },
    }
}

fn binary(call: *Call) !void {
    const bytes = try call.fromBase64(try call.text("data", "")) orelse return call.fail("the argument 'data' is no base64", .{});
    std.mem.reverse(u8, bytes);
    try call.put("size", bytes.len);
    try call.put("reversed", try call.base64(bytes));
    try call.say(try std.fmt.allocPrint(call.allocator, "{d}", .{bytes.len}));
}

fn nest(call: *Call) !void {
    const depth = try call.integer("depth", 0);
    var nested: mpp.Value = .{ .integer = 0 };
    var i: i64 = 0;
    while (i < depth) : (i += 1) {
        var list: std.json.Array = .init(call.allocator);
        try list.append(nested);
        nested = .{ .array = list };
    }
    try put(call, "nested", nested);
}

fn count(call: *Call) !void {
    var counts: std.json.ObjectMap = .empty;
    const words = call.argument("words") orelse return call.fail("there are no words", .{});
    for (words.array.items) |word| {
        const found = try counts.getOrPut(call.allocator, word.string);
        if (!found.found_existing) found.value_ptr.* = .{ .integer = 0 };
        found.value_ptr.integer += 1;
    }
    try put(call, "counts", mpp.Value{ .object = counts });
}

fn long(call: *Call) !void {
    const size = try call.integer("size", 0);
    const text = try call.allocator.alloc(u8, @intCast(size));
    @memset(text, 'x');
    try call.say(text);
    try call.put("size", size);
}

fn kvGet(call: *Call) !void {
    const found = call.kvGet(try call.text("key", "")) catch |fault| return told(call, fault);
    try put(call, "value", if (found) |bytes| mpp.Value{ .string = try call.base64(bytes) } else .null);
}

fn kvSet(call: *Call) !void {
    const key = try call.text("key", "");
    const found = try call.text("value", "");
    const expect = call.argument("expect") orelse {
        call.kvSet(key, found) catch |fault| return told(call, fault);
        return put(call, "stored", true);
    };
    const stored = call.kvSetIf(key, found, if (expect == .string) expect.string else null) catch |fault| return told(call, fault);
    try put(call, "stored", stored);
}

fn kvDelete(call: *Call) !void {
    try put(call, "existed", call.kvDelete(try call.text("key", "")) catch |fault| return told(call, fault));
}

fn optional(call: *Call, key: []const u8) ?[]const u8 {
    const found = call.argument(key) orelse return null;
    return if (found == .string) found.string else null;
}

fn kvList(call: *Call) !void {
    const limit = try call.integer("limit", 0);
    const found = call.kvList(optional(call, "prefix"), optional(call, "after"), if (limit > 0) limit else null) catch |fault| return told(call, fault);
    try call.put("keys", found.keys);
    try put(call, "more", found.more);
}

fn share(call: *Call) !void {
    call.kv_shared = true;
    call.kvSet(try call.text("key", ""), try call.text("value", "")) catch |fault| return told(call, fault);
    try put(call, "stored", true);
}

fn shared(call: *Call) !void {
    call.kv_shared = true;
    try kvGet(call);
}

fn kvCount(call: *Call) !void {
    const key = try call.text("key", "");
    for (0..5) |_| {
        const found = call.kvGet(key) catch |fault| return told(call, fault);
        const next = 1 + if (found) |digits| try std.fmt.parseInt(i64, digits, 10) else 0;
        const words = try std.fmt.allocPrint(call.allocator, "{d}", .{next});
        if (call.kvSetIf(key, words, found) catch |fault| return told(call, fault)) return put(call, "count", next);
    }
    return call.fail("busy", .{});
}

fn fetch(call: *Call) !void {
    var headers: std.ArrayList(mpp.Header) = .empty;
    if (call.argument("headers")) |pairs| for (pairs.array.items) |pair| {
        try headers.append(call.allocator, .{ pair.array.items[0].string, pair.array.items[1].string });
    };
    const timeout = try call.integer("timeout_ms", 0);
    const got = call.fetch(.{
        .url = try call.text("url", ""),
        .method = try call.text("method", "GET"),
        .headers = headers.items,
        .body = optional(call, "body"),
        .timeout_ms = if (timeout > 0) timeout else null,
        .redirect = optional(call, "redirect"),
    }) catch |fault| return told(call, fault);
    try call.put("status", got.status);
    try call.put("url", got.url);
    try call.put("type", if (got.header("content-type")) |kind| mpp.Value{ .string = kind } else .null);
    try put(call, "body", try call.base64(got.body));
}

fn whoami(call: *Call) !void {
    const who = call.context();
    inline for (.{ "agent", "proof", "user", "tenant", "invocation", "tool", "package", "version" }) |key| try call.put(key, @field(who, key));
    try ok(call);
}

fn token(call: *Call) !void {
    try put(call, "token", call.token(try call.text("audience", "")) catch |fault| return told(call, fault));
}

fn note(call: *Call) !void {
    call.log(try call.text("level", "info"), try call.text("message", ""));
    try ok(call);
}

fn work(call: *Call) !void {
    const steps = try call.integer("steps", 0);
    var i: i64 = 1;
    while (i <= steps) : (i += 1) {
        call.progress(@floatFromInt(i), @floatFromInt(steps), try std.fmt.allocPrint(call.allocator, "step {d}", .{i}));
    }
    try put(call, "done", steps);
}

fn ask(call: *Call) !void {
    const Kind = enum { person, model, folders };
    const kind = std.meta.stringToEnum(Kind, try call.text("kind", "person")) orelse return call.fail("no such kind", .{});
    const answer = call.argument("answer") orelse switch (kind) {
        .person => return call.askPerson("answer", "Who is it for?", .{ .type = "object", .properties = .{ .name = .{ .type = "string" } }, .required = .{"name"} }),
        .model => return call.askModel("answer", "Say hello", 100, "Be short"),
        .folders => return call.askFolders("answer"),
    };
    switch (kind) {
        .person => {
            const name = mpp.textOf(mpp.member(answer, "content"), "name");
            if (!std.mem.eql(u8, mpp.textOf(answer, "action"), "accept") or name.len == 0) return call.fail("nobody said a name", .{});
            const greeting = try std.fmt.allocPrint(call.allocator, "Hello, {s}!", .{name});
            try call.say(greeting);
            try call.put("greeting", greeting);
        },
        .model => {
            const said = mpp.textOf(mpp.member(answer, "content"), "text");
            try call.say(said);
            try call.put("said", said);
        },
        .folders => {
            var folders: std.ArrayList([]const u8) = .empty;
            for (mpp.member(answer, "roots").array.items) |root| try folders.append(call.allocator, mpp.textOf(root, "uri"));
            try put(call, "folders", folders.items);
        },
    }
}

fn environment(call: *Call) !void {
    const found = try mpp.environment(call.allocator, try call.text("name", ""));
    try put(call, "value", if (found) |words| mpp.Value{ .string = words } else .null);
}

fn toStderr(call: *Call) !void {
    std.debug.print("{s}\n", .{try call.text("message", "")});
    try ok(call);
}

const tools = [_]mpp.Tool{
    .{ .name = "echo", .run = echo },
    .{ .name = "add", .run = add },
    .{ .name = "greet", .run = greet },
    .{ .name = "half", .run = half },
    .{ .name = "fail", .run = fail },
    .{ .name = "reject", .run = reject },
    .{ .name = "content", .run = content },
    .{ .name = "binary", .run = binary },
    .{ .name = "nest", .run = nest },
    .{ .name = "count", .run = count },
    .{ .name = "long", .run = long },
    .{ .name = "kv_get", .run = kvGet },
    .{ .name = "kv_set", .run = kvSet },
    .{ .name = "kv_delete", .run = kvDelete },
    .{ .name = "kv_list", .run = kvList },
    .{ .name = "kv_count", .run = kvCount },
    .{ .name = "fetch", .run = fetch },
    .{ .name = "whoami", .run = whoami },
    .{ .name = "token", .run = token },
    .{ .name = "note", .run = note },
    .{ .name = "work", .run = work },
    .{ .name = "ask", .run = ask },
    .{ .name = "share", .run = share },
    .{ .name = "shared", .run = shared },
    .{ .name = "environment", .run = environment },
    .{ .name = "stderr", .run = toStderr },
};

pub fn main() u8 {
    return mpp.serve(&tools);
}
