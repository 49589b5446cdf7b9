//! Keys, prepared once for the one algorithm they may be used with.
//!
//! A key that fits several algorithms (RSA without `alg`) becomes several prepared keys, so a
//! token's `alg` can only ever pick a key that was made for it (RFC 8725 section 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use crate::denial::TokenFlaw;
use crate::json::Json;
use crate::jwk::{self, Jwk};
use crate::verifier::{self, Verifier};

/// A verification key bound to one algorithm.
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    verifier: Verifier,
}

impl Key {
    /// Whether this signature over this message was made with this key.
    pub(crate) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.verifier.verify(message, signature).is_ok()
    }
}

/// Prepares a public JWK (RFC 7517) for each of the algorithms it fits.
///
/// Says in a phrase why it is not used otherwise.
pub(crate) fn prepare(value: &Json, algorithms: &[Algorithm]) -> Result<Vec<Key>, String> {
    let jwk = jwk::read(value)?;
    let declared = jwk.alg.map(algorithm);
    let mut keys = Vec::new();
    for algorithm in algorithms.iter().copied() {
        if declared.is_some_and(|declared| declared != Some(algorithm)) {
            continue;
        }
        if let Some(verifier) = verifier::public(&jwk.material, algorithm)? {
            keys.push(Key { kid: jwk.kid.clone(), algorithm, verifier });
        }
    }
    if keys.is_empty() { Err(unfit(&jwk, algorithms)) } else { Ok(keys) }
}

/// Why a good key is for none of the algorithms.
fn unfit(jwk: &Jwk<'_>, algorithms: &[Algorithm]) -> String {
    let kind = jwk.material.kind();
    match jwk.alg {
        None => format!("expected a key for one of the issuer's algorithms, found {kind}"),
        Some(alg) if algorithm(alg).is_some_and(|alg| algorithms.contains(&alg)) => {
            format!("expected a key that fits its `alg` {}, found {kind}", jwk::shown(alg))
        }
        Some(alg) => {
            format!(
                "expected `alg` to be one of the issuer's algorithms, found {}",
                jwk::shown(alg)
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
    Ok(Key { kid: None, algorithm, verifier: verifier::shared(secret, algorithm)? })
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

/// Whether an algorithm needs a shared secret.
pub(crate) fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// The signature algorithms there are (RFC 7518 section 3.1, RFC 8037 section 3.1), and no other: a
/// new one in a library's list is no new one here.
const ALGORITHMS: [(Algorithm, &str); 12] = [
    (Algorithm::RS256, "RS256"),
    (Algorithm::RS384, "RS384"),
    (Algorithm::RS512, "RS512"),
    (Algorithm::PS256, "PS256"),
    (Algorithm::PS384, "PS384"),
    (Algorithm::PS512, "PS512"),
    (Algorithm::ES256, "ES256"),
    (Algorithm::ES384, "ES384"),
    (Algorithm::EdDSA, "EdDSA"),
    (Algorithm::HS256, "HS256"),
    (Algorithm::HS384, "HS384"),
    (Algorithm::HS512, "HS512"),
];

/// The algorithm of a JOSE name, case-sensitive. `none` is not the name of one.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    // RFC 9864 section 2.2: `EdDSA` with the one curve that is verified on here.
    let name = if name == "Ed25519" { "EdDSA" } else { name };
    ALGORITHMS.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
}

/// What an algorithm is that tokens may be signed with elsewhere, and not here.
pub(crate) fn unsupported(name: &str) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(known, _)| *known == name).map(|(_, what)| *what)
}

/// Registered algorithms that are not verified here: a token signed by one is refused, and a key for
/// one never spoils the set it is in.
const UNSUPPORTED: [(&str, &str); 6] = [
    ("ES256K", "ECDSA on secp256k1 (RFC 8812)"),
    ("ES512", "ECDSA on P-521 (RFC 7518)"),
    ("Ed448", "EdDSA on Ed448 (RFC 9864)"),
    ("ML-DSA-44", "ML-DSA (RFC 9964)"),
    ("ML-DSA-65", "ML-DSA (RFC 9964)"),
    ("ML-DSA-87", "ML-DSA (RFC 9964)"),
];

/// The JOSE name of an algorithm.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| name)
}

/// Decodes canonical base64url without padding (RFC 7515 section 2): one text for one value.
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
