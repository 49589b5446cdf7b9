//! The suite's throw-away keys: what tokens are signed with, and their public halves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value, json};

use crate::trouble::Trouble;

/// Keys by name: `name.pem` (a PKCS #8 private key) or `name.secret` (bytes for HMAC).
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<String, Key>);

#[derive(Clone)]
struct Key {
    signing: EncodingKey,
    /// The algorithm used when a token does not say.
    usual: Algorithm,
    /// Text of a secret; nothing for a key pair.
    secret: Option<String>,
}

impl Keys {
    /// All keys of a directory.
    pub(crate) fn load(dir: &Path) -> Result<Self, Trouble> {
        let mut keys = BTreeMap::new();
        for entry in
            fs::read_dir(dir).map_err(|error| Trouble::new(error.to_string()).at(dir.display()))?
        {
            let path =
                entry.map_err(|error| Trouble::new(error.to_string()).at(dir.display()))?.path();
            let (Some(name), Some(extension)) = (
                path.file_stem().and_then(|s| s.to_str()),
                path.extension().and_then(|s| s.to_str()),
            ) else {
                continue;
            };
            let read = || fs::read(&path).map_err(|error| Trouble::new(error.to_string()));
            let key = match extension {
                "pem" => read().and_then(|pem| pair(&pem)),
                "secret" => read().and_then(secret),
                _ => continue,
            };
            keys.insert(name.to_owned(), key.map_err(|trouble| trouble.at(path.display()))?);
        }
        Ok(Self(keys))
    }

    /// Takes a private key (PKCS #8, PEM).
    ///
    /// # Errors
    /// It is none that this crate signs with.
    pub fn add_pair(&mut self, name: &str, pem: &[u8]) -> Result<(), Trouble> {
        self.0.insert(name.to_owned(), pair(pem).map_err(|trouble| trouble.at(name))?);
        Ok(())
    }

    /// Takes a secret.
    ///
    /// # Errors
    /// It is no text.
    pub fn add_secret(&mut self, name: &str, text: String) -> Result<(), Trouble> {
        self.0.insert(name.to_owned(), secret(text.into_bytes())?);
        Ok(())
    }

    /// Whether there is a key of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn find(&self, name: &str) -> Result<&Key, Trouble> {
        self.0.get(name).ok_or_else(|| {
            Trouble::new(format!(
                "no key `{name}`; there are {:?}",
                self.0.keys().collect::<Vec<_>>()
            ))
        })
    }

    /// The algorithm that a key signs with when nothing else is asked for.
    pub(crate) fn usual_algorithm(&self, name: &str) -> Result<Algorithm, Trouble> {
        self.find(name).map(|key| key.usual)
    }

    /// A secret's text.
    ///
    /// # Errors
    /// There is no such key, or it is a key pair.
    pub fn secret(&self, name: &str) -> Result<String, Trouble> {
        self.find(name)?
            .secret
            .clone()
            .ok_or_else(|| Trouble::new(format!("key `{name}` is no secret")))
    }

    /// Signs with a key, by the algorithm if it fits the key, else by the key's usual one: a header
    /// may claim what it likes. The result is base64url text.
    ///
    /// # Errors
    /// There is no such key, or it does not sign.
    pub fn sign(
        &self,
        name: &str,
        algorithm: Option<Algorithm>,
        message: &str,
    ) -> Result<String, Trouble> {
        let key = self.find(name)?;
        let signed =
            |algorithm| jsonwebtoken::crypto::sign(message.as_bytes(), &key.signing, algorithm);
        algorithm
            .map(signed)
            .and_then(Result::ok)
            .map_or_else(|| signed(key.usual), Ok)
            .map_err(|error| Trouble::new(format!("key `{name}` does not sign: {error}")))
    }

    /// Replaces each string `{{jwk name}}` in a document by the public half of that key, and each
    /// `{{jwks name name}}` by a JWK set of them. `name:RS256` also states the key's `alg`.
    pub(crate) fn fill_in(&self, value: &mut Value) -> Result<(), Trouble> {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.public(text)? {
                    *value = filled;
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.fill_in(item)),
            Value::Object(members) => {
                members.values_mut().try_for_each(|member| self.fill_in(member))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn public(&self, text: &str) -> Result<Option<Value>, Trouble> {
        let Some(inner) = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")) else {
            return Ok(None);
        };
        let mut words = inner.split_whitespace();
        match words.next() {
            Some("jwk") => self.jwk(words.next().unwrap_or_default()).map(|jwk| Some(jwk.into())),
            Some("jwks") => Ok(Some(
                json!({ "keys": words.map(|name| self.jwk(name)).collect::<Result<Vec<_>, _>>()? }),
            )),
            _ => Ok(None),
        }
    }

    /// The public half of a key, with the key's name as its `kid`. `name:RS256` also states its `alg`.
    ///
    /// # Errors
    /// There is no such key, or it is a secret.
    pub fn jwk(&self, spec: &str) -> Result<Map<String, Value>, Trouble> {
        let (name, algorithm) =
            spec.split_once(':').map_or((spec, None), |(name, algorithm)| (name, Some(algorithm)));
        let key = self.find(name)?;
        if key.secret.is_some() {
            return Err(Trouble::new(format!("`{name}` is a secret: it has no public half")));
        }
        let unusable = |error: &dyn std::fmt::Display| {
            Trouble::new(format!("no JWK of key `{name}`: {error}"))
        };
        let jwk =
            Jwk::from_encoding_key(&key.signing, key.usual).map_err(|error| unusable(&error))?;
        let jwk = serde_json::to_value(jwk).map_err(|error| unusable(&error))?;
        let Value::Object(mut members) = jwk else { return Err(unusable(&"it is no object")) };
        members.remove("alg");
        members.extend(algorithm.map(|algorithm| ("alg".to_owned(), algorithm.into())));
        members.insert("kid".to_owned(), name.into());
        members.insert("use".to_owned(), "sig".into());
        Ok(members)
    }
}

/// A private key, its kind found by what it can do.
fn pair(pem: &[u8]) -> Result<Key, Trouble> {
    let rsa = EncodingKey::from_rsa_pem(pem).map(|key| (key, vec![Algorithm::RS256]));
    let ec =
        || EncodingKey::from_ec_pem(pem).map(|key| (key, vec![Algorithm::ES256, Algorithm::ES384]));
    let ed = || EncodingKey::from_ed_pem(pem).map(|key| (key, vec![Algorithm::EdDSA]));
    let (signing, candidates) = rsa.or_else(|_| ec()).or_else(|_| ed()).map_err(|_| {
        Trouble::new("expected a PKCS #8 private key: RSA, P-256, P-384 or Ed25519")
    })?;
    let usual = candidates
        .into_iter()
        .find(|algorithm| jsonwebtoken::crypto::sign(b"", &signing, *algorithm).is_ok())
        .ok_or_else(|| Trouble::new("no supported algorithm fits this key"))?;
    Ok(Key { signing, usual, secret: None })
}

fn secret(bytes: Vec<u8>) -> Result<Key, Trouble> {
    let signing = EncodingKey::from_secret(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| Trouble::new("expected a secret in UTF-8"))?;
    Ok(Key { signing, usual: Algorithm::HS256, secret: Some(text) })
}
