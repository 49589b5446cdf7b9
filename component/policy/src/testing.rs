//! For unit tests: a policy, and tokens that it accepts.

mod issuers_test;
mod keyring_test;
mod shadow_test;
mod token_cache_test;
mod verification_test;
mod wycheproof_test;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::config::{Abilities, Secrets};
use crate::http::message::{Head, Header};
use crate::policy::Policy;
use crate::time::clock::Now;

pub(crate) const NOW: Now = Now { unix_ms: 1_700_000_000_000, mono_ms: 5_000 };

pub(crate) const ISSUER: &str = "https://tenant.example/";

const AUDIENCE: &str = "https://tenant.example/api/v2/";

fn key() -> SigningKey {
    numbered_key(7)
}

fn numbered_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The public half of a key that [`signed`] can sign with, as a JWK with this `kid`.
pub(crate) fn jwk(number: u8, kid: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(numbered_key(number).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x })
}

/// A document that [`policy`] compiles, for tests to spoil.
pub(crate) fn document() -> Value {
    json!({
        "version": 1,
        "issuers": [{
            "issuer": ISSUER,
            "audiences": [AUDIENCE],
            "algorithms": ["EdDSA"],
            "secondary": { "algorithms": ["EdDSA"] },
            "keys": { "jwks": { "keys": [{
                "kty": "OKP",
                "crv": "Ed25519",
                "x": URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes()),
            }] } },
        }],
    })
}

pub(crate) fn policy() -> Policy {
    Policy::compile(&document().to_string(), &Secrets::default(), Abilities::default(), 1, NOW)
        .unwrap()
}

/// A token with these claims, signed.
pub(crate) fn token(claims: &Value) -> String {
    signed(&json!({ "alg": "EdDSA" }), claims, 7)
}

/// A token with this header, signed with a numbered key.
pub(crate) fn signed(header: &Value, claims: &Value, key: u8) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = numbered_key(key).sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// The claims of an access token of `subject`, good for `life_s` seconds from [`NOW`].
pub(crate) fn access_claims(issuer: &str, subject: &str, life_s: u64) -> Value {
    let seconds = NOW.unix_ms / 1000;
    json!({
        "iss": issuer, "aud": AUDIENCE, "sub": subject, "azp": "app", "iat": seconds,
        "exp": seconds + life_s, "scope": "update:current_user_identities",
    })
}

/// The head of a link request to `user_id` with the access token of `subject`.
pub(crate) fn link_head(user_id: &str, subject: &str) -> Head {
    link_head_with(user_id, &access_claims(ISSUER, subject, 600))
}

/// The same of a user for their own account, its token issued at another time.
pub(crate) fn link_head_at(user_id: &str, now: Now) -> Head {
    let mut claims = access_claims(ISSUER, user_id, 600);
    claims["iat"] = json!(now.unix_ms / 1000);
    claims["exp"] = json!(now.unix_ms / 1000 + 600);
    link_head_with(user_id, &claims)
}

fn link_head_with(user_id: &str, claims: &Value) -> Head {
    let bearer = token(claims);
    let path = crate::http::path::encode(["api", "v2", "users", user_id, "identities"]);
    Head {
        method: "POST".to_owned(),
        target: path.into_bytes(),
        headers: vec![
            Header::new("authorization", &format!("Bearer {bearer}")),
            Header::new("content-type", "application/json"),
        ],
        peer: None,
    }
}

/// A link body with the ID token of `subject`.
pub(crate) fn link_body(subject: &str) -> Vec<u8> {
    let seconds = NOW.unix_ms / 1000;
    let token = token(&json!({
        "iss": ISSUER, "aud": "app", "sub": subject, "iat": seconds, "exp": seconds + 600,
    }));
    json!({ "link_with": token }).to_string().into_bytes()
}
