//! Keys from within the process: what tests that have the tenant, or its handle, call.

use serde_json::Value;

use crate::handle::TenantHandle;
use crate::key::{KeyError, SigningKey};
use crate::tenant::Tenant;

use super::set::{Overlap, Place, WithdrawError};

impl Tenant {
    /// The key that signs: the newest.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        self.keys().signing()
    }

    /// The keys that signed before and are still published, the newest first.
    #[must_use]
    pub fn earlier_keys(&self) -> &[SigningKey] {
        self.keys().earlier()
    }

    /// The members of the JWKS, in its order: the key that signs, then the earlier ones, between the strange ones.
    #[must_use]
    pub fn published_keys(&self) -> Vec<Value> {
        self.keys().published()
    }

    /// Signs with `key` from now on. The earlier keys stay in the JWKS, and their tokens good, until they are withdrawn.
    pub fn rotate_key(&mut self, key: SigningKey) {
        self.keys_mut().rotate(key, Overlap::Kept);
    }

    /// Takes every key but the one that signs out of the JWKS: tokens of theirs are no longer believed.
    pub fn withdraw_earlier_keys(&mut self) {
        self.keys_mut().withdraw_earlier();
    }

    /// Takes the earlier and strange keys of that `kid` out of the JWKS, and says how many there were. Tokens of theirs that
    /// are about are no longer believed.
    ///
    /// # Errors
    ///
    /// When no such key is published, or only the one that signs.
    pub fn withdraw_key(&mut self, kid: &str) -> Result<usize, WithdrawError> {
        self.keys_mut().withdraw(kid)
    }

    /// Publishes strange keys beside the tenant's own: any JSON at all, unchanged. The tenant believes no token for it.
    pub fn publish_strange_keys(&mut self, jwks: impl IntoIterator<Item = Value>, place: Place) {
        self.keys_mut().publish(jwks, place);
    }

    /// Takes all strange keys out of the JWKS, and says how many there were.
    pub fn unpublish_strange_keys(&mut self) -> usize {
        self.keys_mut().unpublish()
    }
}

impl TenantHandle {
    /// Makes a new key, signs with it from now on, and gives its `kid`. It takes as long as an RSA key takes to be found,
    /// which is no time for a request to wait; none does.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn rotate_key(&self, overlap: Overlap) -> Result<String, KeyError> {
        let key = SigningKey::generate()?;
        let kid = key.kid().to_owned();
        self.tenant().keys_mut().rotate(key, overlap);
        Ok(kid)
    }

    /// As [`Tenant::withdraw_key`].
    ///
    /// # Errors
    ///
    /// When no such key is published, or only the one that signs.
    pub fn withdraw_key(&self, kid: &str) -> Result<usize, WithdrawError> {
        self.tenant().withdraw_key(kid)
    }

    /// As [`Tenant::publish_strange_keys`].
    pub fn publish_strange_keys(&self, jwks: impl IntoIterator<Item = Value>, place: Place) {
        self.tenant().publish_strange_keys(jwks, place);
    }
}
