use mpp_sdk::{serve, ToolRequest, ToolResponse};

fn run(req: &ToolRequest) -> Result<ToolResponse, ToolResponse> {
    let n = req.integer("n", 0)?;
    let (mut x, mut sum) = (2463534242u32, 0u32);
    for _ in 0..n {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        sum = sum.wrapping_add(x & 255);
    }
    Ok(ToolResponse::new().field("sum", sum))
}

fn main() {
    serve(&[("loop", run)]);
}
