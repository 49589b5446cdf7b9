//! Upstreams whose PATCH replaces `user_metadata` instead of merging it: each merging link would lose
//! what the primary had, so none is tried for a while once that was seen on two accounts.

use super::reserved_entry;
use crate::time::clock::Now;

/// Whether the upstream was seen to replace.
#[derive(Default)]
pub(crate) struct Replacing {
    /// The account it was last seen on, by a digest, and when.
    seen: Option<(String, u64)>,
    until_mono_ms: u64,
    /// How long the last refusal of all merging links was.
    last_ms: u64,
}

/// Two accounts within this time. One alone may be its owner's doing, who would switch merging off for
/// all.
const WITHIN_MS: u64 = 600_000;

/// For how long no merging link is tried; each time doubles it. Lowered, more accounts are written to
/// and mended.
const FIRST_MS: u64 = 600_000;

/// A day. Raised, an upstream that was mended waits longer for its first link.
const LONGEST_MS: u64 = 86_400_000;

impl Replacing {
    /// It was seen on an account.
    pub(super) fn note(&mut self, user_id: &str, now: Now) {
        let account = reserved_entry::account_name(user_id);
        let other = self
            .seen
            .take()
            .filter(|(seen, at)| *seen != account && now.mono_ms.saturating_sub(*at) <= WITHIN_MS);
        if other.is_some() {
            self.last_ms = (self.last_ms * 2).clamp(FIRST_MS, LONGEST_MS);
            self.until_mono_ms = now.mono_ms.saturating_add(self.last_ms);
        }
        self.seen = Some((account, now.mono_ms));
    }

    /// How many seconds no merging link is tried, if it is so.
    pub(super) fn rests_for_s(&self, now: Now) -> Option<u32> {
        let left_ms = self.until_mono_ms.checked_sub(now.mono_ms).filter(|left_ms| *left_ms > 0)?;
        u32::try_from(left_ms.div_ceil(1000)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Now {
        Now { unix_ms: 0, mono_ms: s * 1000 }
    }

    #[test]
    fn it_takes_two_accounts_within_a_while_and_doubles() {
        let mut replacing = Replacing::default();
        replacing.note("auth0|a", at(10));
        replacing.note("auth0|a", at(11));
        assert_eq!(replacing.rests_for_s(at(11)), None, "one account alone");
        replacing.note("auth0|b", at(700));
        assert_eq!(replacing.rests_for_s(at(700)), None, "too long after the other");
        replacing.note("auth0|c", at(701));
        assert_eq!(replacing.rests_for_s(at(701)), Some(600));
        assert_eq!(replacing.rests_for_s(at(1301)), None, "it ends");
        replacing.note("auth0|d", at(1301));
        assert_eq!(replacing.rests_for_s(at(1301)), Some(1200), "the second time is twice as long");
        for s in 0..20 {
            replacing.note(if s % 2 == 0 { "auth0|e" } else { "auth0|f" }, at(1400 + s));
        }
        assert_eq!(replacing.rests_for_s(at(1419)), Some(86_400), "a day at most");
    }
}
