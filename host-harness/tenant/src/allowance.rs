//! The rate-limit headers of the Management API.

use crate::answer::Answer;

/// Calls per window that the headers promise: the burst of a paid production tenant. The tenant counts; it never refuses.
const LIMIT: u64 = 50;

/// Length of a window, in seconds.
const WINDOW_S: u64 = 60;

/// How many calls of the current window are used up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    window: u64,
    used: u64,
}

impl Allowance {
    /// Counts one call and adds `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970) to its answer.
    pub(crate) fn spend(&mut self, now_unix_s: u64, answer: Answer) -> Answer {
        let window = now_unix_s / WINDOW_S;
        if window != self.window {
            *self = Self { window, used: 0 };
        }
        self.used = self.used.saturating_add(1);
        let reset_unix_s = window.saturating_add(1).saturating_mul(WINDOW_S);
        answer
            .with_header("x-ratelimit-limit", LIMIT.to_string())
            .with_header("x-ratelimit-remaining", LIMIT.saturating_sub(self.used).to_string())
            .with_header("x-ratelimit-reset", reset_unix_s.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn remaining_falls_to_zero_and_a_new_window_fills_it() {
        let mut allowance = Allowance::default();
        let mut remaining = |now| {
            let answer = allowance.spend(now, Answer::json(200, &Value::Null));
            (
                answer.header("X-RateLimit-Remaining").unwrap().to_owned(),
                answer.header("X-RateLimit-Reset").unwrap().to_owned(),
            )
        };
        assert_eq!(remaining(120), ("49".to_owned(), "180".to_owned()));
        for _ in 0..60 {
            remaining(121);
        }
        assert_eq!(remaining(179), ("0".to_owned(), "180".to_owned()));
        assert_eq!(remaining(180), ("49".to_owned(), "240".to_owned()));
    }
}
