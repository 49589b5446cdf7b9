//! A refusal on the wire: problem details (RFC 9457) that clients of the Auth0 Management API can
//! read too.

use serde_json::json;

use super::cors::Cors;
use super::message::{Header, Reply};
use crate::verdict::reason::{Challenge, Reason, STEP_UP};

/// What the `type` of a problem begins with; its reason code follows.
pub const PROBLEM_TYPE: &str = "urn:linkgate:reason:";

/// Seconds that a client is asked to wait at most. SDKs block their caller for as long as it says, so a
/// cooldown of minutes would hang a page; one that comes too early is answered again. Raised, people wait
/// longer for a gate that may be well by then.
pub(crate) const MAX_RETRY_AFTER_S: u32 = 10;

/// The reply to a refused request. All of its text is fixed: nothing that was sent, configured or
/// read from a key reaches it. `retry_after_s` is when to come again, where that is known better than
/// the reason knows it.
pub(crate) fn problem(reason: Reason, retry_after_s: Option<u32>, cors: &Cors) -> Reply {
    problem_asking(reason, retry_after_s, "", cors)
}

/// The same, with attributes of a policy's own in a challenge that has some.
pub(crate) fn problem_asking(
    reason: Reason,
    retry_after_s: Option<u32>,
    attributes: &str,
    cors: &Cors,
) -> Reply {
    let wire = reason.wire();
    let phrase = phrase(wire.status);
    let body = json!({
        "type": format!("{PROBLEM_TYPE}{}", reason.name()),
        "title": phrase,
        "status": wire.status,
        "detail": wire.text,
        "reason": reason.name(),
        // The members that clients of the Management API read.
        "statusCode": wire.status,
        "error": phrase,
        "message": wire.text,
        "errorCode": wire.error_code,
    });
    let mut headers = vec![
        Header::new("content-type", "application/problem+json"),
        Header::new("cache-control", "no-store"),
    ];
    if let Some(challenge) = challenge(wire.challenge, wire.text, attributes) {
        headers.push(Header::new("www-authenticate", &challenge));
    }
    if let Some(seconds) = retry_after_s.or(wire.retry_after_s) {
        let seconds = seconds.min(MAX_RETRY_AFTER_S);
        headers.push(Header::new("retry-after", &seconds.to_string()));
    }
    headers.extend(cors.headers());
    Reply { status: wire.status, headers, body: body.to_string().into_bytes() }
}

/// The reply of a driver that has no policy to ask: nothing can be decided, so nothing passes.
#[must_use]
pub fn unavailable() -> Reply {
    problem(Reason::GateUnavailable, None, &Cors::default())
}

/// RFC 6750 section 3.
fn challenge(challenge: Challenge, text: &str, attributes: &str) -> Option<String> {
    match challenge {
        Challenge::Unsaid => None,
        Challenge::Bare => Some(r#"Bearer realm="linkgate""#.to_owned()),
        Challenge::StepUp => Some(format!(
            r#"Bearer realm="linkgate", error="{STEP_UP}", error_description="{text}"{attributes}"#
        )),
        Challenge::Error(error) => {
            Some(format!(r#"Bearer realm="linkgate", error="{error}", error_description="{text}""#))
        }
    }
}

/// The reason phrase of the statuses we answer with (RFC 9110 section 15).
fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_phrase_and_a_quotable_text() {
        for reason in Reason::ALL {
            let wire = reason.wire();
            assert_ne!(phrase(wire.status), "Error", "{}", reason.name());
            // RFC 6750 section 3: no quote and no backslash in an error_description.
            assert!(
                wire.text
                    .bytes()
                    .all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)),
                "{}",
                reason.name()
            );
        }
    }
}
