const mpp = @import("mpp.zig");

fn loop(call: *mpp.Call) !void {
    const n = try call.integer("n", 0);
    var x: u32 = 2463534242;
    var sum: u32 = 0;
    var i: i64 = 0;
    while (i < n) : (i += 1) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum +%= x & 255;
    }
    try call.put("sum", sum);
}

pub fn main() u8 {
    return mpp.serve(&.{.{ .name = "loop", .run = loop }});
}
