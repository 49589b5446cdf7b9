//! What came of a call by name of a cluster.
//!
//! Envoy tells of a connection that failed, or of time that ran out, by an answer of its own. An
//! upstream may say the very same, but for one line: Envoy's router writes it into each answer that it
//! was given by an upstream, over whatever stood there, and into none of its own.

use linkgate_policy::{Answer, CallFailure, Failure, Header};
use proxy_wasm::types::{BufferType, MapType};

use crate::failure;
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
    match own(&headers, &body) {
        Some(words) => Err(NoAnswer::Told(status, words)),
        None => Ok(Answer { status, headers, body }),
    }
}

/// Envoy's words, if the answer is its own.
fn own(headers: &[Header], body: &[u8]) -> Option<String> {
    let is_given = headers.iter().any(|line| line.name == SERVICE_TIME);
    (!is_given).then(|| String::from_utf8_lossy(body).into_owned())
}

/// How long an upstream took to answer, as the router says.
const SERVICE_TIME: &str = "x-envoy-upstream-service-time";

impl NoAnswer {
    /// For an exchange.
    pub(crate) fn of_call(&self) -> CallFailure {
        match self {
            Self::Refused => CallFailure::NotSent,
            Self::Told(_, words) if failure::of_words(words) == Failure::NotSent => {
                CallFailure::NotSent
            }
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
    fn an_answer_is_an_upstreams_when_the_router_says_so() {
        let given = [Header::new("date", "now"), Header::new(SERVICE_TIME, "3")];
        assert_eq!(own(&given, REFUSED.as_bytes()), None, "in the very words");
        let own_lines = [Header::new("content-length", "9")];
        assert_eq!(own(&own_lines, REFUSED.as_bytes()).as_deref(), Some(REFUSED));
    }

    const REFUSED: &str = "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: x";

    #[test]
    fn a_call_that_was_not_sent_is_told_from_one_that_may_have_been() {
        for (words, expected) in
            [(REFUSED, CallFailure::NotSent), ("upstream request timeout", CallFailure::Unknown)]
        {
            assert_eq!(NoAnswer::Told(503, words.to_owned()).of_call(), expected, "{words}");
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
