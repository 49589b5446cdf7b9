//! The id of a request: the one it came with, or a new one. It ties lines of logs together and is no secret.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::http::message::Head;
use crate::time::clock::Now;

/// The header of an id where the policy names no other.
pub(crate) const HEADER: &str = "x-request-id";

/// Longest id that is taken over, in characters. Raised, a caller buys more room in each log on the way.
const MAX_ID: usize = 128;

/// Ids that were not given out yet.
pub(crate) struct NewIds {
    seed: u64,
    given: u64,
}

impl NewIds {
    /// `seed` differs from instance to instance, and so do the ids.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, given: 0 }
    }

    /// The id of a request, by its header of that name: what was received where that is one plain line, else
    /// a new one.
    pub(crate) fn of(&mut self, head: &Head, name: &str, now: Now) -> String {
        received(head, name).unwrap_or_else(|| self.next(now))
    }

    /// 32 hex digits. The seed and the count keep instances and requests apart, the time a restart.
    fn next(&mut self, now: Now) -> String {
        self.given = self.given.wrapping_add(1);
        let mut hash = Sha256::new();
        for number in [self.seed, self.given, now.unix_ms, now.mono_ms] {
            hash.update(number.to_be_bytes());
        }
        hash.finalize().iter().take(16).fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
    }
}

/// The id in the one line of that name. A client's other spelling beside it does not count: it is taken off, and must
/// not push out what a trusted proxy wrote.
fn received(head: &Head, name: &str) -> Option<String> {
    let mut lines = head.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
    let line = lines.next().filter(|_| lines.next().is_none())?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(byte);
    let is_id = (1..=MAX_ID).contains(&line.value.len()) && line.value.iter().all(plain);
    String::from_utf8(line.value.clone()).ok().filter(|_| is_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::message::Header;
    use crate::testing::NOW;

    fn id(lines: &[(&str, &str)]) -> String {
        let headers = lines.iter().map(|(name, value)| Header::new(name, value)).collect();
        let head = Head { method: String::new(), target: Vec::new(), headers, peer: None };
        NewIds::new(7).of(&head, HEADER, NOW)
    }

    #[test]
    fn one_plain_line_is_taken_over() {
        let longest = "x".repeat(MAX_ID);
        for given in
            ["a", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abc/+~._=", &longest]
        {
            assert_eq!(id(&[("x-request-id", given)]), given);
            assert_eq!(id(&[("x_request_id", "of a client"), ("X-Request-Id", given)]), given);
        }
    }

    #[test]
    fn anything_else_gets_a_new_one() {
        let too_long = "x".repeat(MAX_ID + 1);
        for (row, lines) in [
            ("none", vec![]),
            ("empty", vec![("x-request-id", "")]),
            ("a space", vec![("x-request-id", "a b")]),
            ("a quote", vec![("x-request-id", "a\"b")]),
            ("a line break", vec![("x-request-id", "a\nb")]),
            ("not ASCII", vec![("x-request-id", "ä")]),
            ("too long", vec![("x-request-id", too_long.as_str())]),
            ("two", vec![("x-request-id", "a"), ("x-request-id", "a")]),
            ("another spelling", vec![("x_request_id", "b")]),
        ] {
            let id = id(&lines);
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{row}: {id}"
            );
        }
    }

    #[test]
    fn new_ids_differ_by_count_seed_and_time() {
        let later = Now { unix_ms: NOW.unix_ms + 1, ..NOW };
        let mut ids = NewIds::new(1);
        let mut seen = vec![
            ids.next(NOW),
            ids.next(NOW),
            NewIds::new(2).next(NOW),
            NewIds::new(1).next(later),
        ];
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 4, "{seen:?}");
    }
}
