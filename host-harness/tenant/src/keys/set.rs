//! Which keys the tenant has, and which it publishes. No I/O.

use std::fmt;

use serde_json::{Value, json};

use crate::key::SigningKey;

/// The tenant's keys, and those it publishes without having them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySet {
    /// The key that signs; it and the earlier ones verify, and are published.
    signing: SigningKey,
    /// The newest first.
    earlier: Vec<SigningKey>,
    strange_first: Vec<Value>,
    strange_last: Vec<Value>,
}

/// What becomes of the earlier keys when another one begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// They stay published, and their tokens good, until they are withdrawn.
    Kept,
    /// They are withdrawn in the same moment.
    None,
}

/// Where in the JWKS strange keys stand: readers that take the first of several keys with one `kid` tell the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the tenant's own.
    First,
    /// After them.
    Last,
}

/// Why a key cannot be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithdrawError {
    /// None is published under that `kid`.
    NotPublished,
    /// It is the key that signs, which cannot go before another one does: as with Auth0, rotate first.
    Signs,
}

impl KeySet {
    pub(crate) fn new(signing: SigningKey) -> Self {
        Self { signing, earlier: Vec::new(), strange_first: Vec::new(), strange_last: Vec::new() }
    }

    pub(crate) fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The newest first.
    pub(crate) fn earlier(&self) -> &[SigningKey] {
        &self.earlier
    }

    /// Every key that verifies, the one that signs first.
    pub(crate) fn verifying(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.signing).chain(&self.earlier)
    }

    /// The strange keys in the order in which they are published.
    pub(crate) fn strange(&self) -> impl Iterator<Item = &Value> {
        self.strange_first.iter().chain(&self.strange_last)
    }

    /// The members of the JWKS.
    pub(crate) fn published(&self) -> Vec<Value> {
        let own = self.verifying().map(|key| json!(key.jwk()));
        let (first, last) = (self.strange_first.iter().cloned(), self.strange_last.iter().cloned());
        first.chain(own).chain(last).collect()
    }

    pub(crate) fn rotate(&mut self, key: SigningKey, overlap: Overlap) {
        let previous = std::mem::replace(&mut self.signing, key);
        self.earlier.insert(0, previous);
        match overlap {
            Overlap::Kept => {}
            Overlap::None => self.withdraw_earlier(),
        }
    }

    pub(crate) fn withdraw_earlier(&mut self) {
        self.earlier.clear();
    }

    /// Takes the keys of that `kid` out, and says how many there were.
    pub(crate) fn withdraw(&mut self, kid: &str) -> Result<usize, WithdrawError> {
        let before = self.earlier.len() + self.strange().count();
        self.earlier.retain(|key| key.kid() != kid);
        let is_another = |jwk: &Value| jwk.get("kid").and_then(Value::as_str) != Some(kid);
        self.strange_first.retain(is_another);
        self.strange_last.retain(is_another);
        let withdrawn = before.saturating_sub(self.earlier.len() + self.strange().count());
        match withdrawn {
            0 if self.signing.kid() == kid => Err(WithdrawError::Signs),
            0 => Err(WithdrawError::NotPublished),
            withdrawn => Ok(withdrawn),
        }
    }

    pub(crate) fn publish(&mut self, jwks: impl IntoIterator<Item = Value>, place: Place) {
        match place {
            Place::First => self.strange_first.extend(jwks),
            Place::Last => self.strange_last.extend(jwks),
        }
    }

    /// Takes all strange keys out, and says how many there were.
    pub(crate) fn unpublish(&mut self) -> usize {
        let count = self.strange().count();
        self.strange_first.clear();
        self.strange_last.clear();
        count
    }
}

impl fmt::Display for WithdrawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPublished => "no key is published under that `kid`",
            Self::Signs => "the key signs: rotate first",
        })
    }
}

impl std::error::Error for WithdrawError {}
