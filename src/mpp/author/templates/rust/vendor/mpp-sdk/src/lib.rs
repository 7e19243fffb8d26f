//! The adapter between an MPP host and a tool written in Rust. It has no dependencies.
//!
//! ```no_run
//! use mpp_sdk::{json, tool_handler, ToolRequest, ToolResponse};
//!
//! fn main() {
//!     tool_handler(|req: ToolRequest| -> ToolResponse {
//!         match req.tool.as_str() {
//!             "greet" => ToolResponse::success(json!({"greeting": (format!("Hello, {}!", req.arguments.text("name")))})),
//!             _ => ToolResponse::unknown_tool(),
//!         }
//!     });
//! }
//! ```
//!
//! The host starts the tool once per call, with one line on standard input, and reads one line from standard output. That line is the
//! reply: write notes with `eprintln!`, never with `println!`.
//!
//! SPDX-License-Identifier: Apache-2.0

#[macro_use]
mod json;
mod bytes;
mod host;

pub use bytes::{from_base64, to_base64};
pub use host::{http, kv, log, progress, Context, HostError};
pub use json::{JsonError, Number, Value};

/// Any method of the host, by its name.
pub use host::call as host_call;

use std::io::{Read, Write};

/// Bytes of a request line: bounds memory.
pub const LINE_MAX: usize = 1 << 20;

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const NO_METHOD: i64 = -32601;
const BAD_PARAMS: i64 = -32602;

/// One call.
#[derive(Clone, Debug)]
pub struct ToolRequest {
    /// The tool that was called, by its name in the manifest.
    pub tool: String,
    /// An object.
    pub arguments: Value,
    /// Who calls.
    pub context: Context,
    /// All that the host says of the call.
    pub meta: Value,
}

impl ToolRequest {
    /// The text under that name, or the fallback when it is absent. Of another type: what to answer.
    pub fn text<'a>(&'a self, key: &str, fallback: &'a str) -> Result<&'a str, ToolResponse> {
        self.read(key, "a string", fallback, Value::as_str)
    }

    pub fn integer(&self, key: &str, fallback: i64) -> Result<i64, ToolResponse> {
        self.read(key, "an integer of at most 64 bits", fallback, Value::as_i64)
    }

    pub fn number(&self, key: &str, fallback: f64) -> Result<f64, ToolResponse> {
        self.read(key, "a number", fallback, Value::as_f64)
    }

    pub fn boolean(&self, key: &str, fallback: bool) -> Result<bool, ToolResponse> {
        self.read(key, "true or false", fallback, Value::as_bool)
    }

    fn read<'a, T>(&'a self, key: &str, kind: &str, fallback: T, as_kind: impl Fn(&'a Value) -> Option<T>) -> Result<T, ToolResponse> {
        match self.arguments.get(key) {
            None => Ok(fallback),
            Some(found) => as_kind(found).ok_or_else(|| ToolResponse::error(format!("the argument '{}' must be {}", key, kind))),
        }
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Result { is_error: bool },
    Reject { code: i64, message: String, data: Option<Value> },
    Questions(Value),
}

/// What a tool answers.
#[derive(Clone, Debug)]
pub struct ToolResponse {
    kind: Kind,
    content: Vec<Value>,
    structured: Option<Value>,
}

/// A link to a resource; what is `None` is left out.
#[derive(Clone, Debug, Default)]
pub struct Link {
    pub uri: String,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub mime_type: Option<String>,
    pub size: Option<u64>,
}

impl ToolResponse {
    fn made(kind: Kind) -> ToolResponse {
        ToolResponse { kind, content: Vec::new(), structured: None }
    }

    /// An answer without content yet.
    pub fn new() -> ToolResponse {
        ToolResponse::made(Kind::Result { is_error: false })
    }

    /// It worked. An object becomes `structuredContent`, and its JSON the text; a text is the text; anything else stands in
    /// `structuredContent` as `result`.
    pub fn success(result: impl Into<Value>) -> ToolResponse {
        match result.into() {
            Value::String(text) => ToolResponse::new().say(text),
            found @ Value::Object(_) => ToolResponse { structured: Some(found.clone()), ..ToolResponse::new().say(found.to_string()) },
            found => ToolResponse::new().say(found.to_string()).field("result", found),
        }
    }

    /// The tool could not do it, and why.
    pub fn error(why: impl Into<String>) -> ToolResponse {
        ToolResponse::made(Kind::Result { is_error: true }).say(why.into())
    }

    /// An error reply: the tool cannot handle the request at all.
    pub fn reject(code: i64, message: impl Into<String>, data: Option<Value>) -> ToolResponse {
        ToolResponse::made(Kind::Reject { code, message: message.into(), data })
    }

    /// The answer to a name that no tool has.
    pub fn unknown_tool() -> ToolResponse {
        ToolResponse::reject(BAD_PARAMS, "this package has no tool of that name", None)
    }

    /// Adds a text: what a person or a model reads.
    pub fn say(self, text: impl Into<String>) -> ToolResponse {
        let text = text.into();
        self.item(json!({"type": "text", "text": text}))
    }

    /// Adds a field to `structuredContent`: what programs read.
    pub fn field(mut self, key: impl Into<String>, value: impl Into<Value>) -> ToolResponse {
        self.structured.get_or_insert_with(Value::object).insert(key, value);
        self
    }

    pub fn image(self, bytes: &[u8], mime_type: &str) -> ToolResponse {
        self.item(json!({"type": "image", "data": (to_base64(bytes)), "mimeType": mime_type}))
    }

    pub fn audio(self, bytes: &[u8], mime_type: &str) -> ToolResponse {
        self.item(json!({"type": "audio", "data": (to_base64(bytes)), "mimeType": mime_type}))
    }

    pub fn resource(self, uri: &str, mime_type: &str, text: &str) -> ToolResponse {
        self.item(json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "text": text}}))
    }

    pub fn resource_bytes(self, uri: &str, mime_type: &str, bytes: &[u8]) -> ToolResponse {
        self.item(json!({"type": "resource", "resource": {"uri": uri, "mimeType": mime_type, "blob": (to_base64(bytes))}}))
    }

    pub fn link(self, link: Link) -> ToolResponse {
        let mut item = json!({"type": "resource_link", "uri": (link.uri), "name": (link.name)});
        for (key, found) in [("title", link.title), ("description", link.description), ("mimeType", link.mime_type)] {
            if let Some(text) = found {
                item.insert(key, text);
            }
        }
        if let Some(size) = link.size {
            item.insert("size", size);
        }
        self.item(item)
    }

    /// Advice on the item that was added last: for whom (`user`, `assistant`), how important (0 to 1).
    pub fn annotate(mut self, audience: &str, priority: f64) -> ToolResponse {
        if let Some(item) = self.content.last_mut() {
            item.insert("annotations", json!({"audience": [audience], "priority": priority}));
        }
        self
    }

    fn item(mut self, item: Value) -> ToolResponse {
        self.content.push(item);
        self
    }

    /// Ends the call with a question to a person; its answer comes as the argument `name` of the next call.
    pub fn ask_person(self, name: &str, message: &str, schema: Value) -> ToolResponse {
        self.ask(name, "elicitation/create", json!({"message": message, "requestedSchema": schema}))
    }

    /// Ends the call with a question to the caller's model.
    pub fn ask_model(self, name: &str, message: &str, max_tokens: u32, system: Option<&str>) -> ToolResponse {
        let mut params = json!({"messages": [{"role": "user", "content": {"type": "text", "text": message}}], "maxTokens": max_tokens});
        if let Some(text) = system {
            params.insert("systemPrompt", text);
        }
        self.ask(name, "sampling/createMessage", params)
    }

    /// Ends the call with the question which folders the caller works in.
    pub fn ask_folders(self, name: &str) -> ToolResponse {
        self.ask(name, "roots/list", Value::object())
    }

    fn ask(mut self, name: &str, method: &str, params: Value) -> ToolResponse {
        let mut asked = match self.kind {
            Kind::Questions(asked) => asked,
            _ => Value::object(),
        };
        asked.insert(name, json!({"method": method, "params": params}));
        self.kind = Kind::Questions(asked);
        self
    }

    fn reply(self, id: &Value) -> Value {
        let result = match self.kind {
            Kind::Reject { code, message, data } => return refusal(id, code, &message, data),
            Kind::Questions(asked) => json!({"resultType": "input_required", "inputRequests": asked}),
            Kind::Result { is_error } => {
                let mut result = json!({"content": (self.content), "isError": is_error});
                if let (Some(found), false) = (self.structured, is_error) {
                    result.insert("structuredContent", found);
                }
                result
            }
        };
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }
}

impl Default for ToolResponse {
    fn default() -> ToolResponse {
        ToolResponse::new()
    }
}

/// `?` on a call to the host makes its refusal the failure of the tool.
impl From<HostError> for ToolResponse {
    fn from(error: HostError) -> ToolResponse {
        ToolResponse::error(error.to_string())
    }
}

impl<E: Into<ToolResponse>> From<Result<ToolResponse, E>> for ToolResponse {
    fn from(found: Result<ToolResponse, E>) -> ToolResponse {
        found.unwrap_or_else(Into::into)
    }
}

fn refusal(id: &Value, code: i64, message: &str, data: Option<Value>) -> Value {
    let mut error = json!({"code": code, "message": message});
    if let Some(found) = data {
        error.insert("data", found);
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

/// Answers the one request on standard input with one function for all tools, which sees their names.
pub fn tool_handler<F, R>(handler: F)
where
    F: FnOnce(ToolRequest) -> R,
    R: Into<ToolResponse>,
{
    let mut line = Vec::new();
    let read = std::io::stdin().take(LINE_MAX as u64 + 2).read_to_end(&mut line);
    let mut reply = answer(&line, handler).to_string();
    reply.push('\n');
    let mut out = std::io::stdout();
    let written = out.write_all(reply.as_bytes()).and_then(|()| out.flush());
    if read.is_err() || written.is_err() {
        std::process::exit(1);
    }
}

/// A tool: its name and its function. An `Err` is an answer too.
pub type Tool = (&'static str, fn(&ToolRequest) -> Result<ToolResponse, ToolResponse>);

/// Answers the one request on standard input with the function of the tool that was named.
pub fn serve(tools: &[Tool]) {
    tool_handler(|request: ToolRequest| match tools.iter().find(|(name, _)| *name == request.tool) {
        Some((_, run)) => run(&request),
        None => Err(ToolResponse::unknown_tool()),
    })
}

/// The reply to one request line. For tests.
pub fn answer<F, R>(line: &[u8], handler: F) -> Value
where
    F: FnOnce(ToolRequest) -> R,
    R: Into<ToolResponse>,
{
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or(b"");
    if line.len() > LINE_MAX {
        return refusal(&Value::Null, INVALID_REQUEST, "the request line is too long", None);
    }
    match Value::parse(line) {
        Ok(request) => judged(&request, handler),
        Err(fault) => refusal(&Value::Null, if fault.too_much { INVALID_REQUEST } else { PARSE_ERROR }, fault.words, None),
    }
}

fn judged<F, R>(request: &Value, handler: F) -> Value
where
    F: FnOnce(ToolRequest) -> R,
    R: Into<ToolResponse>,
{
    let id = &request["id"];
    if !is_id(id) {
        return refusal(&Value::Null, INVALID_REQUEST, "a request is an object with an \"id\" that is a string or an integer", None);
    }
    if request["jsonrpc"].as_str() != Some("2.0") {
        return refusal(id, INVALID_REQUEST, "\"jsonrpc\" must be \"2.0\"", None);
    }
    match request["method"].as_str() {
        None => refusal(id, INVALID_REQUEST, "\"method\" must be a string", None),
        Some("tools/call") => called(id, &request["params"], handler),
        Some(_) => refusal(id, NO_METHOD, "the only method is \"tools/call\"", None),
    }
}

fn called<F, R>(id: &Value, params: &Value, handler: F) -> Value
where
    F: FnOnce(ToolRequest) -> R,
    R: Into<ToolResponse>,
{
    let tool = match params["name"].as_str() {
        Some(name) => name.to_owned(),
        None => return refusal(id, BAD_PARAMS, "\"params\" must be an object with the \"name\" of a tool", None),
    };
    let (arguments, meta) = match (object(params, "arguments"), object(params, "_meta")) {
        (Some(arguments), Some(meta)) => (arguments, meta),
        _ => return refusal(id, BAD_PARAMS, "\"arguments\" and \"_meta\" must be objects", None),
    };
    let request = ToolRequest { tool, arguments, context: Context::of(&meta), meta };
    let response: ToolResponse = handler(request).into();
    response.reply(id)
}

fn object(params: &Value, key: &str) -> Option<Value> {
    match params.get(key) {
        None => Some(Value::object()),
        Some(found @ Value::Object(_)) => Some(found.clone()),
        Some(_) => None,
    }
}

/// A string or a plain integer: 1e999 would make a reply that strict readers refuse.
fn is_id(id: &Value) -> bool {
    match id {
        Value::String(_) => true,
        Value::Number(found) => found.as_str().len() <= 32 && !found.as_str().contains(&['.', 'e', 'E'][..]),
        _ => false,
    }
}
