//! A 429 of the upstream's that does not say when to come again.

use super::message::Header;
use super::outgoing::AnswerHead;
use super::problem::MAX_RETRY_AFTER_S;
use crate::time::clock::Now;

/// The `Retry-After` that a relayed 429 lacks, from `X-RateLimit-Reset`, which is in Unix seconds and which
/// no SDK waits for. A moment that is past is a second from now.
pub(crate) fn retry_after(head: &AnswerHead, now: Now) -> Option<Header> {
    let line = |name| head.headers.iter().find(|line| line.name == name);
    if head.status != 429 || line("retry-after").is_some() {
        return None;
    }
    let reset = std::str::from_utf8(&line("x-ratelimit-reset")?.value).ok()?;
    let reset_ms = reset.trim_ascii().parse::<u64>().ok()?.saturating_mul(1000);
    let seconds = reset_ms.saturating_sub(now.unix_ms).div_ceil(1000);
    let seconds = seconds.clamp(1, MAX_RETRY_AFTER_S.into());
    Some(Header::new("retry-after", &seconds.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    #[test]
    fn a_429_says_when_to_come_again() {
        let at = |seconds: i64| (NOW.unix_ms / 1000).saturating_add_signed(seconds).to_string();
        for (row, status, lines, expected) in [
            ("in a while", 429, vec![("x-ratelimit-reset", at(3))], Some("3")),
            ("far ahead", 429, vec![("x-ratelimit-reset", at(300))], Some("10")),
            ("past", 429, vec![("x-ratelimit-reset", at(-5))], Some("1")),
            ("now", 429, vec![("x-ratelimit-reset", at(0))], Some("1")),
            ("beyond all time", 429, vec![("x-ratelimit-reset", u64::MAX.to_string())], Some("10")),
            ("no number", 429, vec![("x-ratelimit-reset", "soon".to_owned())], None),
            ("negative", 429, vec![("x-ratelimit-reset", "-1".to_owned())], None),
            ("unsaid", 429, vec![], None),
            (
                "said",
                429,
                vec![("retry-after", "60".to_owned()), ("x-ratelimit-reset", at(3))],
                None,
            ),
            ("another status", 503, vec![("x-ratelimit-reset", at(3))], None),
        ] {
            let lines = lines.iter().map(|(name, value)| Header::new(name, value));
            let line = retry_after(&AnswerHead::of(status, lines), NOW);
            assert_eq!(line, expected.map(|value| Header::new("retry-after", value)), "{row}");
        }
    }
}
