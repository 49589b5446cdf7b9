//! The tenant's signing keys.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value};

/// An RSA key that signs RS256 tokens, with its public half as a JWK. No key is shipped: each run makes or reads its own.
///
/// Its `kid` is the RFC 7638 thumbprint, so the same key has the same `kid` in every run, unless [`with_kid`](Self::with_kid)
/// says otherwise. Clones share the key. Two are equal when their JWKs are. `Debug` shows the `kid` alone.
#[derive(Clone)]
pub struct SigningKey {
    shared: Arc<Parts>,
}

struct Parts {
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
    kid: String,
    /// Tokens whose signature was found to hold, the latest last.
    recognised: Mutex<VecDeque<String>>,
}

/// How many tokens a key recognises without doing the arithmetic again: those of a test that asks tens of thousands of times
/// with a handful of tokens. More would only be looked through for longer.
const RECOGNISED_TOKENS: usize = 16;

impl SigningKey {
    /// A fresh RSA key of 2048 bits.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| KeyError("cannot generate an RSA key"))?;
        let der: Pkcs8V1Der<'_> =
            pair.as_der().map_err(|_| KeyError("cannot encode the generated key"))?;
        Self::from_pkcs8_der(der.as_ref())
    }

    /// A key from PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// When `der` is not an RSA private key.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let text = STANDARD.encode(der);
        Self::from_pem(&format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
    }

    /// A key from PEM, either `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// When `pem` is not an RSA private key.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let not_rsa = |_| KeyError("not an RSA private key");
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(not_rsa)?;
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::RS256).map_err(not_rsa)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(not_rsa)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk).map_err(not_rsa)?;
        Ok(Self::of_parts(private, public, jwk, kid))
    }

    /// The same key under another identifier: two tenants, or one tenant twice, can use one `kid` for different keys.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> Self {
        let Parts { private, public, jwk, kid: _, recognised: _ } = self.shared.as_ref();
        let mut jwk = jwk.clone();
        jwk.common.key_id = Some(kid.to_owned());
        Self::of_parts(private.clone(), public.clone(), jwk, kid.to_owned())
    }

    /// The key's identifier: what tokens carry in their header.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.shared.kid
    }

    /// The public key as a JWK (RFC 7517), with `kid`, `alg` and `use`.
    #[must_use]
    pub fn jwk(&self) -> &Jwk {
        &self.shared.jwk
    }

    /// A compact JWS over any claims at all, with this key's `kid`: hostile tokens are minted here too.
    ///
    /// # Errors
    ///
    /// When the signature cannot be computed.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.shared.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.shared.private)
            .map_err(|_| KeyError("cannot sign"))
    }

    /// Whether this key signed `token` with RS256. The answer follows from the two alone, so that what is remembered of
    /// earlier answers changes none.
    pub(crate) fn has_signed(&self, token: &str) -> bool {
        let recognised = || self.shared.recognised.lock().unwrap_or_else(PoisonError::into_inner);
        if recognised().iter().any(|held| held == token) {
            return true;
        }
        let opened = jsonwebtoken::decode::<Map<String, Value>>(
            token,
            &self.shared.public,
            &signature_alone(),
        );
        if opened.is_ok() {
            let mut recognised = recognised();
            recognised.push_back(token.to_owned());
            if recognised.len() > RECOGNISED_TOKENS {
                recognised.pop_front();
            }
        }
        opened.is_ok()
    }

    fn of_parts(private: EncodingKey, public: DecodingKey, jwk: Jwk, kid: String) -> Self {
        let recognised = Mutex::default();
        Self { shared: Arc::new(Parts { private, public, jwk, kid, recognised }) }
    }
}

/// Leaves dates and audience to `token.rs`: the library would read the system clock.
fn signature_alone() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = HashSet::new();
    validation
}

impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.jwk() == other.jwk()
    }
}

impl Eq for SigningKey {}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

/// A key that cannot be made, read or used. Never holds key material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyError(&'static str);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rsa_key_is_an_error() {
        assert_eq!(
            SigningKey::from_pkcs8_der(b"junk").unwrap_err(),
            KeyError("not an RSA private key")
        );
        assert_eq!(SigningKey::from_pem("").unwrap_err(), KeyError("not an RSA private key"));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: \"{}\", .. }}", key.kid()));
    }

    #[test]
    fn another_kid_makes_another_key_of_the_same_numbers() {
        let key = SigningKey::generate().unwrap();
        let renamed = key.with_kid("shared");
        assert_eq!(
            (renamed.kid(), renamed.jwk().common.key_id.as_deref()),
            ("shared", Some("shared"))
        );
        assert_eq!(renamed.jwk().algorithm, key.jwk().algorithm);
        assert_ne!(renamed, key);
        assert_eq!(renamed, renamed.clone());
        let token = renamed.sign(&Map::new()).unwrap();
        assert_eq!(jsonwebtoken::decode_header(&token).unwrap().kid.as_deref(), Some("shared"));
    }

    #[test]
    fn what_a_key_signed_it_recognises_each_time_and_nothing_else() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let tokens: Vec<String> = (0..2 * RECOGNISED_TOKENS)
            .map(|number| {
                let claims = serde_json::json!({ "number": number });
                key.sign(claims.as_object().unwrap()).unwrap()
            })
            .collect();
        for _ in 0..2 {
            for token in &tokens {
                let altered = token.replace(".ey", ".ez");
                let found = [token, &altered].map(|token| key.has_signed(token));
                assert_eq!((found, other.has_signed(token)), ([true, false], false));
            }
        }
        assert_eq!(key.shared.recognised.lock().unwrap().len(), RECOGNISED_TOKENS);
    }
}
