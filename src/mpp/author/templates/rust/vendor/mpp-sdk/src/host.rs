//! Calls to the host, and what it says of the call.

use crate::bytes::{from_base64, to_base64};
use crate::json::Value;
use std::fmt;

/// What the host refused. `code` is one of the call contract, such as `not_granted` or `quota`; one that is new counts as `unavailable`.
#[derive(Clone, Debug, PartialEq)]
pub struct HostError {
    pub code: String,
    pub message: String,
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for HostError {}

fn unavailable(message: &str) -> HostError {
    HostError { code: "unavailable".into(), message: message.into() }
}

fn unreadable() -> HostError {
    unavailable("the host's answer cannot be read")
}

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "mpp_host")]
extern "C" {
    #[link_name = "call"]
    fn imported(request: *const u8, size: i32, room: *mut u8, capacity: i32) -> i32;
}

/// Without a sandbox there is no host: a tool can be tried, its calls are refused.
#[cfg(not(target_arch = "wasm32"))]
unsafe fn imported(_: *const u8, _: i32, _: *mut u8, _: i32) -> i32 {
    NO_HOST as i32
}

const REFUSED: i64 = -(1 << 30);
const NO_HOST: i64 = REFUSED - 4;
const ROOM: usize = 65_536;

fn exchange(request: &[u8], room: &mut [u8]) -> i64 {
    // Both spans lie within memory of ours, for as long as the call lasts.
    unsafe { imported(request.as_ptr(), request.len() as i32, room.as_mut_ptr(), room.len() as i32) as i64 }
}

/// Any method of the host.
pub fn call(method: &str, params: Value) -> Result<Value, HostError> {
    let mut request = Value::object();
    request.insert("method", method);
    request.insert("params", params);
    let mut room = vec![0; ROOM];
    let mut size = exchange(request.to_string().as_bytes(), &mut room);
    // An answer that needs more room is kept by the host and fetched; the request is not sent again.
    if (REFUSED..0).contains(&size) {
        room = vec![0; -size as usize];
        size = exchange(&[], &mut room);
    }
    if size == NO_HOST {
        return Err(unavailable("there is no host to call"));
    }
    if size < 0 {
        return Err(unavailable("the call to the host failed"));
    }
    let answer = Value::parse(&room[..size as usize]).map_err(|_| unreadable())?;
    if let Some(error) = answer.get("error") {
        return Err(HostError { code: error.text("code").into(), message: error.text("message").into() });
    }
    answer.get("result").cloned().ok_or_else(unreadable)
}

fn flag(result: Value, key: &str) -> Result<bool, HostError> {
    result[key].as_bool().ok_or_else(unreadable)
}

/// What a tool keeps between calls, and what the tools of a package share.
pub mod kv {
    use super::*;

    /// The keys of one tool, or of all tools of the package.
    #[derive(Clone, Copy, Debug)]
    pub struct Keys {
        shared: bool,
    }

    const OWN: Keys = Keys { shared: false };

    /// The keys that all tools of the package have in common: `kv::SHARED.get("a")`.
    pub const SHARED: Keys = Keys { shared: true };

    /// The value under a key, if there is one.
    pub fn get(key: &str) -> Result<Option<Vec<u8>>, HostError> {
        OWN.get(key)
    }

    pub fn set(key: &str, value: &[u8]) -> Result<(), HostError> {
        OWN.set(key, value)
    }

    /// Stores only if the present value equals `expect`; with `None`, only if there is none. Says whether it did.
    pub fn set_if(key: &str, value: &[u8], expect: Option<&[u8]>) -> Result<bool, HostError> {
        OWN.set_if(key, value, expect)
    }

    /// Says whether it was there.
    pub fn delete(key: &str) -> Result<bool, HostError> {
        OWN.delete(key)
    }

    /// Keys in order, and whether there are more; what is `None` is not sent.
    pub fn list(prefix: Option<&str>, after: Option<&str>, limit: Option<u32>) -> Result<(Vec<String>, bool), HostError> {
        OWN.list(prefix, after, limit)
    }

    impl Keys {
        fn ask(self, method: &str, mut params: Value) -> Result<Value, HostError> {
            if self.shared {
                params.insert("scope", "package");
            }
            call(method, params)
        }

        pub fn get(self, key: &str) -> Result<Option<Vec<u8>>, HostError> {
            match self.ask("kv.get", json!({"key": key}))?["value"].as_str() {
                None => Ok(None),
                Some(text) => from_base64(text).map(Some).ok_or_else(unreadable),
            }
        }

        pub fn set(self, key: &str, value: &[u8]) -> Result<(), HostError> {
            flag(self.ask("kv.set", json!({"key": key, "value": (to_base64(value))}))?, "stored").map(|_| ())
        }

        pub fn set_if(self, key: &str, value: &[u8], expect: Option<&[u8]>) -> Result<bool, HostError> {
            let params = json!({"key": key, "value": (to_base64(value)), "expect": (expect.map(to_base64))});
            flag(self.ask("kv.set", params)?, "stored")
        }

        pub fn delete(self, key: &str) -> Result<bool, HostError> {
            flag(self.ask("kv.delete", json!({"key": key}))?, "existed")
        }

        pub fn list(self, prefix: Option<&str>, after: Option<&str>, limit: Option<u32>) -> Result<(Vec<String>, bool), HostError> {
            let mut params = Value::object();
            if let Some(found) = prefix {
                params.insert("prefix", found);
            }
            if let Some(found) = after {
                params.insert("after", found);
            }
            if let Some(found) = limit {
                params.insert("limit", found);
            }
            let result = self.ask("kv.list", params)?;
            let keys = result["keys"].as_array().ok_or_else(unreadable)?;
            Ok((keys.iter().filter_map(Value::as_str).map(str::to_owned).collect(), flag(result.clone(), "more")?))
        }
    }
}

/// Requests over HTTP, which the host holds to the network rules of the manifest.
pub mod http {
    use super::*;

    /// One request; what is not given is not sent.
    #[derive(Clone, Debug)]
    pub struct Request {
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
        timeout_ms: Option<u64>,
        redirect: Option<String>,
    }

    #[derive(Clone, Debug)]
    pub struct Response {
        pub status: u16,
        pub url: String,
        pub headers: Vec<(String, String)>,
        pub body: Vec<u8>,
    }

    impl Response {
        /// The first header of that name, whatever its case.
        pub fn header(&self, name: &str) -> Option<&str> {
            self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
        }
    }

    pub fn get(url: &str) -> Result<Response, HostError> {
        Request::new("GET", url).send()
    }

    impl Request {
        pub fn new(method: &str, url: &str) -> Request {
            Request { method: method.into(), url: url.into(), headers: Vec::new(), body: None, timeout_ms: None, redirect: None }
        }

        pub fn header(mut self, name: &str, value: &str) -> Request {
            self.headers.push((name.into(), value.into()));
            self
        }

        pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Request {
            self.body = Some(bytes.into());
            self
        }

        pub fn timeout_ms(mut self, most: u64) -> Request {
            self.timeout_ms = Some(most);
            self
        }

        /// `follow` or `manual`.
        pub fn redirect(mut self, how: &str) -> Request {
            self.redirect = Some(how.into());
            self
        }

        pub fn send(self) -> Result<Response, HostError> {
            let mut params = json!({"method": (self.method), "url": (self.url)});
            if !self.headers.is_empty() {
                params.insert("headers", self.headers.into_iter().map(|(name, value)| vec![name, value]).collect::<Vec<_>>());
            }
            if let Some(body) = self.body {
                params.insert("body", to_base64(&body));
            }
            if let Some(most) = self.timeout_ms {
                params.insert("timeout_ms", most);
            }
            if let Some(how) = self.redirect {
                params.insert("redirect", how);
            }
            let found = call("http.fetch", params)?;
            let pairs = found["headers"].as_array().ok_or_else(unreadable)?;
            let pair = |one: &Value| Some((one.as_array()?.first()?.as_str()?.to_owned(), one.as_array()?.get(1)?.as_str()?.to_owned()));
            Ok(Response {
                status: found["status"].as_u64().ok_or_else(unreadable)? as u16,
                url: found.text("url").into(),
                headers: pairs.iter().filter_map(pair).collect(),
                body: from_base64(found.text("body")).ok_or_else(unreadable)?,
            })
        }
    }
}

/// Who calls; what the host does not say is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    pub agent: String,
    pub proof: String,
    pub key: String,
    pub issuer: String,
    pub user: String,
    pub tenant: String,
    pub invocation: String,
    pub tool: String,
    pub package: String,
    pub version: String,
    pub sha256: String,
    pub publisher: String,
}

impl Context {
    pub(crate) fn of(meta: &Value) -> Context {
        let (agent, package) = (&meta["agent"], &meta["package"]);
        Context {
            agent: agent.text("name").into(),
            proof: agent.text("proof").into(),
            key: agent.text("key").into(),
            issuer: agent.text("issuer").into(),
            user: meta.text("user").into(),
            tenant: meta.text("tenant").into(),
            invocation: meta.text("invocation").into(),
            tool: meta.text("tool").into(),
            package: package.text("id").into(),
            version: package.text("version").into(),
            sha256: package.text("sha256").into(),
            publisher: package.text("publisher").into(),
        }
    }

    /// A statement signed by the host about this call, for the back end `audience`.
    pub fn token(audience: &str) -> Result<String, HostError> {
        Ok(call("context.get", json!({"audience": audience}))?.text("token").into())
    }
}

/// A line for the log of the host: `debug`, `info`, `warning`, `error`. A host that does not take it changes nothing.
pub fn log(level: &str, message: &str) {
    let _ = call("log", json!({"level": level, "message": message}));
}

/// How far the tool is.
pub fn progress(done: f64, total: Option<f64>, message: &str) {
    let mut params = json!({"progress": done});
    if let Some(found) = total {
        params.insert("total", found);
    }
    if !message.is_empty() {
        params.insert("message", message);
    }
    let _ = call("progress", params);
}
