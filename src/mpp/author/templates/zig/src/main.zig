//! {{name}}: an MPP tool in Zig. Everything that is special about this tool is in this file.
//!
//! The manifest describes the tool `greet` to agents and hosts; the function greet below does it. To add a tool: describe it under
//! "tool_definitions" in manifest.json, write its function, list it in `tools`.

const std = @import("std");
const mpp = @import("mpp.zig");

/// Greets the person whose name is in the optional argument "name".
fn greet(call: *mpp.Call) !void {
    // The host has checked the arguments against "parameters" of the manifest.
    const name = try call.text("name", "World");

    // A tool that cannot do what it was asked for says why, in words that help the caller.
    if (name.len == 0) return call.fail("the argument 'name' is empty: leave it out, or give a name", .{});

    const greeting = try std.fmt.allocPrint(call.allocator, "Hello, {s}!", .{name});
    try call.say(greeting); // what a person or a model reads
    try call.put("greeting", greeting); // what programs read: as in "returns"
}

/// The tools of this package, with the names that the manifest gives them.
const tools = [_]mpp.Tool{
    .{ .name = "greet", .run = greet },
};

pub fn main() u8 {
    return mpp.serve(&tools);
}
