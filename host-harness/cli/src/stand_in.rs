//! Throw-away keys and secrets in the place of a policy's own. All else of the policy stays as it is written.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use linkgate_cases::{Keys, Trouble};

/// A kind of key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Kind {
    /// The kind for an algorithm of a policy; none for a shared secret.
    fn of(algorithm: &str) -> Option<Self> {
        match algorithm {
            "ES256" => Some(Self::P256),
            "ES384" => Some(Self::P384),
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            hmac if hmac.starts_with("HS") => None,
            _ => Some(Self::Rsa),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
        }
    }

    /// A fresh pair, PKCS #8 in PEM.
    fn generate(self) -> Result<String, Trouble> {
        let refused = |_| Trouble::new(format!("cannot generate a key ({})", self.name()));
        let random = SystemRandom::new();
        let der: Vec<u8> = match self {
            Self::Rsa => {
                let pair = KeyPair::generate(KeySize::Rsa2048).map_err(refused)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(refused)?;
                der.as_ref().to_vec()
            }
            Self::P256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(refused)?
                .as_ref()
                .to_vec(),
            Self::P384 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random)
                .map_err(refused)?
                .as_ref()
                .to_vec(),
            Self::Ed25519 => {
                Ed25519KeyPair::generate_pkcs8v1(&random).map_err(refused)?.as_ref().to_vec()
            }
        };
        let text = STANDARD.encode(der);
        Ok(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
    }
}

/// The name of an issuer's key for an algorithm; issuers count from 1.
pub(crate) fn key_name(issuer: usize, algorithm: &str, secret: Option<&str>) -> String {
    match (Kind::of(algorithm), secret) {
        (Some(kind), _) => format!("issuer-{issuer}-{}", kind.name()),
        (None, secret) => secret_key(secret.unwrap_or_default()),
    }
}

/// The name of the key that a secret is.
pub(crate) fn secret_key(secret: &str) -> String {
    format!("secret {secret}")
}

/// A key that no policy knows.
pub(crate) const STRANGER: &str = "stranger";

/// Puts throw-away keys in the place of an issuer's, for these algorithms. `issuer` counts from 1.
pub(crate) fn replace_keys(
    value: &mut Value,
    issuer: usize,
    algorithms: &[String],
    keys: &mut Keys,
) -> Result<(), Trouble> {
    let Some(members) = value.as_object_mut() else { return Ok(()) };
    members.remove("keys");
    let mut kinds: Vec<Kind> = Vec::new();
    for kind in algorithms.iter().filter_map(|algorithm| Kind::of(algorithm)) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let mut set = Vec::new();
    for kind in kinds {
        let name = format!("issuer-{issuer}-{}", kind.name());
        // Another policy of this run may have that issuer, too.
        if !keys.has(&name) {
            keys.add_pair(&name, kind.generate()?.as_bytes())?;
        }
        set.push(Value::Object(keys.jwk(&name)?));
    }
    if !set.is_empty() {
        members.insert("keys".to_owned(), json!({ "jwks": { "keys": set } }));
    }
    Ok(())
}

/// A key that no policy knows, for tokens that must not be believed.
pub(crate) fn add_stranger(keys: &mut Keys) -> Result<(), Trouble> {
    keys.add_pair(STRANGER, Kind::Rsa.generate()?.as_bytes())
}

/// A throw-away value for a secret: longer than the hash of any algorithm.
pub(crate) fn add_secret(name: &str, keys: &mut Keys) -> Result<(), Trouble> {
    if keys.has(&secret_key(name)) {
        return Ok(());
    }
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Trouble::new("the system gives no randomness"))?;
    keys.add_secret(&secret_key(name), URL_SAFE_NO_PAD.encode(bytes))
}

/// HS512 asks for 64 bytes (RFC 7518 section 3.2); as text there are more.
const SECRET_BYTES: usize = 64;

/// One name for an algorithm that has two: `Ed25519` (RFC 9864) is `EdDSA`.
pub(crate) fn one_name(algorithm: &str) -> &str {
    if algorithm == "Ed25519" { "EdDSA" } else { algorithm }
}

/// The algorithms that an issuer's tokens may be signed with, bearer's first; RS256 where it names none.
pub(crate) fn algorithms_of(issuer: &Value) -> Vec<String> {
    let named = |rules: Option<&Value>| {
        let list = rules.and_then(|rules| rules.get("algorithms")).and_then(Value::as_array);
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        let names: Vec<String> = names.map(str::to_owned).collect();
        if names.is_empty() { vec![USUAL_ALGORITHM.to_owned()] } else { names }
    };
    [named(Some(issuer)), named(issuer.get("secondary"))].concat()
}

/// What the core takes where a policy names none.
const USUAL_ALGORITHM: &str = "RS256";
