//! Bearer tokens whose signature was verified a short while ago: the same token again costs no signature check.
//!
//! Only the signature is remembered, and by which key it was made. Time, audience, route, scopes, subject and every
//! other rule are judged at each request, and so is the key: the keyring is asked as for any token, and what is
//! remembered counts only if the key that it returns is the one of then. A withdrawn key, or keys that are too
//! old, stop a remembered token like any other.
//!
//! Tokens are known by their SHA-256; no token and no signature is kept. There are two generations: tokens enter
//! the young one, and those of the old one are forgotten when the young one takes its place.

use std::collections::{BTreeMap, VecDeque};

use crate::jose::jws::{Known, TokenId, Verified};
use crate::time::clock::Now;

/// How long a verified signature is remembered, in milliseconds.
const MAX_AGE_MS: u64 = 10 * 60 * 1000;

/// Tokens of a generation.
const MAX_TOKENS: usize = 1024;

/// Bytes of a generation, as the form of a token counts them.
const MAX_BYTES: usize = 1024 * 1024;

/// Tokens of one subject in a generation, the last ones: a user with many tokens takes no other one's place.
const MAX_OF_SUBJECT: usize = 8;

/// The tokens that are remembered.
#[derive(Default)]
pub(crate) struct TokenCache {
    young: Generation,
    old: Generation,
    /// When the young generation began, in monotonic milliseconds.
    since_mono_ms: u64,
    hits: u64,
    misses: u64,
    evicted: u64,
    /// How many of these were reported.
    reported: u64,
}

/// What the cache of verified tokens holds, and how often it helped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Tokens that are remembered.
    pub tokens: u64,
    /// The memory that they take, in bytes; a generous estimate.
    pub bytes: u64,
    /// Look-ups of a token that was remembered, since the policy was loaded.
    pub hits: u64,
    /// Look-ups of another one.
    pub misses: u64,
    /// Tokens that were forgotten or not remembered, for want of place or for their age.
    pub evicted: u64,
}

#[derive(Default)]
struct Generation {
    tokens: BTreeMap<TokenId, Entry>,
    /// Tokens by issuer and subject, in the order in which they entered.
    subjects: BTreeMap<(String, String), VecDeque<TokenId>>,
    bytes: usize,
}

struct Entry {
    known: Known,
    /// The memory that it takes, in bytes: it is walked once.
    size: usize,
    verified_mono_ms: u64,
}

impl TokenCache {
    /// What is remembered of a token.
    pub(crate) fn find(&mut self, id: &TokenId, now: Now) -> Option<Known> {
        let found = self.look_up(id, now);
        let counter = if found.is_some() { &mut self.hits } else { &mut self.misses };
        *counter = counter.saturating_add(1);
        found
    }

    fn look_up(&mut self, id: &TokenId, now: Now) -> Option<Known> {
        self.age(now);
        let is_young = self.young.tokens.contains_key(id);
        let entry = if is_young { &self.young } else { &self.old }.tokens.get(id)?;
        if now.mono_ms.saturating_sub(entry.verified_mono_ms) >= MAX_AGE_MS {
            return None;
        }
        let known = entry.known.clone();
        if !is_young && let Some(entry) = self.old.take(id) {
            self.enter(*id, entry, now);
        }
        Some(known)
    }

    /// Remembers a token. One that was verified with a shared secret is not: to verify it costs no more than to find it.
    pub(crate) fn remember(&mut self, token: &Verified, now: Now) {
        let Some((id, known)) = token.newly_verified() else { return };
        self.age(now);
        let size = known.form.size();
        self.enter(id, Entry { known, size, verified_mono_ms: now.mono_ms }, now);
    }

    /// How many tokens were evicted since this was asked for last.
    pub(crate) fn newly_evicted(&mut self) -> u32 {
        let new = self.evicted.saturating_sub(self.reported);
        self.reported = self.evicted;
        u32::try_from(new).unwrap_or(u32::MAX)
    }

    /// What it holds, and how often it helped.
    pub(crate) fn used(&self) -> CacheUse {
        let generations = [&self.young, &self.old];
        CacheUse {
            tokens: generations.iter().map(|one| one.tokens.len() as u64).sum(),
            bytes: generations.iter().map(|one| one.bytes as u64).sum(),
            hits: self.hits,
            misses: self.misses,
            evicted: self.evicted,
        }
    }

    fn enter(&mut self, id: TokenId, entry: Entry, now: Now) {
        if self.young.is_full_for(entry.size) {
            self.rotate(now);
        }
        if entry.size > MAX_BYTES / MAX_OF_SUBJECT || self.young.enter(id, entry) {
            self.evicted = self.evicted.saturating_add(1);
        }
    }

    /// Lets go of what is too old. No token of the old generation was verified after the young one began.
    fn age(&mut self, now: Now) {
        if now.mono_ms.saturating_sub(self.since_mono_ms) >= MAX_AGE_MS / 2 {
            self.rotate(now);
        }
    }

    fn rotate(&mut self, now: Now) {
        self.evicted = self.evicted.saturating_add(self.old.tokens.len() as u64);
        self.old = std::mem::take(&mut self.young);
        self.since_mono_ms = now.mono_ms;
    }
}

impl Generation {
    fn is_full_for(&self, size: usize) -> bool {
        self.tokens.len() >= MAX_TOKENS || self.bytes.saturating_add(size) > MAX_BYTES
    }

    /// Says whether the subject's oldest token made room for it.
    fn enter(&mut self, id: TokenId, entry: Entry) -> bool {
        if let Some(known) = self.tokens.get_mut(&id) {
            // Verified anew, for its age or by another key: the text is the same, and so is its size.
            *known = entry;
            return false;
        }
        let of_subject = self.subjects.entry(entry.known.form.subject()).or_default();
        of_subject.push_back(id);
        let oldest = if of_subject.len() > MAX_OF_SUBJECT { of_subject.pop_front() } else { None };
        self.bytes += entry.size;
        self.tokens.insert(id, entry);
        oldest.is_some_and(|oldest| self.take(&oldest).is_some())
    }

    fn take(&mut self, id: &TokenId) -> Option<Entry> {
        let entry = self.tokens.remove(id)?;
        self.bytes = self.bytes.saturating_sub(entry.size);
        Some(entry)
    }
}
