//! What a host brings to a policy: what it can do, and its secrets.

use crate::jose::verification::SignatureAlgorithms;
use crate::time::clock::Now;

/// What a document is compiled with.
pub(crate) struct Around<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) host: Abilities,
    pub(super) seed: u64,
    pub(super) now: Now,
}

/// What a host can do, which decides what policies it can carry out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Instances live on from one request to the next.
    pub remembers: bool,
    /// It can answer [`Step::Acquire`](crate::Step::Acquire) with [`Acquired::Serialised`](crate::Acquired::Serialised).
    pub serialises: bool,
    /// It gives [`Head::peer`](crate::Head::peer).
    pub knows_peer: bool,
    /// The algorithms for which it can answer [`Step::Verify`](crate::Step::Verify). It is asked no such step before it
    /// has answered [`Policy::probes`](crate::Policy::probes).
    pub verifies: SignatureAlgorithms,
}

impl Abilities {
    /// All there is.
    pub const ALL: Self = Self {
        remembers: true,
        serialises: true,
        knows_peer: true,
        verifies: SignatureAlgorithms::ALL,
    };

    /// Nothing.
    pub const NONE: Self = Self {
        remembers: false,
        serialises: false,
        knows_peer: false,
        verifies: SignatureAlgorithms::NONE,
    };
}

/// Secrets of the host's own store, by the name that the policy document uses.
#[derive(Default)]
pub struct Secrets {
    by_name: std::collections::BTreeMap<String, zeroize::Zeroizing<Vec<u8>>>,
    stand_in: Option<zeroize::Zeroizing<Vec<u8>>>,
}

impl Secrets {
    /// The same text under every name: for looking at a policy on a machine that has none of its
    /// secrets. Nothing may be judged with it.
    #[must_use]
    pub fn stand_in() -> Self {
        let text = zeroize::Zeroizing::new(vec![b'x'; STAND_IN_BYTES]);
        Self { stand_in: Some(text), ..Self::default() }
    }

    /// These, and a stand-in under every other name.
    #[must_use]
    pub fn or_stand_in(self) -> Self {
        Self { by_name: self.by_name, ..Self::stand_in() }
    }

    /// The secret of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&[u8]> {
        let secret = self.by_name.get(name).or(self.stand_in.as_ref())?;
        Some(secret.as_slice())
    }
}

impl<N: Into<String>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let named = |(name, value): (N, V)| (name.into(), zeroize::Zeroizing::new(value.into()));
        Self { by_name: pairs.map(named).collect(), stand_in: None }
    }
}

/// Long enough for every kind of secret: HS512 asks for 64 bytes (RFC 7518 section 3.2).
const STAND_IN_BYTES: usize = 64;
