//! The adapter between an MPP host and a tool written in Zig; all of it is in this file.
//!
//! The host starts the tool once per call. `serve` reads the request line from standard input, calls the function of the tool that was
//! named and writes the reply line. Standard output belongs to the reply; `std.debug.print` writes to standard error, which is the log.
//!
//! SPDX-License-Identifier: Apache-2.0

const std = @import("std");
const builtin = @import("builtin");
const Allocator = std.mem.Allocator;

pub const Value = std.json.Value;

/// Limits of a request. Beyond them it gets an error reply.
pub const line_max = 1 << 20; // bytes of the request line: bounds memory
pub const values_max = 65536; // JSON values in it: bounds memory
pub const depth_max = 32; // levels of nesting: bounds the stack

const parse_error = -32700;
const invalid_request = -32600;
const no_method = -32601;
const bad_params = -32602;
const internal_error = -32603;

/// One tool: the name of the manifest and the function that does the work.
pub const Tool = struct {
    name: []const u8,
    run: *const fn (call: *Call) anyerror!void,
};

/// What the host refused: a code such as "not_granted" or "quota", and its words.
pub const HostError = struct { code: []const u8 = "", message: []const u8 = "" };

pub const Context = struct {
    agent: []const u8,
    proof: []const u8,
    key: []const u8,
    issuer: []const u8,
    user: []const u8,
    tenant: []const u8,
    invocation: []const u8,
    tool: []const u8,
    package: []const u8,
    version: []const u8,
    sha256: []const u8,
    publisher: []const u8,
};

pub const Link = struct {
    uri: []const u8,
    name: []const u8,
    title: ?[]const u8 = null,
    description: ?[]const u8 = null,
    mimeType: ?[]const u8 = null,
    size: ?u64 = null,
};

pub const Header = struct { []const u8, []const u8 };

pub const Request = struct {
    url: []const u8,
    method: []const u8 = "GET",
    headers: []const Header = &.{},
    body: ?[]const u8 = null,
    timeout_ms: ?i64 = null,
    redirect: ?[]const u8 = null,
};

pub const Response = struct {
    status: i64,
    url: []const u8,
    body: []const u8,
    headers: []const Header,

    /// The first header of that name, whatever its case.
    pub fn header(self: Response, name: []const u8) ?[]const u8 {
        for (self.headers) |one| if (std.ascii.eqlIgnoreCase(one[0], name)) return one[1];
        return null;
    }
};

pub const Keys = struct { keys: []const []const u8, more: bool };

/// One call: its arguments, its answer, the host. What it gives lives as long as the call.
pub const Call = struct {
    allocator: Allocator,
    tool: []const u8,
    arguments: Value,
    meta: Value,
    /// Each tool has keys of its own; true: those of all tools of the package.
    kv_shared: bool = false,
    /// Why the host refused, after an `error.HostRefused`.
    host_error: HostError = .{},

    content: std.Io.Writer.Allocating,
    fields: std.Io.Writer.Allocating,
    questions: std.Io.Writer.Allocating,
    words: []const u8 = "",
    rejection: []const u8 = "",

    // ---- Arguments

    pub fn argument(self: *Call, key: []const u8) ?Value {
        return self.arguments.object.get(key);
    }

    /// The text under that name, or the fallback when it is absent. Of another type, the call fails and says so.
    pub fn text(self: *Call, key: []const u8, fallback: []const u8) ![]const u8 {
        const found = self.argument(key) orelse return fallback;
        return if (found == .string) found.string else self.wrong(key, "a string");
    }

    pub fn integer(self: *Call, key: []const u8, fallback: i64) !i64 {
        const found = self.argument(key) orelse return fallback;
        return asInteger(found) orelse self.wrong(key, "an integer of at most 64 bits");
    }

    pub fn number(self: *Call, key: []const u8, fallback: f64) !f64 {
        const found = self.argument(key) orelse return fallback;
        return asNumber(found) orelse self.wrong(key, "a number");
    }

    pub fn boolean(self: *Call, key: []const u8, fallback: bool) !bool {
        const found = self.argument(key) orelse return fallback;
        return if (found == .bool) found.bool else self.wrong(key, "true or false");
    }

    fn wrong(self: *Call, key: []const u8, kind: []const u8) error{Failed} {
        return self.fail("the argument '{s}' must be {s}", .{ key, kind });
    }

    // ---- Answering

    /// A text: what a person or a model reads.
    pub fn say(self: *Call, words: []const u8) !void {
        try self.item(.{ .type = "text", .text = try self.clean(words) });
    }

    /// A field of structuredContent: what programs read. Any value that std.json writes.
    pub fn put(self: *Call, key: []const u8, found: anytype) !void {
        const out = &self.fields.writer;
        try out.writeAll(if (self.fields.written().len > 0) "," else "");
        try write(out, try self.clean(key));
        try out.writeByte(':');
        switch (@typeInfo(@TypeOf(found))) {
            .float, .comptime_float => try write(out, try self.decimal(found)),
            else => try write(out, if (comptime isText(@TypeOf(found))) try self.clean(found) else found),
        }
    }

    /// A decimal number for the inside of a struct or list: std.json would write 1e300 as an integer of 301 digits, which no host takes.
    pub fn decimal(self: *Call, found: f64) !Value {
        if (!std.math.isFinite(found)) return self.fail("the tool gave a number that JSON cannot hold", .{});
        return .{ .number_string = try std.fmt.allocPrint(self.allocator, "{e}", .{found}) };
    }

    /// The tool could not do it: `return call.fail("there is no {s}", .{name})`.
    pub fn fail(self: *Call, comptime form: []const u8, parts: anytype) error{Failed} {
        self.words = std.fmt.allocPrint(self.allocator, form, parts) catch "out of memory";
        return error.Failed;
    }

    /// An error reply: the tool cannot handle the request at all. `data` null: none.
    pub fn reject(self: *Call, code: i64, message: []const u8, data: ?Value) error{ Rejected, OutOfMemory } {
        const said = try self.clean(message);
        self.rejection = try if (data) |more|
            std.json.Stringify.valueAlloc(self.allocator, .{ .code = code, .message = said, .data = more }, .{})
        else
            std.json.Stringify.valueAlloc(self.allocator, .{ .code = code, .message = said }, .{});
        return error.Rejected;
    }

    pub fn image(self: *Call, bytes: []const u8, mime: []const u8) !void {
        try self.item(.{ .type = "image", .data = try self.base64(bytes), .mimeType = mime });
    }

    pub fn audio(self: *Call, bytes: []const u8, mime: []const u8) !void {
        try self.item(.{ .type = "audio", .data = try self.base64(bytes), .mimeType = mime });
    }

    pub fn resource(self: *Call, uri: []const u8, mime: []const u8, words: []const u8) !void {
        try self.item(.{ .type = "resource", .resource = .{ .uri = uri, .mimeType = mime, .text = try self.clean(words) } });
    }

    pub fn resourceBytes(self: *Call, uri: []const u8, mime: []const u8, bytes: []const u8) !void {
        try self.item(.{ .type = "resource", .resource = .{ .uri = uri, .mimeType = mime, .blob = try self.base64(bytes) } });
    }

    pub fn link(self: *Call, found: Link) !void {
        const listed = .{
            .type = "resource_link",
            .uri = found.uri,
            .name = found.name,
            .title = found.title,
            .description = found.description,
            .mimeType = found.mimeType,
            .size = found.size,
        };
        try self.item(listed);
    }

    /// Advice on the item that was added last: for whom ("user", "assistant"), how important (0 to 1).
    pub fn annotate(self: *Call, audience: []const u8, priority: f64) !void {
        if (self.content.written().len == 0) return;
        self.content.writer.end -= 1; // the item is opened again
        try self.content.writer.writeAll(",\"annotations\":");
        try write(&self.content.writer, .{ .audience = [_][]const u8{audience}, .priority = priority });
        try self.content.writer.writeByte('}');
    }

    fn item(self: *Call, found: anytype) !void {
        try self.content.writer.writeAll(if (self.content.written().len > 0) "," else "");
        try write(&self.content.writer, found);
    }

    /// Ends the call with a question; its answer comes as the argument `name` of the next call. `schema` is anything that std.json writes.
    pub fn askPerson(self: *Call, name: []const u8, message: []const u8, schema: anytype) !void {
        try self.ask(name, "elicitation/create", .{ .message = message, .requestedSchema = schema });
    }

    pub fn askModel(self: *Call, name: []const u8, message: []const u8, max_tokens: u32, system: ?[]const u8) !void {
        const said = .{ .role = "user", .content = .{ .type = "text", .text = message } };
        try self.ask(name, "sampling/createMessage", .{ .messages = .{said}, .maxTokens = max_tokens, .systemPrompt = system });
    }

    pub fn askFolders(self: *Call, name: []const u8) !void {
        try self.ask(name, "roots/list", struct {}{});
    }

    fn ask(self: *Call, name: []const u8, method: []const u8, params: anytype) !void {
        const out = &self.questions.writer;
        try out.writeAll(if (self.questions.written().len > 0) "," else "");
        try write(out, name);
        try out.writeByte(':');
        try write(out, .{ .method = method, .params = params });
    }

    // ---- Who calls

    /// What the host says of the call; what it does not say is empty.
    pub fn context(self: *Call) Context {
        const agent = member(self.meta, "agent");
        const package = member(self.meta, "package");
        return .{
            .agent = textOf(agent, "name"),
            .proof = textOf(agent, "proof"),
            .key = textOf(agent, "key"),
            .issuer = textOf(agent, "issuer"),
            .user = textOf(self.meta, "user"),
            .tenant = textOf(self.meta, "tenant"),
            .invocation = textOf(self.meta, "invocation"),
            .tool = textOf(self.meta, "tool"),
            .package = textOf(package, "id"),
            .version = textOf(package, "version"),
            .sha256 = textOf(package, "sha256"),
            .publisher = textOf(package, "publisher"),
        };
    }

    // ---- The host. error.HostRefused: `host_error` says why.

    pub fn host(self: *Call, method: []const u8, params: anytype) !Value {
        const request = try std.json.Stringify.valueAlloc(self.allocator, .{ .method = method, .params = params }, .{ .emit_null_optional_fields = false });
        const answer = try self.exchange(request);
        const whole = parse(self.allocator, answer) catch return self.unreadable();
        const refused = member(whole, "error");
        if (refused == .object) return self.refuse(textOf(refused, "code"), textOf(refused, "message"));
        const result = member(whole, "result");
        return if (result == .object) result else self.unreadable();
    }

    // An answer that needs more room is kept by the host and fetched; the request is not sent again.
    fn exchange(self: *Call, request: []const u8) ![]const u8 {
        const refused = -(1 << 30);
        var room = try self.allocator.alloc(u8, 65536);
        var size = hostCall(request, room);
        if (size < 0 and size >= refused) {
            room = try self.allocator.alloc(u8, @intCast(-size));
            size = hostCall("", room);
        }
        if (size == refused - 4) return self.refuse("unavailable", "there is no host to call");
        if (size < 0) return self.refuse("unavailable", "the call to the host failed");
        return room[0..@intCast(size)];
    }

    fn refuse(self: *Call, code: []const u8, message: []const u8) error{HostRefused} {
        self.host_error = .{ .code = code, .message = message };
        return error.HostRefused;
    }

    fn unreadable(self: *Call) error{HostRefused} {
        return self.refuse("unavailable", "the host's answer cannot be read");
    }

    fn flag(self: *Call, result: Value, key: []const u8) !bool {
        const found = member(result, key);
        return if (found == .bool) found.bool else self.unreadable();
    }

    fn scope(self: *Call) ?[]const u8 {
        return if (self.kv_shared) "package" else null;
    }

    pub fn kvGet(self: *Call, key: []const u8) !?[]const u8 {
        const found = member(try self.host("kv.get", .{ .key = key, .scope = self.scope() }), "value");
        if (found != .string) return null;
        return (try self.fromBase64(found.string)) orelse self.unreadable();
    }

    pub fn kvSet(self: *Call, key: []const u8, found: []const u8) !void {
        _ = try self.flag(try self.host("kv.set", .{ .key = key, .value = try self.base64(found), .scope = self.scope() }), "stored");
    }

    /// Stores only if the present value equals `expect`; with null, only if there is none. Says whether it did.
    pub fn kvSetIf(self: *Call, key: []const u8, found: []const u8, expect: ?[]const u8) !bool {
        const wanted: Value = if (expect) |bytes| .{ .string = try self.base64(bytes) } else .null;
        return self.flag(try self.host("kv.set", .{ .key = key, .value = try self.base64(found), .expect = wanted, .scope = self.scope() }), "stored");
    }

    pub fn kvDelete(self: *Call, key: []const u8) !bool {
        return self.flag(try self.host("kv.delete", .{ .key = key, .scope = self.scope() }), "existed");
    }

    /// Keys in order; what is null is not sent.
    pub fn kvList(self: *Call, prefix: ?[]const u8, after: ?[]const u8, limit: ?i64) !Keys {
        const result = try self.host("kv.list", .{ .prefix = prefix, .after = after, .limit = limit, .scope = self.scope() });
        const listed = member(result, "keys");
        if (listed != .array) return self.unreadable();
        const keys = try self.allocator.alloc([]const u8, listed.array.items.len);
        for (keys, listed.array.items) |*key, found| key.* = if (found == .string) found.string else "";
        return .{ .keys = keys, .more = try self.flag(result, "more") };
    }

    pub fn fetch(self: *Call, request: Request) !Response {
        const body: ?[]const u8 = if (request.body) |bytes| try self.base64(bytes) else null;
        const headers: ?[]const Header = if (request.headers.len > 0) request.headers else null;
        const result = try self.host("http.fetch", .{
            .method = request.method,
            .url = request.url,
            .headers = headers,
            .body = body,
            .timeout_ms = request.timeout_ms,
            .redirect = request.redirect,
        });
        const listed = member(result, "headers");
        const status = asInteger(member(result, "status"));
        const got = try self.fromBase64(textOf(result, "body"));
        if (listed != .array or status == null or got == null) return self.unreadable();
        const found = try self.allocator.alloc(Header, listed.array.items.len);
        for (found, listed.array.items) |*one, pair| {
            one.* = .{ "", "" };
            if (pair != .array or pair.array.items.len != 2) continue;
            const name = pair.array.items[0];
            const value = pair.array.items[1];
            if (name == .string and value == .string) one.* = .{ name.string, value.string };
        }
        return .{ .status = status.?, .url = textOf(result, "url"), .body = got.?, .headers = found };
    }

    /// A statement signed by the host about this call, for the back end `audience`.
    pub fn token(self: *Call, audience: []const u8) ![]const u8 {
        return textOf(try self.host("context.get", .{ .audience = audience }), "token");
    }

    /// A line for the log of the host: "debug", "info", "warning", "error". A host that does not take it changes nothing.
    pub fn log(self: *Call, level: []const u8, message: []const u8) void {
        const said = self.clean(message) catch return;
        _ = self.host("log", .{ .level = level, .message = said }) catch return;
    }

    pub fn progress(self: *Call, done: f64, total: ?f64, message: ?[]const u8) void {
        _ = self.host("progress", .{ .progress = done, .total = total, .message = message }) catch return;
    }

    // ---- Bytes

    pub fn base64(self: *Call, bytes: []const u8) ![]const u8 {
        const encoder = std.base64.standard.Encoder;
        return encoder.encode(try self.allocator.alloc(u8, encoder.calcSize(bytes.len)), bytes);
    }

    /// Null unless it is the one text for these bytes.
    pub fn fromBase64(self: *Call, words: []const u8) !?[]u8 {
        const decoder = std.base64.standard.Decoder;
        const size = decoder.calcSizeForSlice(words) catch return null;
        const bytes = try self.allocator.alloc(u8, size);
        decoder.decode(bytes, words) catch return null;
        return if (std.mem.eql(u8, try self.base64(bytes), words)) bytes else null;
    }

    /// The text with U+FFFD for what is no UTF-8, so that a reply is always well-formed.
    fn clean(self: *Call, words: []const u8) ![]const u8 {
        if (std.unicode.utf8ValidateSlice(words)) return words;
        var out: std.Io.Writer.Allocating = .init(self.allocator);
        var at: usize = 0;
        while (at < words.len) {
            const size = std.unicode.utf8ByteSequenceLength(words[at]) catch 0;
            const whole = size > 0 and at + size <= words.len and std.unicode.utf8ValidateSlice(words[at .. at + size]);
            out.writer.writeAll(if (whole) words[at .. at + size] else "\u{FFFD}") catch return error.OutOfMemory;
            at += if (whole) size else 1;
        }
        return out.written();
    }
};

fn isText(comptime T: type) bool {
    if (T == []const u8 or T == []u8) return true;
    const info = @typeInfo(T);
    if (info != .pointer or info.pointer.size != .one) return false;
    const child = @typeInfo(info.pointer.child);
    return child == .array and child.array.child == u8;
}

fn write(out: *std.Io.Writer, found: anytype) !void {
    try std.json.Stringify.value(found, .{ .emit_null_optional_fields = false }, out);
}

fn parse(allocator: Allocator, line: []const u8) !Value {
    // Numbers stay texts, so that no digit is lost.
    return std.json.parseFromSliceLeaky(Value, allocator, line, .{ .parse_numbers = false, .duplicate_field_behavior = .@"error" });
}

/// The member of an object; null where there is none.
pub fn member(value: Value, key: []const u8) Value {
    return if (value == .object) value.object.get(key) orelse .null else .null;
}

/// The text under a key; empty where there is none.
pub fn textOf(value: Value, key: []const u8) []const u8 {
    const found = member(value, key);
    return if (found == .string) found.string else "";
}

pub fn asNumber(value: Value) ?f64 {
    if (value != .number_string) return null;
    const found = std.fmt.parseFloat(f64, value.number_string) catch return null;
    return if (std.math.isFinite(found)) found else null;
}

/// 1e3 and 2.0 are integers too, as far as a float holds them exactly.
pub fn asInteger(value: Value) ?i64 {
    if (value != .number_string) return null;
    if (std.mem.findAny(u8, value.number_string, ".eE") == null) return std.fmt.parseInt(i64, value.number_string, 10) catch null;
    const exact = 1 << 53;
    const found = asNumber(value) orelse return null;
    if (found < -exact or found > exact or found != @trunc(found)) return null;
    return @trunc(found);
}

pub fn asUnsigned(value: Value) ?u64 {
    return if (value == .number_string) std.fmt.parseInt(u64, value.number_string, 10) catch null else null;
}

/// A variable of the environment that the host granted.
pub fn environment(allocator: Allocator, name: []const u8) !?[]const u8 {
    if (builtin.os.tag != .wasi) return null;
    var count: usize = 0;
    var size: usize = 0;
    if (std.os.wasi.environ_sizes_get(&count, &size) != .SUCCESS or count == 0) return null;
    const list = try allocator.alloc([*:0]u8, count);
    const bytes = try allocator.alloc(u8, size);
    if (std.os.wasi.environ_get(list.ptr, bytes.ptr) != .SUCCESS) return null;
    for (list) |entry| {
        const whole = std.mem.span(entry);
        if (whole.len > name.len and whole[name.len] == '=' and std.mem.eql(u8, whole[0..name.len], name)) return whole[name.len + 1 ..];
    }
    return null;
}

// ---- One request, one reply

/// Answers the one request on standard input. Gives the exit code of the process.
pub fn serve(tools: []const Tool) u8 {
    var arena: std.heap.ArenaAllocator = .init(std.heap.page_allocator);
    const allocator = arena.allocator();
    const line = readLine(allocator) catch return 1;
    const reply = answerLine(allocator, line, tools) catch "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"out of memory\"}}";
    return if (writeAll(reply) and writeAll("\n")) 0 else 1;
}

/// The reply to one request line. For tests.
pub fn answerLine(allocator: Allocator, line: []const u8, tools: []const Tool) ![]const u8 {
    if (line.len > line_max) return refusal(allocator, .null, invalid_request, "the request line is too long");
    const request = parse(allocator, line) catch |fault| return refusal(allocator, .null, parse_error, switch (fault) {
        error.DuplicateField => "an object has the same key twice",
        error.OutOfMemory => return error.OutOfMemory,
        else => "not strict JSON",
    });
    var count: usize = 0;
    if (!fits(request, 0, &count)) return refusal(allocator, .null, invalid_request, "the request is nested too deep, or has too many values");
    const id = member(request, "id");
    if (!isId(id)) return refusal(allocator, .null, invalid_request, "a request is an object with an \"id\" that is a string or an integer");
    if (!std.mem.eql(u8, textOf(request, "jsonrpc"), "2.0")) return refusal(allocator, id, invalid_request, "\"jsonrpc\" must be \"2.0\"");
    const method = member(request, "method");
    if (method != .string) return refusal(allocator, id, invalid_request, "\"method\" must be a string");
    if (!std.mem.eql(u8, method.string, "tools/call")) return refusal(allocator, id, no_method, "the only method is \"tools/call\"");
    return callTool(allocator, id, member(request, "params"), tools);
}

fn fits(value: Value, depth: usize, count: *usize) bool {
    count.* += 1;
    if (count.* > values_max) return false;
    switch (value) {
        .array => |list| {
            if (depth == depth_max) return false;
            for (list.items) |item| if (!fits(item, depth + 1, count)) return false;
        },
        .object => |object| {
            if (depth == depth_max) return false;
            for (object.values()) |item| if (!fits(item, depth + 1, count)) return false;
        },
        else => {},
    }
    return true;
}

// A string or a plain integer: 1e999 would make a reply that strict readers refuse.
fn isId(id: Value) bool {
    return switch (id) {
        .string => true,
        .number_string => |digits| digits.len <= 32 and std.mem.findAny(u8, digits, ".eE") == null,
        else => false,
    };
}

fn refusal(allocator: Allocator, id: Value, code: i64, message: []const u8) ![]const u8 {
    return std.json.Stringify.valueAlloc(allocator, .{ .jsonrpc = "2.0", .id = id, .@"error" = .{ .code = code, .message = message } }, .{});
}

fn callTool(allocator: Allocator, id: Value, params: Value, tools: []const Tool) ![]const u8 {
    const name = member(params, "name");
    if (name != .string) return refusal(allocator, id, bad_params, "\"params\" must be an object with the \"name\" of a tool");
    const tool = for (tools) |one| {
        if (std.mem.eql(u8, one.name, name.string)) break one;
    } else return refusal(allocator, id, bad_params, "this package has no tool of that name");
    const arguments = params.object.get("arguments") orelse Value{ .object = .empty };
    const meta = params.object.get("_meta") orelse Value{ .object = .empty };
    if (arguments != .object or meta != .object) return refusal(allocator, id, bad_params, "\"arguments\" and \"_meta\" must be objects");
    var call: Call = .{
        .allocator = allocator,
        .tool = name.string,
        .arguments = arguments,
        .meta = meta,
        .content = .init(allocator),
        .fields = .init(allocator),
        .questions = .init(allocator),
    };
    tool.run(&call) catch |fault| return failure(&call, id, fault);
    return success(&call, id);
}

fn failure(call: *Call, id: Value, fault: anyerror) ![]const u8 {
    const allocator = call.allocator;
    if (fault == error.Rejected) {
        return std.mem.concat(allocator, u8, &.{ "{\"jsonrpc\":\"2.0\",\"id\":", try std.json.Stringify.valueAlloc(allocator, id, .{}), ",\"error\":", call.rejection, "}" });
    }
    if (fault == error.HostRefused) _ = call.fail("{s}: {s}", .{ call.host_error.code, call.host_error.message }) catch {};
    if (fault != error.HostRefused and fault != error.Failed) {
        std.debug.print("the tool failed: {s}\n", .{@errorName(fault)});
        return refusal(allocator, id, internal_error, "the tool failed unexpectedly");
    }
    const said = .{ .content = .{.{ .type = "text", .text = try call.clean(call.words) }}, .isError = true };
    return std.json.Stringify.valueAlloc(allocator, .{ .jsonrpc = "2.0", .id = id, .result = said }, .{});
}

fn success(call: *Call, id: Value) ![]const u8 {
    var out: std.Io.Writer.Allocating = .init(call.allocator);
    const to = &out.writer;
    try to.writeAll("{\"jsonrpc\":\"2.0\",\"id\":");
    try write(to, id);
    if (call.questions.written().len > 0) {
        try to.print(",\"result\":{{\"resultType\":\"input_required\",\"inputRequests\":{{{s}}}}}}}", .{call.questions.written()});
        return out.written();
    }
    try to.print(",\"result\":{{\"content\":[{s}]", .{call.content.written()});
    if (call.fields.written().len > 0) try to.print(",\"structuredContent\":{{{s}}}", .{call.fields.written()});
    try to.writeAll(",\"isError\":false}}");
    return out.written();
}

// ---- The world

const imported = struct {
    extern "mpp_host" fn call(request: [*]const u8, size: u32, room: [*]u8, capacity: u32) i32;
};

fn hostCall(request: []const u8, room: []u8) i64 {
    // Without a sandbox there is no host: a tool can be tried, its calls are refused.
    if (builtin.os.tag != .wasi) return -(1 << 30) - 4;
    return imported.call(request.ptr, @intCast(request.len), room.ptr, @intCast(room.len));
}

fn readLine(allocator: Allocator) ![]const u8 {
    var line: std.ArrayList(u8) = .empty;
    var part: [65536]u8 = undefined;
    while (line.items.len <= line_max) {
        const size = try readSome(&part);
        const end = std.mem.findScalar(u8, part[0..size], '\n');
        try line.appendSlice(allocator, part[0 .. end orelse size]);
        if (size == 0 or end != null) break;
    }
    return line.items;
}

fn readSome(part: []u8) !usize {
    if (builtin.os.tag != .wasi) return std.posix.read(0, part);
    var size: usize = 0;
    const into = [_]std.os.wasi.iovec_t{.{ .base = part.ptr, .len = part.len }};
    return if (std.os.wasi.fd_read(0, &into, 1, &size) == .SUCCESS) size else error.ReadFailed;
}

fn writeAll(text: []const u8) bool {
    var at: usize = 0;
    while (at < text.len) {
        const size = writeSome(text[at..]) orelse return false;
        if (size == 0) return false;
        at += size;
    }
    return true;
}

fn writeSome(text: []const u8) ?usize {
    if (builtin.os.tag != .wasi) {
        const size: isize = @bitCast(@as(usize, std.posix.system.write(1, text.ptr, text.len)));
        return if (size > 0) @intCast(size) else null;
    }
    var size: usize = 0;
    const from = [_]std.os.wasi.ciovec_t{.{ .base = text.ptr, .len = text.len }};
    return if (std.os.wasi.fd_write(1, &from, 1, &size) == .SUCCESS) size else null;
}
