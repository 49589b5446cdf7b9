//! What a write came to.

use super::account::{self, Account};
use super::merge::Merge;
use crate::protocol::{Answer, CallFailure, Now};

/// What a write came to.
pub(super) enum Written {
    Done,
    Limited {
        wait_ms: Option<u64>,
    },
    /// A 4xx that means that nothing happened.
    Refused,
    NotSent,
    Unknown,
}

impl Merge {
    /// What the write that was being made came to. It is done when the account that comes back shows
    /// it: a 200 of something on the way is none.
    pub(super) fn written(&self, outcome: &Result<Answer, CallFailure>, now: Now) -> Written {
        let (status, answer) = match outcome {
            Ok(answer) => (answer.status, Some(answer)),
            Err(CallFailure::NoBody { status }) => (*status, None),
            Err(CallFailure::NotSent) => return Written::NotSent,
            Err(CallFailure::Unknown) => return Written::Unknown,
        };
        match status {
            200 if answer.is_some_and(|answer| self.shows_write(answer)) => Written::Done,
            429 => {
                let wait_ms = answer.and_then(|answer| account::wait_ms(answer, now.unix_ms));
                Written::Limited { wait_ms }
            }
            408 => Written::Unknown,
            400..=499 => Written::Refused,
            _ => Written::Unknown,
        }
    }

    fn shows_write(&self, answer: &Answer) -> bool {
        let Some(account) = Account::shown(answer, self.permit.user_id()) else { return false };
        self.pending.iter().all(|(key, value)| {
            let stands = account.metadata.get(key).filter(|stands| !stands.is_null());
            stands == Some(value).filter(|value| !value.is_null())
        })
    }
}
