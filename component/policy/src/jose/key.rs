//! Keys, prepared once for the one algorithm they may be used with.
//!
//! A key that fits several algorithms (RSA without `alg`) becomes several prepared keys, so a
//! token's `alg` can only ever pick a key that was made for it (RFC 8725 section 3.1).

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use linkgate_signatures::{PublicKey, Verifier, shared};

use super::algorithm::{by_name, is_hmac, name};
use super::jwk::{self, Jwk};
use super::spki;
use crate::text::escape;
use crate::text::json::Json;
use crate::verdict::cause::TokenFlaw;

/// A verification key bound to one algorithm.
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    /// The public key in DER, by which a key is known again; none of a shared secret, which leaves this crate in no form.
    pub(crate) spki: Option<Arc<[u8]>>,
    verifier: Verifier,
}

impl Key {
    /// Whether this signature over this message was made with this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.verifier.verify(message, signature).is_ok()
    }

    /// Whether a signature has the form of one by this key, so that it is worth asking a host about it.
    pub(crate) fn fits(&self, signature: &[u8]) -> bool {
        self.verifier.fits(signature)
    }
}

/// Prepares a public JWK (RFC 7517) for each of the algorithms it fits.
///
/// Says in a phrase why it is not used otherwise.
pub(crate) fn prepare(value: &Json, algorithms: &[Algorithm]) -> Result<Vec<Key>, String> {
    let jwk = jwk::read(value)?;
    let declared = jwk.alg.map(by_name);
    let is_meant = |algorithm: &Algorithm| {
        jwk.material.serves(*algorithm) && declared.is_none_or(|one| one == Some(*algorithm))
    };
    let mut meant = algorithms.iter().copied().filter(is_meant).peekable();
    if meant.peek().is_none() {
        return Err(unfit(&jwk, algorithms));
    }
    let (public, spki) = (PublicKey::read(&jwk.material)?, spki::of(&jwk.material));
    let key = |algorithm| {
        let verifier = public.verifier(algorithm)?;
        Some(Key { kid: jwk.kid.clone(), algorithm, spki: spki.clone(), verifier })
    };
    Ok(meant.filter_map(key).collect())
}

/// Why a good key is for none of the algorithms.
fn unfit(jwk: &Jwk<'_>, algorithms: &[Algorithm]) -> String {
    let kind = jwk.material.kind();
    match jwk.alg {
        None => format!("expected a key for one of the issuer's algorithms, found {kind}"),
        Some(alg) if by_name(alg).is_some_and(|alg| algorithms.contains(&alg)) => {
            format!("expected a key that fits its `alg` {}, found {kind}", escape::shown(alg))
        }
        Some(alg) => {
            format!(
                "expected `alg` to be one of the issuer's algorithms, found {}",
                escape::shown(alg)
            )
        }
    }
}

/// Prepares a shared secret for an HMAC algorithm.
///
/// # Errors
///
/// The secret is shorter than the hash (RFC 7518 section 3.2).
pub(crate) fn prepare_secret(secret: &[u8], algorithm: Algorithm) -> Result<Key, String> {
    let least = match name(algorithm) {
        "HS256" => 32,
        "HS384" => 48,
        _ => 64,
    };
    if secret.len() < least {
        let (name, found) = (name(algorithm), secret.len());
        return Err(format!(
            "expected a secret of at least {least} bytes for {name}, found {found}"
        ));
    }
    let verifier = shared(secret, algorithm)?;
    Ok(Key { kid: None, algorithm, spki: None, verifier })
}

/// The place of the key that a token's header names, if it is there.
///
/// Without `kid` exactly one key must fit. A shared secret has no `kid`: the issuer has one secret,
/// whatever the header calls it.
pub(crate) fn fitting(
    keys: &[Key],
    algorithm: Algorithm,
    kid: Option<&str>,
) -> Result<Option<usize>, TokenFlaw> {
    let kid = kid.filter(|_| !is_hmac(algorithm));
    let fits =
        |key: &Key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid);
    let mut fitting = keys.iter().enumerate().filter(|(_, key)| fits(key));
    match (fitting.next(), fitting.next()) {
        (Some(_), Some(_)) => Err(TokenFlaw::KeyAmbiguous),
        (found, _) => Ok(found.map(|(place, _)| place)),
    }
}
