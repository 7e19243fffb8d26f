//! Bytes as base64 texts.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The one text for these bytes.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity((bytes.len() + 2) / 3 * 4);
    for part in bytes.chunks(3) {
        let at = |i: usize| part.get(i).copied().unwrap_or(0) as usize;
        let sum = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            out.push(if i <= part.len() { DIGITS[sum >> (18 - 6 * i) & 63] as char } else { '=' });
        }
    }
    out
}

/// The bytes of what `to_base64` writes; nothing for any other text.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let digits = text.trim_end_matches('=');
    for part in digits.as_bytes().chunks(4) {
        let mut sum = 0;
        for digit in part {
            sum = sum << 6 | value(*digit)?;
        }
        sum <<= 6 * (4 - part.len());
        out.extend([sum >> 16, sum >> 8, sum].iter().take(part.len().checked_sub(1)?).map(|found| *found as u8));
    }
    (to_base64(&out) == text).then(|| out)
}

fn value(digit: u8) -> Option<u32> {
    match digit {
        b'A'..=b'Z' => Some((digit - b'A') as u32),
        b'a'..=b'z' => Some((digit - b'a') as u32 + 26),
        b'0'..=b'9' => Some((digit - b'0') as u32 + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
