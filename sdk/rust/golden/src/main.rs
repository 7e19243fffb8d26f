//! The golden tools over the crate; what each does stands in sdk/golden/README.md.

use mpp_sdk::{from_base64, http, json, kv, log, progress, serve, to_base64, Context, HostError, Link, ToolRequest, ToolResponse, Value};
use std::collections::BTreeMap;

type Answer = Result<ToolResponse, ToolResponse>;

fn ok() -> ToolResponse {
    ToolResponse::new().say("ok")
}

fn put(key: &str, value: impl Into<Value>) -> Answer {
    Ok(ok().field(key, value))
}

/// What the host refused becomes the failure of the tool.
fn told(error: HostError) -> ToolResponse {
    ToolResponse::error(error.code)
}

fn echo(req: &ToolRequest) -> Answer {
    put("value", &req.arguments["value"])
}

fn add(req: &ToolRequest) -> Answer {
    let sum = req.integer("a", 0)?.checked_add(req.integer("b", 0)?);
    let sum = sum.ok_or_else(|| ToolResponse::error("the sum does not fit in 64 bits"))?;
    Ok(ToolResponse::new().say(sum.to_string()).field("sum", sum))
}

fn greet(req: &ToolRequest) -> Answer {
    let (name, times, loud) = (req.text("name", "World")?, req.integer("times", 1)?, req.boolean("loud", false)?);
    if name.is_empty() {
        return Err(ToolResponse::error("the name is empty"));
    }
    let one = format!("Hello, {}{}", name, if loud { "!!!" } else { "!" });
    let greeting = vec![one; times.max(0) as usize].join(" ");
    Ok(ToolResponse::new().say(&greeting[..]).field("greeting", greeting))
}

fn half(req: &ToolRequest) -> Answer {
    put("half", req.number("number", 1.0)? / 2.0)
}

fn fail(req: &ToolRequest) -> Answer {
    Err(ToolResponse::error(req.text("message", "")?))
}

fn reject(req: &ToolRequest) -> Answer {
    Err(ToolResponse::reject(req.integer("code", 0)?, req.text("message", "")?, req.arguments.get("data").cloned()))
}

fn content(req: &ToolRequest) -> Answer {
    let (new, all) = (ToolResponse::new(), (0..=255).collect::<Vec<u8>>());
    Ok(match req.text("kind", "")? {
        "texts" => new.say("one").say("two"),
        "image" => new.image(&all, "image/png"),
        "audio" => new.audio(b"RIFF", "audio/wav"),
        "link" => new.link(Link {
            uri: "https://example.com/report".into(),
            name: "report".into(),
            title: Some("The report".into()),
            description: Some("A report".into()),
            mime_type: Some("text/plain".into()),
            size: Some(42),
        }),
        "small_link" => new.link(Link { uri: "https://example.com/".into(), name: "home".into(), ..Link::default() }),
        "resource_text" => new.resource("memory://notes/1", "text/plain", "note"),
        "resource_blob" => new.resource_bytes("memory://blobs/1", "application/octet-stream", &[0, 255]),
        "annotated" => new.say("for people").annotate("user", 0.5),
        "mixed" => new.say("one").image(&[1, 2, 3], "image/png").field("items", 2),
        _ => new,
    })
}

fn binary(req: &ToolRequest) -> Answer {
    let bytes = from_base64(req.text("data", "")?).ok_or_else(|| ToolResponse::error("the argument 'data' is no base64"))?;
    let turned: Vec<u8> = bytes.into_iter().rev().collect();
    Ok(ToolResponse::new().say(turned.len().to_string()).field("size", turned.len()).field("reversed", to_base64(&turned)))
}

fn nest(req: &ToolRequest) -> Answer {
    put("nested", (0..req.integer("depth", 0)?).fold(Value::from(0), |inner, _| Value::Array(vec![inner])))
}

fn count(req: &ToolRequest) -> Answer {
    let mut counts = BTreeMap::new();
    for word in req.arguments["words"].as_array().unwrap_or(&[]) {
        *counts.entry(word.as_str().unwrap_or("").to_owned()).or_insert(0) += 1;
    }
    put("counts", counts)
}

fn long(req: &ToolRequest) -> Answer {
    let size = req.integer("size", 0)?;
    Ok(ToolResponse::new().say("x".repeat(size as usize)).field("size", size))
}

fn kv_get(req: &ToolRequest) -> Answer {
    put("value", kv::get(req.text("key", "")?).map_err(told)?.map(|bytes| to_base64(&bytes)))
}

fn kv_set(req: &ToolRequest) -> Answer {
    let (key, value) = (req.text("key", "")?, req.text("value", "")?.as_bytes());
    let stored = match req.arguments.get("expect") {
        None => kv::set(key, value).map(|()| true),
        Some(expect) => kv::set_if(key, value, expect.as_str().map(str::as_bytes)),
    };
    put("stored", stored.map_err(told)?)
}

fn kv_delete(req: &ToolRequest) -> Answer {
    put("existed", kv::delete(req.text("key", "")?).map_err(told)?)
}

fn kv_list(req: &ToolRequest) -> Answer {
    let given = &req.arguments;
    let (keys, more) = kv::list(given["prefix"].as_str(), given["after"].as_str(), given["limit"].as_u64().map(|most| most as u32)).map_err(told)?;
    Ok(ok().field("keys", keys).field("more", more))
}

fn share(req: &ToolRequest) -> Answer {
    put("stored", kv::SHARED.set(req.text("key", "")?, req.text("value", "")?.as_bytes()).map(|()| true).map_err(told)?)
}

fn shared(req: &ToolRequest) -> Answer {
    put("value", kv::SHARED.get(req.text("key", "")?).map_err(told)?.map(|bytes| to_base64(&bytes)))
}

fn kv_count(req: &ToolRequest) -> Answer {
    let key = req.text("key", "")?;
    for _ in 0..5 {
        let found = kv::get(key).map_err(told)?;
        let before: i64 = found.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0);
        if kv::set_if(key, (before + 1).to_string().as_bytes(), found.as_deref()).map_err(told)? {
            return put("count", before + 1);
        }
    }
    Err(ToolResponse::error("busy"))
}

fn fetch(req: &ToolRequest) -> Answer {
    let given = &req.arguments;
    let mut request = http::Request::new(req.text("method", "GET")?, req.text("url", "")?);
    for pair in given["headers"].as_array().unwrap_or(&[]) {
        if let Some([name, value]) = pair.as_array() {
            request = request.header(name.as_str().unwrap_or(""), value.as_str().unwrap_or(""));
        }
    }
    if let Some(body) = given["body"].as_str() {
        request = request.body(body);
    }
    if let Some(most) = given["timeout_ms"].as_u64() {
        request = request.timeout_ms(most);
    }
    if let Some(how) = given["redirect"].as_str() {
        request = request.redirect(how);
    }
    let got = request.send().map_err(told)?;
    Ok(ok().field("status", got.status).field("url", &got.url[..]).field("type", got.header("content-type")).field("body", to_base64(&got.body)))
}

fn whoami(req: &ToolRequest) -> Answer {
    let who = &req.context;
    Ok(ok()
        .field("agent", &who.agent[..])
        .field("proof", &who.proof[..])
        .field("user", &who.user[..])
        .field("tenant", &who.tenant[..])
        .field("invocation", &who.invocation[..])
        .field("tool", &who.tool[..])
        .field("package", &who.package[..])
        .field("version", &who.version[..]))
}

fn token(req: &ToolRequest) -> Answer {
    put("token", Context::token(req.text("audience", "")?).map_err(told)?)
}

fn note(req: &ToolRequest) -> Answer {
    log(req.text("level", "info")?, req.text("message", "")?);
    Ok(ok())
}

fn work(req: &ToolRequest) -> Answer {
    let steps = req.integer("steps", 0)?;
    for i in 1..=steps {
        progress(i as f64, Some(steps as f64), &format!("step {}", i));
    }
    put("done", steps)
}

fn ask(req: &ToolRequest) -> Answer {
    let (new, answer) = (ToolResponse::new(), req.arguments.get("answer"));
    Ok(match (req.text("kind", "person")?, answer) {
        ("person", None) => {
            let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
            new.ask_person("answer", "Who is it for?", schema)
        }
        ("person", Some(answer)) => match (answer["action"].as_str(), answer["content"]["name"].as_str()) {
            (Some("accept"), Some(name)) => {
                let greeting = format!("Hello, {}!", name);
                new.say(&greeting[..]).field("greeting", greeting)
            }
            _ => ToolResponse::error("nobody said a name"),
        },
        ("model", None) => new.ask_model("answer", "Say hello", 100, Some("Be short")),
        ("model", Some(answer)) => new.say(answer["content"].text("text")).field("said", answer["content"].text("text")),
        (_, None) => new.ask_folders("answer"),
        (_, Some(answer)) => ok().field("folders", answer["roots"].as_array().unwrap_or(&[]).iter().map(|root| &root["uri"]).collect::<Vec<_>>()),
    })
}

fn environment(req: &ToolRequest) -> Answer {
    put("value", std::env::var(req.text("name", "")?).ok())
}

fn stderr(req: &ToolRequest) -> Answer {
    eprintln!("{}", req.text("message", "")?);
    Ok(ok())
}

fn main() {
    serve(&[
        ("echo", echo),
        ("add", add),
        ("greet", greet),
        ("half", half),
        ("fail", fail),
        ("reject", reject),
        ("content", content),
        ("binary", binary),
        ("nest", nest),
        ("count", count),
        ("long", long),
        ("kv_get", kv_get),
        ("kv_set", kv_set),
        ("kv_delete", kv_delete),
        ("kv_list", kv_list),
        ("kv_count", kv_count),
        ("fetch", fetch),
        ("whoami", whoami),
        ("token", token),
        ("note", note),
        ("work", work),
        ("ask", ask),
        ("share", share),
        ("shared", shared),
        ("environment", environment),
        ("stderr", stderr),
    ]);
}
