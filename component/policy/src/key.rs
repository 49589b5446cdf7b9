//! Keys, prepared once for the one algorithm they may be used with.
//!
//! A key that fits several algorithms (RSA without `alg`) becomes several prepared keys, so a
//! token's `alg` can only ever pick a key that was made for it (RFC 8725 section 3.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyOperations, PublicKeyUse};

use crate::denial::TokenFlaw;
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
/// Says in a phrase what is wrong with it otherwise; a key that merely fits none of the algorithms
/// gives an empty list.
pub(crate) fn prepare(
    value: &serde_json::Value,
    algorithms: &[Algorithm],
) -> Result<Vec<Key>, String> {
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        if value.get(private).is_some() {
            return Err(format!("expected a public key, found the private member `{private}`"));
        }
    }
    let jwk: Jwk = serde_json::from_value(value.clone())
        .ok()
        .filter(|jwk: &Jwk| !matches!(jwk.algorithm, AlgorithmParameters::Other(_)))
        .ok_or("expected a JSON Web Key of type RSA, EC or OKP (RFC 7518), found something else")?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)))
    {
        return Err("expected `use` to be `sig`, found another".to_owned());
    }
    // RFC 7517 section 4.3: unrelated operations with one key are a weakness.
    let operations = jwk.common.key_operations.as_deref();
    if operations.is_some_and(|operations| operations != [KeyOperations::Verify]) {
        return Err("expected `key_ops` to be `verify` alone, found others".to_owned());
    }
    let declared = value.get("alg").map(|alg| alg.as_str().unwrap_or_default());
    let mut keys = Vec::new();
    for algorithm in algorithms.iter().copied() {
        if declared.is_some_and(|declared| declared != name(algorithm)) {
            continue;
        }
        if let Some(verifier) = verifier::public(&jwk.algorithm, algorithm)? {
            keys.push(Key { kid: jwk.common.key_id.clone(), algorithm, verifier });
        }
    }
    Ok(keys)
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
    ALGORITHMS.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
}

/// The JOSE name of an algorithm.
pub(crate) fn name(algorithm: Algorithm) -> &'static str {
    ALGORITHMS.iter().find(|(known, _)| *known == algorithm).map_or("", |(_, name)| name)
}

/// Decodes canonical base64url without padding (RFC 7515 section 2): one text for one value.
pub(crate) fn base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
