//! What came of a call by name of a cluster.
//!
//! Envoy tells of a connection that failed, or of time that ran out, by an answer of its own, which
//! carries nothing that says so. It is known by its shape: nobody else's has only these lines.

use linkgate_policy::{Answer, CallFailure, Header};
use proxy_wasm::types::{BufferType, MapType};

use crate::host;

/// Why there is no answer.
pub(crate) enum NoAnswer {
    /// The host would not send it: nothing was.
    Refused,
    /// Envoy's own reply, in its words.
    Told(u16, String),
    /// The connection broke off.
    BrokenOff,
    /// Its head came with this status; its body is larger than asked for.
    TooLarge(u16),
}

/// Reads the answer that the host holds now, `body_bytes` long.
pub(crate) fn read(lines: usize, body_bytes: usize, max: u32) -> Result<Answer, NoAnswer> {
    if lines == 0 {
        return Err(NoAnswer::BrokenOff);
    }
    let mut status = 0;
    let mut headers = Vec::new();
    for (name, value) in host::lines(MapType::HttpCallResponseHeaders) {
        if name == ":status" {
            status = std::str::from_utf8(&value).ok().and_then(|s| s.parse().ok()).unwrap_or(0);
        } else {
            headers.push(Header { name, value });
        }
    }
    if usize::try_from(max).is_ok_and(|max| body_bytes > max) {
        return Err(NoAnswer::TooLarge(status));
    }
    let body = host::body(BufferType::HttpCallResponseBody, body_bytes);
    match own(status, &headers, &body) {
        Some(words) => Err(NoAnswer::Told(status, words)),
        None => Ok(Answer { status, headers, body }),
    }
}

/// Envoy's words, if the answer is its own.
fn own(status: u16, headers: &[Header], body: &[u8]) -> Option<String> {
    let is_bare = |line: &Header| matches!(line.name.as_str(), "content-length" | "content-type");
    if !matches!(status, 503 | 504) || !headers.iter().all(is_bare) {
        return None;
    }
    let words = std::str::from_utf8(body).ok()?;
    OWN_WORDS.iter().any(|own| words.starts_with(own)).then(|| words.to_owned())
}

/// How Envoy's own replies of the router begin.
const OWN_WORDS: [&str; 4] = [
    "upstream connect error",
    "upstream request timeout",
    "no healthy upstream",
    "maintenance mode",
];

impl NoAnswer {
    /// For an exchange. Of a call it is never sure that nothing was sent: the upstream could say the
    /// same words, and then a write would count as not done.
    pub(crate) fn of_call(&self) -> CallFailure {
        match self {
            Self::Refused => CallFailure::NotSent,
            Self::Told(..) | Self::BrokenOff => CallFailure::Unknown,
            Self::TooLarge(status) => CallFailure::NoBody { status: *status },
        }
    }

    /// For the operator, of a fetch.
    pub(crate) fn of_fetch(&self, timeout_ms: u32, max_answer_bytes: u32) -> String {
        match self {
            Self::Told(504, _) => format!("expected an answer within {timeout_ms} ms, found none"),
            Self::Told(_, words) if words.contains("connection failure") => {
                format!("expected a connection, found none: {}", brief(words))
            }
            Self::Told(_, words) => format!("expected an answer, found none: {}", brief(words)),
            Self::BrokenOff => "expected an answer, found none".to_owned(),
            Self::Refused => "expected a request that Envoy sends, found it refused".to_owned(),
            Self::TooLarge(_) => format!("expected at most {max_answer_bytes} bytes, found more"),
        }
    }
}

/// The last part of Envoy's words, which says why.
fn brief(words: &str) -> &str {
    words.rsplit_once("reset reason: ").map_or(words, |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoys_own_answer_is_known_by_its_shape() {
        let refused = b"upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
        let bare =
            || vec![Header::new("content-length", "9"), Header::new("content-type", "text/plain")];
        let dated = || vec![Header::new("date", "now")];
        for (row, status, headers, body, expected) in [
            ("its own", 503, bare(), &refused[..], true),
            ("a timeout", 504, bare(), b"upstream request timeout", true),
            ("with a date", 503, dated(), refused, false),
            ("another status", 502, bare(), refused, false),
            ("other words", 503, bare(), b"busy", false),
        ] {
            assert_eq!(own(status, &headers, body).is_some(), expected, "{row}");
        }
    }

    #[test]
    fn a_failure_says_what_was_expected() {
        let told = |words: &str| NoAnswer::Told(503, words.to_owned()).of_fetch(9, 8);
        assert_eq!(
            told(
                "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, x"
            ),
            "expected a connection, found none: remote connection failure, x"
        );
        assert_eq!(
            told("no healthy upstream"),
            "expected an answer, found none: no healthy upstream"
        );
        let late = NoAnswer::Told(504, String::new()).of_fetch(9, 8);
        assert_eq!(late, "expected an answer within 9 ms, found none");
    }
}
