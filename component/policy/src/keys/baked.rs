//! Keys of an issuer that were baked into the component: used until their end date, never fetched.
//!
//! A key that is not among them may be one that the issuer began to use since. That cannot be known here, so
//! the answer is the one of a cooldown (503), and an attacker who makes up names gets no fetch for it.

use std::sync::Arc;

use super::key_set::KeySet;
use super::lookup::Lookup;
use super::report::KeySource;
use super::rules::{Place, SourceRules};
use crate::jose::jws::KeyHint;
use crate::jose::key::{self, Key};
use crate::text::jitter::Jitter;
use crate::time::clock::Now;
use crate::verdict::cause::{Fault, TokenFlaw};
use crate::verdict::stop::Stop;

/// The keys of one issuer, as they are in the component.
pub(crate) struct BakedSource {
    url: String,
    set: KeySet,
    algorithms_without_key: Vec<&'static str>,
    /// The moment of the wall clock at which they are used no longer.
    until_unix_ms: u64,
}

/// When a client is asked to come again: another component has to be deployed first, and how long that
/// takes is not known here. Raised, clients stay away for longer after it.
const RETRY_AFTER_MS: u64 = 60_000;

impl BakedSource {
    /// Reads a set by the rules of its issuer. Says in a phrase why it cannot be used.
    pub(crate) fn new(rules: &SourceRules, set: &str, until_unix_ms: u64) -> Result<Self, String> {
        let text = Arc::from(set.as_bytes());
        // It is not refreshed, so there is nothing to spread.
        let set = KeySet::load(text, None, 0, rules, &mut Jitter::new(0))?;
        if !set.is_filled() {
            return Err("expected a key that can be used, found none".to_owned());
        }
        let (Place::Jwks(url) | Place::Discovery(url)) = &rules.place;
        let url = url.as_str().to_owned();
        let algorithms_without_key = rules.algorithms_without_key(set.keys());
        Ok(Self { url, set, algorithms_without_key, until_unix_ms })
    }

    /// The key that a token's header names.
    pub(crate) fn find(&self, hint: &KeyHint<'_>, now: Now) -> Result<Lookup<&Key>, TokenFlaw> {
        if self.has_ended(now) {
            return Ok(unavailable(Fault::KeysUnavailable));
        }
        let keys = self.set.keys();
        let place = key::fitting(keys, hint.algorithm, hint.kid)?;
        let found = place.and_then(|place| keys.get(place));
        Ok(found.map_or_else(|| unavailable(Fault::KeyUndecided), Lookup::Found))
    }

    /// How they stand, beside those that are there at once.
    pub(crate) fn report(&self, own: KeySource, now: Now) -> KeySource {
        let left_ms = self.until_unix_ms.saturating_sub(now.unix_ms);
        KeySource {
            url: Some(self.url.clone()),
            usable: !self.has_ended(now),
            keys: own.keys.into_iter().chain(self.set.rows()).collect(),
            algorithms_without_key: self.algorithms_without_key.clone(),
            expires_in_ms: Some(left_ms),
            withdrawal_ms: Some(left_ms),
            baked_until_unix_ms: Some(self.until_unix_ms),
            last_failure: self.has_ended(now).then(|| ENDED.to_owned()),
            ..own
        }
    }

    /// Whether they are used no longer.
    pub(crate) fn has_ended(&self, now: Now) -> bool {
        now.unix_ms >= self.until_unix_ms
    }
}

fn unavailable<T>(fault: Fault) -> Lookup<T> {
    Lookup::Unavailable(Stop::for_now(fault, RETRY_AFTER_MS))
}

/// What the operator reads of keys past their end date.
const ENDED: &str =
    "expected keys that are still to be used, found the end date of those that are baked in passed";
