//! The keys of each issuer. A key is looked up inside its issuer and nowhere else: the same `kid`
//! in two issuers is two keys.
//!
//! For now all keys are inline in the policy document, so they are there at once. The lookup
//! already has the third answer that keys fetched over the network will give: later.

use jsonwebtoken::Algorithm;

use crate::denial::TokenFlaw;
use crate::key::{self, Key};
use crate::protocol::{Answer, Failure, Fetch, Now};

/// Prepared keys, by the issuer's place in the policy document.
#[derive(Default)]
pub(crate) struct Keyring {
    issuers: Vec<Vec<Key>>,
    /// Lets a test see an exchange wait: until when no key is there.
    #[cfg(test)]
    pub(crate) absent_until_mono_ms: Option<u64>,
}

/// What a lookup found.
pub(crate) enum Sought<'a> {
    /// The one key that fits.
    Here(&'a Key),
    /// No such key.
    Nowhere(TokenFlaw),
    /// A fetch is under way that may bring it.
    #[cfg_attr(not(test), expect(dead_code, reason = "inline keys are there at once"))]
    Later { until_mono_ms: u64 },
}

impl Keyring {
    pub(crate) fn new(issuers: Vec<Vec<Key>>) -> Self {
        Self {
            issuers,
            #[cfg(test)]
            absent_until_mono_ms: None,
        }
    }

    /// The key for a token's header.
    ///
    /// Without `kid` exactly one key must fit. A shared secret has no `kid`: the issuer has one
    /// secret, whatever the header calls it.
    pub(crate) fn find(
        &self,
        issuer: usize,
        algorithm: Algorithm,
        kid: Option<&str>,
    ) -> Sought<'_> {
        #[cfg(test)]
        if let Some(until_mono_ms) = self.absent_until_mono_ms {
            return Sought::Later { until_mono_ms };
        }
        let kid = kid.filter(|_| !key::is_hmac(algorithm));
        let fits =
            |key: &&Key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid);
        let mut fitting = self.issuers.get(issuer).into_iter().flatten().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Sought::Here(only),
            (Some(_), Some(_)) => Sought::Nowhere(TokenFlaw::KeyAmbiguous),
            (None, _) => Sought::Nowhere(TokenFlaw::KeyUnknown),
        }
    }

    /// The next fetch to hand out. Inline keys need none.
    #[expect(clippy::unused_self, reason = "the seam of remote keys")]
    pub(crate) fn due(&mut self, _now: Now) -> Option<Fetch> {
        None
    }

    /// When [`Self::due`] may next have something to say.
    #[expect(clippy::unused_self, reason = "the seam of remote keys")]
    pub(crate) fn next_due(&self) -> Option<u64> {
        None
    }

    /// Takes what a fetch brought. Nothing was asked for, so nothing is believed.
    #[expect(clippy::unused_self, reason = "the seam of remote keys")]
    pub(crate) fn fetched(
        &mut self,
        _source: &str,
        _outcome: Result<Answer, Failure>,
        _now: Now,
    ) -> Vec<String> {
        Vec::new()
    }
}
