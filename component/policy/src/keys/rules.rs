//! What the policy says of an issuer's keys.

use jsonwebtoken::Algorithm;

use crate::http::url::{Reach, Url};
use crate::jose::algorithm;
use crate::jose::key::Key;
use crate::jose::key_row::Published;

/// What the policy document says of an issuer's keys.
pub(crate) struct IssuerKeys {
    pub(crate) issuer: String,
    /// Keys that are there at once: inline ones and shared secrets.
    pub(crate) own: Vec<Key>,
    /// The inline ones as they are written down, those that are not used too.
    pub(crate) written: Vec<Published>,
    /// Where the others are published, if they are.
    pub(crate) remote: Option<SourceRules>,
}

/// How the keys of an issuer are fetched, and for how long they are good.
pub(crate) struct SourceRules {
    pub(crate) issuer: String,
    pub(crate) place: Place,
    pub(crate) reach: Reach,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Longest time for which a set is fresh, and the time for one that does not say.
    pub(crate) refresh_ms: u64,
    /// Shortest, whatever the set says.
    pub(crate) refresh_min_ms: u64,
    /// How much longer it is used while no other can be had.
    pub(crate) stale_ms: u64,
    /// Between attempts that an unknown `kid` asks for.
    pub(crate) cooldown_ms: u64,
    pub(crate) timeout_ms: u32,
}

impl SourceRules {
    /// The algorithms that none of these keys is for.
    pub(crate) fn algorithms_without_key(&self, keys: &[Key]) -> Vec<&'static str> {
        let has = |algorithm: Algorithm| keys.iter().any(|key| key.algorithm == algorithm);
        let lacking = self.algorithms.iter().copied().filter(|algorithm| !has(*algorithm));
        lacking.map(algorithm::name).collect()
    }
}

/// Where a set is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a URL.
    Jwks(Url),
    /// Where the discovery document at this URL says.
    Discovery(Url),
}
