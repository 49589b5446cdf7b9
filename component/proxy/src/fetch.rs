//! A fetch on behalf of all exchanges, such as of an issuer's keys: a call to an absolute URL. Why it
//! failed is said in a phrase.

use linkgate_policy::edition::Server;
use linkgate_policy::{Answer, Failure, Fetch};
use wasi::http::types::ErrorCode;

use crate::body::Unread;
use crate::call::{self, Call, NoWhole};
use crate::failure;
use crate::outbound::NoAnswer;

/// Performs a fetch, once and to its end.
pub(crate) fn perform(fetch: Fetch) -> Result<Answer, String> {
    let Fetch { method, url, headers, body, timeout_ms, max_answer_bytes, source: _ } = fetch;
    let (server, path) = Server::of_url(&url)?;
    let (path, headers, server) = (&*path, &*headers, &server);
    let call = Call { method, path, headers, body, server, timeout_ms, max_answer_bytes };
    call::call(call).map_err(|why| match why {
        NoWhole::Answer(why) => no_answer(&why, timeout_ms),
        NoWhole::Body(_, why) => no_body(why, timeout_ms, max_answer_bytes),
    })
}

fn no_body(why: Unread, timeout_ms: u32, max_answer_bytes: u32) -> String {
    match why {
        Unread::TooLarge => format!("expected at most {max_answer_bytes} bytes, found more"),
        Unread::Late => format!("expected the whole body within {timeout_ms} ms, found a part"),
        Unread::CutOff => "expected the whole body, found it cut off".to_owned(),
    }
}

fn no_answer(why: &NoAnswer, timeout_ms: u32) -> String {
    let late = || format!("expected an answer within {timeout_ms} ms, found none");
    match why {
        // A body of the policy's own is at hand: it is never cut off.
        NoAnswer::Late | NoAnswer::CutOff => late(),
        // The host's own timeout is the same one and may be the first to be noticed.
        NoAnswer::Failed(ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout) => {
            late()
        }
        NoAnswer::Unmade => "expected a request that the host can send, found another".to_owned(),
        NoAnswer::Refused(code) => {
            format!("expected a request that the host sends, found it refused: {}", name(code))
        }
        NoAnswer::Failed(code) => match failure::of(code) {
            Failure::NotSent => format!("expected a connection, found none: {}", name(code)),
            Failure::Unknown => format!("expected an answer, found none: {}", name(code)),
        },
    }
}

/// A host's error as it appears in the log. Text within it is quoted and escaped.
fn name(code: &ErrorCode) -> String {
    let text = format!("{code:?}");
    text.strip_prefix("ErrorCode::").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_expected() {
        for (why, expected) in [
            (NoAnswer::Late, "expected an answer within 9 ms, found none"),
            (
                NoAnswer::Failed(ErrorCode::ConnectionReadTimeout),
                "expected an answer within 9 ms, found none",
            ),
            (
                NoAnswer::Failed(ErrorCode::ConnectionRefused),
                "expected a connection, found none: ConnectionRefused",
            ),
            (
                NoAnswer::Failed(ErrorCode::ConnectionTerminated),
                "expected an answer, found none: ConnectionTerminated",
            ),
        ] {
            assert_eq!(no_answer(&why, 9), expected);
        }
    }
}
