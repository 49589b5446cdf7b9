//! The keys of an issuer, for people.

use crate::jose::key_row::KeyRow;
use crate::jose::verification::SignatureAlgorithm;

/// The keys of one issuer, as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    /// The issuer.
    pub issuer: String,
    /// The URL of the key set or of the discovery document; nothing when the keys are inline.
    pub url: Option<String>,
    /// The URL of the key set, once it is known: discovery says it.
    pub jwks_uri: Option<String>,
    /// Whether there is a key to verify with.
    pub usable: bool,
    /// Its keys, the refused ones too. Shared secrets are not among them.
    pub keys: Vec<KeyRow>,
    /// The algorithms that a shared secret is there for.
    pub secret_algorithms: Vec<&'static str>,
    /// The algorithms of the issuer's rules whose signatures the host verifies.
    pub host_algorithms: Vec<SignatureAlgorithm>,
    /// Algorithms of the issuer's rules that no key of its fetched set can be used with.
    pub algorithms_without_key: Vec<&'static str>,
    /// Milliseconds since the set was asked for.
    pub age_ms: Option<u64>,
    /// Milliseconds until it is fresh no longer; another is asked for before.
    pub fresh_for_ms: Option<u64>,
    /// Milliseconds until it is used no longer unless another is fetched.
    pub expires_in_ms: Option<u64>,
    /// The longest time until a withdrawn key surely stops working, in milliseconds.
    pub withdrawal_ms: Option<u64>,
    /// When keys that were baked in are used no longer, in Unix milliseconds. They are never fetched.
    pub baked_until_unix_ms: Option<u64>,
    /// Why the last fetch brought nothing, if it did not.
    pub last_failure: Option<String>,
}
