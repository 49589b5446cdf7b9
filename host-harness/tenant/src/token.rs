//! Checking a token that the tenant may have signed: form, algorithm, issuer, signature, dates, in that order.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::key::SigningKey;

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Malformed,
    Algorithm,
    Issuer,
    Signature,
    Expired,
    NotYetValid,
    Audience,
    Subject,
}

impl TokenFault {
    /// What a caller of the Management API learns.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Signature => "Invalid signature received for JSON Web Token validation",
            Self::Expired => "Expired token received for JSON Web Token validation",
            Self::Malformed
            | Self::Algorithm
            | Self::Issuer
            | Self::NotYetValid
            | Self::Audience
            | Self::Subject => "Invalid token",
        }
    }
}

/// The claims of a token whose signature, issuer and dates hold.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// The unchanged claim, of whatever type.
    pub(crate) fn claim(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claim, when it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claim(name)?.as_str()
    }

    /// Whether `audience` is among the audiences.
    pub(crate) fn has_audience(&self, audience: &str) -> bool {
        self.audiences().contains(&audience)
    }

    /// Every audience; none when one of them is no text.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claim("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(audiences)) => {
                audiences.iter().map(Value::as_str).collect::<Option<_>>().unwrap_or_default()
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                Vec::new()
            }
        }
    }

    /// The audience, when there is exactly one: a text, or an array that holds one text.
    pub(crate) fn single_audience(&self) -> Option<&str> {
        match self.claim("aud")? {
            Value::String(audience) => Some(audience),
            Value::Array(audiences) => match audiences.as_slice() {
                [audience] => audience.as_str(),
                _ => None,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }
}

/// Whether `token` has the three parts of a compact JWS. Opaque access tokens have not.
pub(crate) fn has_three_parts(token: &str) -> bool {
    token.split('.').count() == 3
}

/// The claims of `token`, if one of `keys` signed it for `issuer` and it holds at `now_unix_s`. There is no leeway.
pub(crate) fn open<'a>(
    token: &str,
    mut keys: impl Iterator<Item = &'a SigningKey>,
    issuer: &str,
    now_unix_s: u64,
) -> Result<Claims, TokenFault> {
    let [header, payload, _] = token.split('.').collect::<Vec<_>>()[..] else {
        return Err(TokenFault::Malformed);
    };
    let header = decoded_object(header).ok_or(TokenFault::Malformed)?;
    let claims = decoded_object(payload).ok_or(TokenFault::Malformed)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(TokenFault::Algorithm);
    }
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err(TokenFault::Issuer);
    }
    let kid = header.get("kid").and_then(Value::as_str);
    // Several keys may go by one `kid`.
    if !keys.any(|key| Some(key.kid()) == kid && key.has_signed(token)) {
        return Err(TokenFault::Signature);
    }
    check_dates(&claims, now_unix_s)?;
    Ok(Claims(claims))
}

/// `exp` is required; `nbf` counts when present (RFC 7519, sections 4.1.4 and 4.1.5).
fn check_dates(claims: &Map<String, Value>, now_unix_s: u64) -> Result<(), TokenFault> {
    let expiry = claims.get("exp").and_then(Value::as_u64).ok_or(TokenFault::Malformed)?;
    if expiry <= now_unix_s {
        return Err(TokenFault::Expired);
    }
    match claims.get("nbf") {
        None => Ok(()),
        Some(start) if start.as_u64().is_some_and(|start| start <= now_unix_s) => Ok(()),
        Some(_) => Err(TokenFault::NotYetValid),
    }
}

fn decoded_object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
