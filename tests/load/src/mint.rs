//! Tokens of our own making: for what a tenant does not hand out, and in numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_tenant::SigningKey;
use serde_json::{Map, Value, json};

use crate::Attempt;

/// A key beside the tenant's own, as in the middle of a rotation: the gate trusts what it signs, the
/// tenant does not know it.
pub(crate) struct Mint {
    key: SigningKey,
    issuer: String,
}

/// The client that tokens are issued to: the page of the simulated tenant's samples.
pub(crate) const CLIENT: &str = "spa";

/// How long a token of ours lasts, in seconds. A soak does not last longer.
const LIFETIME_S: u64 = 24 * 60 * 60;

impl Mint {
    pub(crate) fn new(issuer: String) -> Attempt<Self> {
        let key = SigningKey::generate().map_err(|error| error.to_string())?;
        Ok(Self { key, issuer })
    }

    /// Its public key, for a policy.
    pub(crate) fn jwk(&self) -> Value {
        json!(self.key.jwk())
    }

    /// The identifier of the Management API.
    pub(crate) fn audience(&self) -> String {
        format!("{}api/v2/", self.issuer)
    }

    /// A user's access token; `changes` are put over its claims, and null takes one away.
    pub(crate) fn access(&self, subject: &str, changes: &Value) -> Attempt<String> {
        self.sign(
            subject,
            &json!({
                "aud": self.audience(), "azp": CLIENT, "gty": "password",
                "scope": "read:current_user update:current_user_identities",
            }),
            changes,
        )
    }

    /// A user's ID token, likewise.
    pub(crate) fn id(&self, subject: &str, changes: &Value) -> Attempt<String> {
        self.sign(subject, &json!({ "aud": CLIENT, "auth_time": now_s() }), changes)
    }

    fn sign(&self, subject: &str, usual: &Value, changes: &Value) -> Attempt<String> {
        let now = now_s();
        let dated =
            json!({ "iss": self.issuer, "sub": subject, "iat": now, "exp": now + LIFETIME_S });
        let mut claims = Map::new();
        for members in [&dated, usual, changes] {
            claims.extend(members.as_object().cloned().unwrap_or_default());
        }
        claims.retain(|_, value| !value.is_null());
        self.key.sign(&claims).map_err(|error| error.to_string())
    }
}

/// The same header and claims with the signature of another token.
pub(crate) fn forged(token: &str, other: &str) -> String {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    let signature = other.rsplit('.').next().unwrap_or_default();
    format!("{signed}.{signature}")
}

/// The present time, in Unix seconds.
pub(crate) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
