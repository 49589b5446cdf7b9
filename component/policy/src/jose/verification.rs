//! The check of a signature as a host can make it: what it is asked, and what it answers.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use zeroize::Zeroizing;

use super::algorithm;
use super::der::{self, SEQUENCE};
use crate::text::named_enum::named;

named! {
    /// An algorithm whose signatures are verified with a public key. HMAC is none: a host is never given a secret.
    pub enum SignatureAlgorithm {
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3).
        Rs256 = "RS256",
        /// The same with SHA-384.
        Rs384 = "RS384",
        /// The same with SHA-512.
        Rs512 = "RS512",
        /// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 7518 section 3.5).
        Ps256 = "PS256",
        /// The same with SHA-384 and a salt of 48 bytes.
        Ps384 = "PS384",
        /// The same with SHA-512 and a salt of 64 bytes.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4).
        Es256 = "ES256",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// Ed25519 (RFC 8037 section 3.1).
        EdDsa = "EdDSA",
    }
}

impl SignatureAlgorithm {
    /// The one that a JOSE algorithm is, if it is one.
    pub(crate) fn of(algorithm: Algorithm) -> Option<Self> {
        let name = algorithm::name(algorithm);
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }
}

/// A set of signature algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureAlgorithms(u16);

impl SignatureAlgorithms {
    /// No algorithm.
    pub const NONE: Self = Self(0);

    /// Every algorithm that there is.
    pub const ALL: Self = Self::NONE
        .with(SignatureAlgorithm::Rs256)
        .with(SignatureAlgorithm::Rs384)
        .with(SignatureAlgorithm::Rs512)
        .with(SignatureAlgorithm::Ps256)
        .with(SignatureAlgorithm::Ps384)
        .with(SignatureAlgorithm::Ps512)
        .with(SignatureAlgorithm::Es256)
        .with(SignatureAlgorithm::Es384)
        .with(SignatureAlgorithm::EdDsa);

    /// This set and one more algorithm.
    #[must_use]
    pub const fn with(self, algorithm: SignatureAlgorithm) -> Self {
        Self(self.0 | bit(algorithm))
    }

    /// This set without an algorithm.
    #[must_use]
    pub const fn without(self, algorithm: SignatureAlgorithm) -> Self {
        Self(self.0 & !bit(algorithm))
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether an algorithm is in it.
    #[must_use]
    pub const fn has(self, algorithm: SignatureAlgorithm) -> bool {
        self.0 & bit(algorithm) != 0
    }

    /// Its algorithms.
    pub fn iter(self) -> impl Iterator<Item = SignatureAlgorithm> {
        SignatureAlgorithm::ALL.iter().copied().filter(move |algorithm| self.has(*algorithm))
    }
}

const fn bit(algorithm: SignatureAlgorithm) -> u16 {
    1 << algorithm as u16
}

/// A signature for the host to verify. The core has checked its form, and that the key is strong enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Verify {
    /// The algorithm: the key is to be used with no other.
    pub algorithm: SignatureAlgorithm,
    /// The public key, as a `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1.2.7).
    pub key: Arc<[u8]>,
    /// What was signed: a token without its signature.
    pub message: Zeroizing<Vec<u8>>,
    /// The signature as JWS has it: of ECDSA `r` and `s`, each of full width (RFC 7518 section 3.4).
    pub signature: Zeroizing<Vec<u8>>,
}

impl Verify {
    /// The signature as X.509 has it, for libraries that know no other form: of ECDSA `r` and `s` in DER (RFC 3279
    /// section 2.2.3), else as it is.
    #[must_use]
    pub fn signature_in_der(&self) -> Zeroizing<Vec<u8>> {
        match self.algorithm {
            SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 if !self.signature.is_empty() => {
                let (r, s) = self.signature.split_at(self.signature.len() / 2);
                Zeroizing::new(der::tlv(SEQUENCE, &[der::integer(r), der::integer(s)].concat()))
            }
            SignatureAlgorithm::Rs256
            | SignatureAlgorithm::Rs384
            | SignatureAlgorithm::Rs512
            | SignatureAlgorithm::Ps256
            | SignatureAlgorithm::Ps384
            | SignatureAlgorithm::Ps512
            | SignatureAlgorithm::Es256
            | SignatureAlgorithm::Es384
            | SignatureAlgorithm::EdDsa => self.signature.clone(),
        }
    }
}

impl std::fmt::Debug for Verify {
    /// Message and signature stay out: together they are a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a host answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The signature is of this message, by this key.
    Yes,
    /// It is not.
    No,
    /// The host cannot tell: the core's own verifier decides.
    Unable,
}

impl Verification {
    /// The word, as the contract has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unable => "unable",
        }
    }
}

named! {
    /// Who verified the signatures of a request.
    pub enum VerifiedBy {
        /// The host.
        Host = "host",
        /// The component, by itself.
        Component = "component",
        /// One signature the host, another the component.
        Both = "both",
        /// No one at this request: the signature was verified at an earlier request.
        Cache = "cache",
    }
}

impl VerifiedBy {
    /// Who verified one signature and another. One that was verified at this request counts before one that was not.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Cache, by) | (by, Self::Cache) => by,
            (one, other) if one == other => one,
            _ => Self::Both,
        }
    }
}

/// What a host has answered about the signature of a token.
///
/// INVARIANT: a `yes` or a `no` belongs to the key that was asked about. Under another key it says nothing.
#[derive(Default)]
pub(crate) enum HostAnswer {
    /// It was not asked.
    #[default]
    None,
    /// With this key, it said.
    Key { spki: Arc<[u8]>, holds: bool },
    /// It could not tell. It is not asked again.
    Unable,
}

impl HostAnswer {
    /// Whether the signature holds under this key, where the host said so.
    pub(crate) fn under(&self, key: Option<&Arc<[u8]>>) -> Option<bool> {
        match self {
            Self::Key { spki, holds } if key == Some(spki) => Some(*holds),
            Self::None | Self::Key { .. } | Self::Unable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = SignatureAlgorithms::ALL;
        for algorithm in SignatureAlgorithm::ALL {
            assert!(SignatureAlgorithms::NONE.with(*algorithm).iter().eq([*algorithm]));
            assert!(set.has(*algorithm), "{}", algorithm.name());
            set = set.without(*algorithm);
            assert!(!set.has(*algorithm), "{}", algorithm.name());
        }
        assert_eq!(set, SignatureAlgorithms::NONE);
    }

    #[test]
    fn no_algorithm_of_a_shared_secret_is_a_hosts() {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            assert_eq!(SignatureAlgorithm::of(algorithm), None);
        }
        for algorithm in SignatureAlgorithm::ALL {
            let jose = algorithm::by_name(algorithm.name());
            assert_eq!(jose.and_then(SignatureAlgorithm::of), Some(*algorithm));
        }
    }

    #[test]
    fn a_signature_is_in_the_form_of_x_509() {
        use SignatureAlgorithm::{Es256, Es384, Rs256};
        let numbers = [[&[0; 31][..], &[0x7f]].concat(), vec![0xff; 32]].concat();
        let in_der = [&[0x30, 0x26, 2, 1, 0x7f, 2, 33, 0][..], &[0xff; 32]].concat();
        for (row, algorithm, signature, expected) in [
            ("numbers in as few bytes as they take", Es256, numbers.clone(), in_der),
            ("nothing stays nothing", Es384, vec![], vec![]),
            ("RSA is as it was", Rs256, numbers.clone(), numbers),
        ] {
            let (key, message) = (Arc::from([1]), Zeroizing::default());
            let verify = Verify { algorithm, key, message, signature: Zeroizing::new(signature) };
            assert_eq!(*verify.signature_in_der(), expected, "{row}");
        }
    }

    #[test]
    fn neither_message_nor_signature_is_shown() {
        let verify = Verify {
            algorithm: SignatureAlgorithm::Rs256,
            key: Arc::from([1]),
            message: Zeroizing::new(b"secret".to_vec()),
            signature: Zeroizing::new(b"secret".to_vec()),
        };
        assert_eq!(format!("{verify:?}"), "Verify { algorithm: Rs256, .. }");
    }
}
