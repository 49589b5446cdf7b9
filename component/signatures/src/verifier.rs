//! One verifier for each family of signature algorithms, with its key prepared.

use std::sync::Arc;

use ecdsa::Signature;
use elliptic_curve::FieldBytesSize;
use hmac::Hmac;
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::JwtVerifier;
use sha2::{Sha256, Sha384, Sha512};

use crate::base64url::base64url;
use crate::ecdsa::{EcdsaKey, EllipticCurve};
use crate::material::{Curve, Material};
use crate::rsa::RsaKey;

/// A key as `jsonwebtoken` knows verifiers, which knows the form of its signatures, too.
pub type Verifier = Box<dyn Check + Send + Sync>;

/// A verifier of signatures that can tell by their form alone that some are none.
pub trait Check: JwtVerifier {
    /// Whether these bytes have the form of a signature by this key: length, and numbers in range.
    fn fits(&self, signature: &[u8]) -> bool;
}

/// A check of signatures that holds its key.
struct Prepared<G, F> {
    algorithm: Algorithm,
    fits: G,
    holds: F,
}

impl<G, F: Fn(&[u8], &[u8]) -> bool> signature::Verifier<Vec<u8>> for Prepared<G, F> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        if (self.holds)(message, signature) { Ok(()) } else { Err(signature::Error::new()) }
    }
}

impl<G, F: Fn(&[u8], &[u8]) -> bool> JwtVerifier for Prepared<G, F> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl<G: Fn(&[u8]) -> bool, F: Fn(&[u8], &[u8]) -> bool> Check for Prepared<G, F> {
    fn fits(&self, signature: &[u8]) -> bool {
        (self.fits)(signature)
    }
}

fn prepared(
    algorithm: Algorithm,
    fits: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
    holds: impl Fn(&[u8], &[u8]) -> bool + Send + Sync + 'static,
) -> Verifier {
    Box::new(Prepared { algorithm, fits, holds })
}

/// A public key that may be used. What is computed for it once serves all its verifiers.
pub enum PublicKey {
    /// RFC 7518 section 6.3.
    Rsa(Arc<RsaKey>),
    /// On secp256r1.
    P256(Arc<EcdsaKey<p256::NistP256>>),
    /// On secp384r1.
    P384(Arc<EcdsaKey<p384::NistP384>>),
    /// RFC 8037 section 2.
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Reads a key.
    ///
    /// # Errors
    ///
    /// Why the key is not used, in a phrase.
    pub fn read(key: &Material<'_>) -> Result<Self, String> {
        let off_curve = |_| "expected a point on the curve, found none".to_owned();
        match key {
            Material::Rsa { n, e } => RsaKey::read(n, e).map(|key| Self::Rsa(Arc::new(key))),
            Material::Ec { curve: Curve::P256, x, y } => {
                let key = p256::PublicKey::from_sec1_bytes(&point(x, y, 32)?).map_err(off_curve)?;
                Ok(Self::P256(Arc::new(EcdsaKey::new(&key))))
            }
            Material::Ec { curve: Curve::P384, x, y } => {
                let key = p384::PublicKey::from_sec1_bytes(&point(x, y, 48)?).map_err(off_curve)?;
                Ok(Self::P384(Arc::new(EcdsaKey::new(&key))))
            }
            Material::Ed25519 { x } => ed25519(x).map(Self::Ed25519),
        }
    }

    /// Its verifier for an algorithm; none where it is of another family.
    #[must_use]
    pub fn verifier(&self, algorithm: Algorithm) -> Option<Verifier> {
        match (self, algorithm) {
            (Self::Rsa(key), Algorithm::RS256) => Some(rs::<Sha256>(key, algorithm)),
            (Self::Rsa(key), Algorithm::RS384) => Some(rs::<Sha384>(key, algorithm)),
            (Self::Rsa(key), Algorithm::RS512) => Some(rs::<Sha512>(key, algorithm)),
            (Self::Rsa(key), Algorithm::PS256) => Some(ps::<Sha256>(key, algorithm)),
            (Self::Rsa(key), Algorithm::PS384) => Some(ps::<Sha384>(key, algorithm)),
            (Self::Rsa(key), Algorithm::PS512) => Some(ps::<Sha512>(key, algorithm)),
            (Self::P256(key), Algorithm::ES256) => Some(ecdsa::<_, Sha256>(key, algorithm)),
            (Self::P384(key), Algorithm::ES384) => Some(ecdsa::<_, Sha384>(key, algorithm)),
            (Self::Ed25519(key), Algorithm::EdDSA) => Some(eddsa(*key)),
            _ => None,
        }
    }
}

/// The verifier of a shared secret for an HMAC algorithm.
///
/// # Errors
///
/// The secret cannot be used.
pub fn shared(secret: &[u8], algorithm: Algorithm) -> Result<Verifier, String> {
    if algorithm == Algorithm::HS256 {
        hmac::<Hmac<Sha256>>(secret, algorithm)
    } else if algorithm == Algorithm::HS384 {
        hmac::<Hmac<Sha384>>(secret, algorithm)
    } else {
        hmac::<Hmac<Sha512>>(secret, algorithm)
    }
}

fn rs<D>(key: &Arc<RsaKey>, algorithm: Algorithm) -> Verifier
where
    D: sha2::Digest + sha2::digest::const_oid::AssociatedOid + 'static,
{
    rsa(key, algorithm, RsaKey::holds_pkcs1_v1_5::<D>)
}

fn ps<D: sha2::Digest + 'static>(key: &Arc<RsaKey>, algorithm: Algorithm) -> Verifier {
    rsa(key, algorithm, RsaKey::holds_pss::<D>)
}

fn rsa(
    key: &Arc<RsaKey>,
    algorithm: Algorithm,
    holds: fn(&RsaKey, &[u8], &[u8]) -> bool,
) -> Verifier {
    let (key, same) = (Arc::clone(key), Arc::clone(key));
    let fits = move |signature: &[u8]| same.fits(signature);
    prepared(algorithm, fits, move |message, signature| holds(&key, message, signature))
}

/// An uncompressed point (SEC 1 section 2.3.3) of two coordinates of full width (RFC 7518 section 6.2.1.2).
fn point(x: &str, y: &str, width: usize) -> Result<Vec<u8>, String> {
    let coordinate = |text: &str, member: &str| {
        base64url(text).filter(|bytes| bytes.len() == width).ok_or_else(|| {
            format!("expected `{member}` as {width} bytes in base64url, found something else")
        })
    };
    Ok([vec![4], coordinate(x, "x")?, coordinate(y, "y")?].concat())
}

fn ecdsa<C, D>(key: &Arc<EcdsaKey<C>>, algorithm: Algorithm) -> Verifier
where
    C: EllipticCurve,
    D: sha2::Digest<OutputSize = FieldBytesSize<C>>,
{
    let key = Arc::clone(key);
    // Both numbers are there in full width, not zero and below the order of the curve.
    let fits = |signature: &[u8]| Signature::<C>::from_slice(signature).is_ok();
    prepared(algorithm, fits, move |message, signature| {
        Signature::<C>::from_slice(signature)
            .is_ok_and(|signature| key.holds(&D::digest(message), &signature))
    })
}

fn ed25519(x: &str) -> Result<ed25519_dalek::VerifyingKey, String> {
    let bytes = base64url(x)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or("expected `x` as 32 bytes in base64url, found something else")?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
        .map_err(|_| "expected a point on the curve, found none".to_owned())?;
    if key.is_weak() {
        return Err("expected a point of full order, found a weak key".to_owned());
    }
    Ok(key)
}

fn eddsa(key: ed25519_dalek::VerifyingKey) -> Verifier {
    prepared(Algorithm::EdDSA, has_form_of_ed25519, move |message, signature| {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
    })
}

/// What `verify_strict` asks of a signature before it computes: a point that is not weak, and a number below the
/// order of the group (RFC 8032 section 5.1.7). Hosts' libraries are not all so strict about the point.
fn has_form_of_ed25519(signature: &[u8]) -> bool {
    let Some((point, scalar)) = signature.split_first_chunk::<32>() else { return false };
    let is_below_order = scalar.len() == 32 && scalar.iter().rev().lt(ED25519_ORDER.iter());
    is_below_order
        && ed25519_dalek::VerifyingKey::from_bytes(point).is_ok_and(|point| !point.is_weak())
}

/// The order of the group of Ed25519, 2^252 and more (RFC 8032 section 5.1), the highest byte first.
const ED25519_ORDER: [u8; 32] = [
    0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xde, 0xf9, 0xde, 0xa2, 0xf7, 0x9c,
    0xd6, 0x58, 0x12, 0x63, 0x1a, 0x5c, 0xf5, 0xd3, 0xed,
];

fn hmac<M>(secret: &[u8], algorithm: Algorithm) -> Result<Verifier, String>
where
    M: hmac::Mac + hmac::KeyInit + Clone + Send + Sync + 'static,
{
    let keyed = <M as hmac::KeyInit>::new_from_slice(secret)
        .map_err(|_| "expected a usable secret, found none".to_owned())?;
    Ok(prepared(
        algorithm,
        |_| true,
        move |message, signature| {
            keyed.clone().chain_update(message).verify_slice(signature).is_ok()
        },
    ))
}
