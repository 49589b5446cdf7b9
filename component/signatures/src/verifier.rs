//! One verifier for each family of signature algorithms, with its key prepared.

use std::sync::Arc;

use ecdsa::Signature;
use elliptic_curve::{FieldBytesSize, PublicKey};
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

/// The verifier of a key for an algorithm; none where the key is of another family.
///
/// # Errors
///
/// Why the key is not used, in a phrase.
pub fn public(key: &Material<'_>, algorithm: Algorithm) -> Result<Option<Verifier>, String> {
    match (key, algorithm) {
        (Material::Rsa { n, e }, Algorithm::RS256) => rs::<Sha256>(n, e, algorithm).map(Some),
        (Material::Rsa { n, e }, Algorithm::RS384) => rs::<Sha384>(n, e, algorithm).map(Some),
        (Material::Rsa { n, e }, Algorithm::RS512) => rs::<Sha512>(n, e, algorithm).map(Some),
        (Material::Rsa { n, e }, Algorithm::PS256) => ps::<Sha256>(n, e, algorithm).map(Some),
        (Material::Rsa { n, e }, Algorithm::PS384) => ps::<Sha384>(n, e, algorithm).map(Some),
        (Material::Rsa { n, e }, Algorithm::PS512) => ps::<Sha512>(n, e, algorithm).map(Some),
        (Material::Ec { curve: Curve::P256, x, y }, Algorithm::ES256) => es256(x, y).map(Some),
        (Material::Ec { curve: Curve::P384, x, y }, Algorithm::ES384) => es384(x, y).map(Some),
        (Material::Ed25519 { x }, Algorithm::EdDSA) => eddsa(x).map(Some),
        _ => Ok(None),
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

fn rs<D>(n: &str, e: &str, algorithm: Algorithm) -> Result<Verifier, String>
where
    D: sha2::Digest + sha2::digest::const_oid::AssociatedOid + 'static,
{
    RsaKey::read(n, e).map(|key| rsa(key, algorithm, RsaKey::holds_pkcs1_v1_5::<D>))
}

fn ps<D>(n: &str, e: &str, algorithm: Algorithm) -> Result<Verifier, String>
where
    D: sha2::Digest + 'static,
{
    RsaKey::read(n, e).map(|key| rsa(key, algorithm, RsaKey::holds_pss::<D>))
}

fn rsa(key: RsaKey, algorithm: Algorithm, holds: fn(&RsaKey, &[u8], &[u8]) -> bool) -> Verifier {
    let key = Arc::new(key);
    let same = Arc::clone(&key);
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

fn es256(x: &str, y: &str) -> Result<Verifier, String> {
    ecdsa::<_, Sha256>(p256::PublicKey::from_sec1_bytes(&point(x, y, 32)?), Algorithm::ES256)
}

fn es384(x: &str, y: &str) -> Result<Verifier, String> {
    ecdsa::<_, Sha384>(p384::PublicKey::from_sec1_bytes(&point(x, y, 48)?), Algorithm::ES384)
}

fn ecdsa<C, D>(
    key: Result<PublicKey<C>, elliptic_curve::Error>,
    algorithm: Algorithm,
) -> Result<Verifier, String>
where
    C: EllipticCurve,
    D: sha2::Digest<OutputSize = FieldBytesSize<C>>,
{
    let key = key.map_err(|_| "expected a point on the curve, found none".to_owned())?;
    let key = EcdsaKey::new(&key);
    // Both numbers are there in full width, not zero and below the order of the curve.
    let fits = |signature: &[u8]| Signature::<C>::from_slice(signature).is_ok();
    Ok(prepared(algorithm, fits, move |message, signature| {
        Signature::<C>::from_slice(signature)
            .is_ok_and(|signature| key.holds(&D::digest(message), &signature))
    }))
}

fn eddsa(x: &str) -> Result<Verifier, String> {
    let bytes = base64url(x)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or("expected `x` as 32 bytes in base64url, found something else")?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
        .map_err(|_| "expected a point on the curve, found none".to_owned())?;
    if key.is_weak() {
        return Err("expected a point of full order, found a weak key".to_owned());
    }
    Ok(prepared(Algorithm::EdDSA, has_form_of_ed25519, move |message, signature| {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
    }))
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
