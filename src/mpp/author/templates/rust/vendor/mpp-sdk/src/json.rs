//! JSON as the call contract wants it: strict, and no digit of a number is lost.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;

/// Levels of nesting: bounds the stack.
pub const DEPTH_MAX: usize = 32;
/// Values of one text: bounds memory.
pub const VALUES_MAX: usize = 65_536;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

/// A number as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(String);

static NULL: Value = Value::Null;

/// Why a text is no request: with `too_much` it is JSON, but beyond the limits.
#[derive(Clone, Debug)]
pub struct JsonError {
    pub too_much: bool,
    pub words: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

impl std::error::Error for JsonError {}

impl Number {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// 1e3 and 2.0 are integers too, as far as a double holds them exactly.
    pub fn as_i64(&self) -> Option<i64> {
        if !self.0.contains(&['.', 'e', 'E'][..]) {
            return self.0.parse().ok();
        }
        let found = self.as_f64()?;
        let exact = 9_007_199_254_740_992.0;
        (found.abs() <= exact && found.trunc() == found).then(|| found as i64)
    }

    pub fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|found: &f64| found.is_finite())
    }
}

impl Value {
    /// An empty object.
    pub fn object() -> Value {
        Value::Object(BTreeMap::new())
    }

    /// Reads one strict JSON text and nothing after it.
    pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
        let text = std::str::from_utf8(text).map_err(|_| wrong("not JSON: the text is not UTF-8"))?;
        let mut reader = Reader { text, at: 0, values: 0 };
        let found = reader.value(0)?;
        reader.space();
        if reader.at != text.len() {
            return Err(wrong("not JSON: something stands after the value"));
        }
        Ok(found)
    }

    pub fn is_null(&self) -> bool {
        *self == Value::Null
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(found) => Some(found),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(found) => Some(*found),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Value::Number(found) => Some(found),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(found) => Some(found),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Value::Object(found) => Some(found),
            _ => None,
        }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The text under a key; empty where there is none.
    pub fn text(&self, key: &str) -> &str {
        self[key].as_str().unwrap_or("")
    }

    /// Puts a member into an object; on any other value it does nothing.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        if let Value::Object(members) = self {
            members.insert(key.into(), value.into());
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(found) => out.push_str(if *found { "true" } else { "false" }),
            Value::Number(found) => out.push_str(&found.0),
            Value::String(found) => write_text(found, out),
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(members) => {
                out.push('{');
                for (i, (key, item)) in members.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    item.write(out);
                }
                out.push('}');
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

/// `value["key"]` is null where there is no such member.
impl Index<&str> for Value {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

macro_rules! from_integers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Value {
            fn from(found: $kind) -> Value {
                Value::Number(Number(found.to_string()))
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

/// A number that JSON cannot hold becomes null. An exponent keeps 1e20 from looking like an integer that no host takes.
impl From<f64> for Value {
    fn from(found: f64) -> Value {
        match found.is_finite() {
            true => Value::Number(Number(format!("{:e}", found))),
            false => Value::Null,
        }
    }
}

impl From<bool> for Value {
    fn from(found: bool) -> Value {
        Value::Bool(found)
    }
}

impl From<&str> for Value {
    fn from(found: &str) -> Value {
        Value::String(found.to_owned())
    }
}

impl From<String> for Value {
    fn from(found: String) -> Value {
        Value::String(found)
    }
}

impl From<&Value> for Value {
    fn from(found: &Value) -> Value {
        found.clone()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(found: Option<T>) -> Value {
        found.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(found: Vec<T>) -> Value {
        Value::Array(found.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<BTreeMap<String, T>> for Value {
    fn from(found: BTreeMap<String, T>) -> Value {
        Value::Object(found.into_iter().map(|(key, item)| (key, item.into())).collect())
    }
}

/// A value in the form of JSON: `json!({"sum": (a + b), "parts": [a, b], "note": null})`. An expression of more than one word stands in
/// brackets.
#[macro_export]
macro_rules! json {
    (null) => { $crate::Value::Null };
    ([ $($item:tt),* $(,)? ]) => { $crate::Value::Array(vec![$($crate::json!($item)),*]) };
    ({ $($key:literal : $item:tt),* $(,)? }) => {{
        #[allow(unused_mut)]
        let mut made = $crate::Value::object();
        $(made.insert($key, $crate::json!($item));)*
        made
    }};
    ($found:expr) => { $crate::Value::from($found) };
}

fn wrong(words: &'static str) -> JsonError {
    JsonError { too_much: false, words }
}

fn too_much(words: &'static str) -> JsonError {
    JsonError { too_much: true, words }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn next(&mut self, wanted: u8) -> bool {
        let found = self.at < self.text.len() && self.peek() == wanted;
        self.at += found as usize;
        found
    }

    fn space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.space();
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(too_much("there are too many values"));
        }
        match self.peek() {
            b'{' | b'[' if depth == DEPTH_MAX => Err(too_much("it is nested too deep")),
            b'{' => self.object(depth),
            b'[' => self.list(depth),
            b'"' => Ok(Value::String(self.string()?)),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(wrong("not JSON: a value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut members = BTreeMap::new();
        self.at += 1;
        self.space();
        if self.next(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.peek() != b'"' {
                return Err(wrong("not JSON: a key is expected"));
            }
            let key = self.string()?;
            self.space();
            if !self.next(b':') {
                return Err(wrong("not JSON: ':' is expected"));
            }
            let item = self.value(depth + 1)?;
            if members.insert(key, item).is_some() {
                return Err(wrong("an object has the same key twice"));
            }
            self.space();
            if self.next(b'}') {
                return Ok(Value::Object(members));
            }
            self.comma()?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.at += 1;
        self.space();
        if self.next(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.next(b']') {
                return Ok(Value::Array(items));
            }
            self.comma()?;
        }
    }

    fn comma(&mut self) -> Result<(), JsonError> {
        match self.next(b',') {
            true => Ok(()),
            false => Err(wrong("not JSON: ',' or a closing bracket is expected")),
        }
    }

    fn digits(&mut self) -> bool {
        let begun = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        self.at > begun
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let begun = self.at;
        self.next(b'-');
        let mut good = self.next(b'0') || self.digits();
        if good && self.next(b'.') {
            good = self.digits();
        }
        if good && (self.next(b'e') || self.next(b'E')) {
            let _ = self.next(b'+') || self.next(b'-');
            good = self.digits();
        }
        match good {
            true => Ok(Value::Number(Number(self.text[begun..self.at].to_owned()))),
            false => Err(wrong("not JSON: a value is expected")),
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let begun = self.at;
            while self.at < self.text.len() && !matches!(self.peek(), b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            out.push_str(&self.text[begun..self.at]);
            if self.at == self.text.len() {
                return Err(wrong("not JSON: a string does not end"));
            }
            if self.next(b'"') {
                return Ok(out);
            }
            if !self.next(b'\\') {
                return Err(wrong("not JSON: a control character in a string"));
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let found = match self.peek() {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(wrong("not JSON: an unknown escape")),
        };
        self.at += 1;
        Ok(found)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let mut point = self.hex()?;
        if (0xD800..0xDC00).contains(&point) && self.next(b'\\') && self.next(b'u') {
            let low = self.hex()?;
            if (0xDC00..0xE000).contains(&low) {
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            }
        }
        // Half of a pair is no character.
        char::from_u32(point).ok_or_else(|| wrong("not JSON: a surrogate stands alone"))
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or(b"");
        let good = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        self.at += digits.len();
        match std::str::from_utf8(digits) {
            Ok(text) if good => Ok(u32::from_str_radix(text, 16).unwrap_or(0)),
            _ => Err(wrong("not JSON: a \\u escape has four hex digits")),
        }
    }
}
