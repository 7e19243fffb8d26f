//! {{name}}: an MPP tool in Rust. Everything that is special about this tool is in this file.
//!
//! The manifest describes the tool `greet` to agents and hosts; the function `greet` below does it. To add a tool: describe it under
//! "tool_definitions" in manifest.json, write its function, name it in `main`.

use mpp_sdk::{tool_handler, ToolRequest, ToolResponse};

/// Greets the person whose name is in the optional argument "name".
fn greet(req: &ToolRequest) -> Result<ToolResponse, ToolResponse> {
    // The host has checked the arguments against "parameters" of the manifest.
    let name = req.text("name", "World")?;

    // A tool that cannot do what it was asked for says why, in words that help the caller.
    if name.is_empty() {
        return Err(ToolResponse::error("the argument 'name' is empty: leave it out, or give a name"));
    }

    let greeting = format!("Hello, {}!", name);
    Ok(ToolResponse::new()
        .say(&greeting[..]) // what a person or a model reads
        .field("greeting", greeting)) // what programs read: as in "returns"
}

fn main() {
    tool_handler(|req: ToolRequest| match req.tool.as_str() {
        "greet" => greet(&req),
        _ => Err(ToolResponse::unknown_tool()),
    });
}
