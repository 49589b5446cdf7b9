//! What a write came to.

use super::account::{self, Account};
use crate::http::outgoing::{Answer, CallFailure};
use crate::text::json::Object as Members;
use crate::time::clock::Now;

/// What a write came to.
pub(super) enum Written {
    /// The account that came back shows it.
    Shown(Account),
    /// 200, and an answer that does not show it: of something on the way, too large, or older than the
    /// write.
    Unshown,
    Limited {
        wait_ms: Option<u64>,
    },
    /// A 4xx that means that nothing happened.
    Refused {
        status: u16,
    },
    NotSent,
    Unknown,
}

impl Written {
    /// Reads the answer to a write of these members to this account.
    pub(super) fn of(
        outcome: &Result<Answer, CallFailure>,
        user_id: &str,
        members: &Members,
        now: Now,
    ) -> Self {
        let (status, answer) = match outcome {
            Ok(answer) => (answer.status, Some(answer)),
            Err(CallFailure::NoBody { status }) => (*status, None),
            Err(CallFailure::NotSent) => return Self::NotSent,
            Err(CallFailure::Unknown) => return Self::Unknown,
        };
        match status {
            200 => answer
                .and_then(|answer| Account::shown(answer, user_id))
                .filter(|account| shows(&account.metadata, members))
                .map_or(Self::Unshown, Self::Shown),
            429 => {
                let wait_ms = answer.and_then(|answer| account::wait_ms(answer, now.unix_ms));
                Self::Limited { wait_ms }
            }
            408 => Self::Unknown,
            400..=499 => Self::Refused { status },
            _ => Self::Unknown,
        }
    }
}

/// Whether metadata is as a write makes it.
fn shows(metadata: &Members, members: &Members) -> bool {
    members.iter().all(|(key, value)| {
        let own = metadata.get(key).filter(|own| !own.is_null());
        own == Some(value).filter(|value| !value.is_null())
    })
}
