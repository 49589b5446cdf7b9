//! A key set that was fetched: its keys, and until when they are used.

use std::mem;
use std::sync::Arc;

use serde_json::{Value, json};

use super::rules::SourceRules;
use crate::jose::jwks;
use crate::jose::key::Key;
use crate::jose::key_row::{KeyRow, Published};
use crate::text::escape::escaped;
use crate::text::jitter::Jitter;
use crate::time::clock::Now;

/// A loaded set.
pub(crate) struct KeySet {
    /// As it was published.
    pub(crate) text: Arc<[u8]>,
    keys: Vec<Key>,
    /// All that were published, those that are not used too.
    pub(crate) published: Vec<Published>,
    /// When it was asked for: nothing that was published later is in it, and its age counts from here.
    pub(crate) asked_mono_ms: u64,
    /// What it said of its freshness.
    pub(crate) stated_ms: Option<u64>,
    /// When another is asked for, ahead of the end of its freshness.
    pub(crate) refresh_at_mono_ms: u64,
    /// When it is fresh no longer.
    pub(crate) fresh_until_mono_ms: u64,
    /// When it is used no longer, whatever happens.
    pub(crate) usable_until_mono_ms: u64,
}

impl KeySet {
    /// Reads a set. Says in a phrase why it is none.
    pub(crate) fn load(
        text: Arc<[u8]>,
        stated_ms: Option<u64>,
        asked_mono_ms: u64,
        rules: &SourceRules,
        jitter: &mut Jitter,
    ) -> Result<Self, String> {
        let entries = jwks::parse(&text, &rules.algorithms)?;
        let (mut keys, mut all) = (Vec::new(), Vec::new());
        for entry in entries {
            keys.extend(entry.keys);
            all.push(entry.published);
        }
        let fresh_ms = stated_ms.map_or(rules.refresh_ms, |stated| {
            stated.max(rules.refresh_min_ms).min(rules.refresh_ms)
        });
        // A tenth to a fifth of the time is left for it to arrive before anybody has to wait.
        let ahead_ms = fresh_ms / 10 + jitter.below(fresh_ms / 10);
        Ok(Self {
            text,
            keys,
            published: all,
            asked_mono_ms,
            stated_ms,
            refresh_at_mono_ms: asked_mono_ms + fresh_ms - ahead_ms,
            fresh_until_mono_ms: asked_mono_ms + fresh_ms,
            usable_until_mono_ms: asked_mono_ms + fresh_ms + rules.stale_ms,
        })
    }

    /// Its keys, each prepared for one algorithm.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// All keys of it, for people.
    pub(crate) fn rows(&self) -> impl Iterator<Item = KeyRow> {
        self.published.iter().map(Published::row)
    }

    /// The keys of it that are used, each with what makes it a public key and nothing else, as a set of
    /// their own.
    pub(crate) fn used(&self) -> String {
        let read = crate::text::json::parse(&self.text);
        let mut whole = read.map_or(Value::Null, |set| set.to_value());
        let mut keys = Vec::new();
        let published = whole.get_mut("keys").and_then(Value::as_array_mut).map(mem::take);
        for (key, own) in published.into_iter().flatten().zip(&self.published) {
            if let (Value::Object(mut key), true) = (key, own.is_used()) {
                key.retain(|name, _| PUBLIC.contains(&name.as_str()));
                // A number that is the text of a `kid` may be longer than other readers keep.
                key.extend(own.kid.iter().map(|kid| ("kid".to_owned(), kid.as_str().into())));
                keys.push(Value::Object(key));
            }
        }
        json!({ "keys": keys }).to_string()
    }

    /// Whether there is a key in it for us.
    pub(crate) fn is_filled(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Whether tokens may be verified with it now.
    pub(crate) fn is_usable(&self, now: Now) -> bool {
        self.is_filled() && now.mono_ms < self.usable_until_mono_ms
    }

    /// What the operator reads of a set that differs from the one before.
    pub(crate) fn notices(&self, issuer: &str) -> Vec<String> {
        let used = self.published.iter().filter(|key| key.is_used());
        let names: Vec<String> = used.map(name).collect();
        let mut notices = vec![match names.as_slice() {
            [] => format!(
                "keys of {issuer}: the set holds no key that can be used: requests are answered 503"
            ),
            names => format!("keys of {issuer}: {} in use: {}", names.len(), names.join(", ")),
        }];
        notices.extend(self.published.iter().filter_map(|key| {
            let why = key.refused.as_ref()?;
            Some(format!("keys of {issuer}: {} is not used: {why}", name(key)))
        }));
        notices
    }
}

/// Members of public keys that are read (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
const PUBLIC: [&str; 10] = ["alg", "crv", "e", "key_ops", "kid", "kty", "n", "use", "x", "y"];

/// A key, for a line of the log.
fn name(key: &Published) -> String {
    key.kid
        .as_deref()
        .map_or_else(|| "a key without kid".to_owned(), |kid| format!("`{}`", escaped(kid)))
}
