//! The tenant's signing keys.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde_json::{Map, Value};

/// An RSA key that signs RS256 tokens, with its public half as a JWK. No key is shipped: each run makes or reads its own.
///
/// Its `kid` is the RFC 7638 thumbprint, so the same key has the same `kid` in every run. `Debug` shows the `kid` alone.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: DecodingKey,
    jwk: Jwk,
    kid: String,
}

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
        Ok(Self { private, public, jwk, kid })
    }

    /// The key's identifier: what tokens carry in their header.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK (RFC 7517), with `kid`, `alg` and `use`.
    #[must_use]
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// A compact JWS over any claims at all, with this key's `kid`: hostile tokens are minted here too.
    ///
    /// # Errors
    ///
    /// When the signature cannot be computed.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|_| KeyError("cannot sign"))
    }

    pub(crate) fn public(&self) -> &DecodingKey {
        &self.public
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
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
}
