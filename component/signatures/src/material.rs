//! Public keys.

use jsonwebtoken::Algorithm;

/// The key itself, its numbers still in base64url.
pub enum Material<'a> {
    /// RFC 7518 section 6.3.
    Rsa {
        /// The modulus.
        n: &'a str,
        /// The exponent.
        e: &'a str,
    },
    /// RFC 7518 section 6.2.
    Ec {
        /// Its curve.
        curve: Curve,
        /// The first coordinate of the point, in full width.
        x: &'a str,
        /// The second.
        y: &'a str,
    },
    /// RFC 8037 section 2.
    Ed25519 {
        /// The point.
        x: &'a str,
    },
}

/// The curves of RFC 7518 that are verified on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
}

impl Material<'_> {
    /// Whether a signature of this algorithm may be by such a key.
    #[must_use]
    pub const fn serves(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => matches!(
                algorithm,
                Algorithm::RS256
                    | Algorithm::RS384
                    | Algorithm::RS512
                    | Algorithm::PS256
                    | Algorithm::PS384
                    | Algorithm::PS512
            ),
            Self::Ec { curve: Curve::P256, .. } => matches!(algorithm, Algorithm::ES256),
            Self::Ec { curve: Curve::P384, .. } => matches!(algorithm, Algorithm::ES384),
            Self::Ed25519 { .. } => matches!(algorithm, Algorithm::EdDSA),
        }
    }

    /// What it is, for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "an RSA key",
            Self::Ec { curve: Curve::P256, .. } => "a key on P-256",
            Self::Ec { curve: Curve::P384, .. } => "a key on P-384",
            Self::Ed25519 { .. } => "an Ed25519 key",
        }
    }
}
