//! The claims of a token. Types say what was written there, not that it is true.
//!
//! Claims that every policy reads are typed at once. Each other one is typed when a rule reads it: what no rule reads
//! refuses no token, and what a rule reads is never taken for absent because it has another type.

use super::refusal::Refusal;
use crate::text::json::{self, Json, NotStrict, Object};
use crate::verdict::cause::TokenFlaw;

/// Claims as parsed: those that every policy reads have the right type, and no claim occurs twice.
pub(crate) struct Claims {
    members: Object,
    /// `exp`, `nbf`, `iat` (RFC 7519 section 4.1).
    pub(crate) expires_ms: Option<u64>,
    pub(crate) not_before_ms: Option<u64>,
    pub(crate) issued_ms: Option<u64>,
    /// `aud`, one or many (RFC 7519 section 4.1.3).
    pub(crate) audiences: Vec<String>,
}

/// 9999-12-31T23:59:59Z. A `NumericDate` beyond it is no date; arithmetic on it cannot overflow.
const MAX_DATE_S: u64 = 253_402_300_799;

impl Claims {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let members = json::parse(text)
            .map_err(|flaw| match flaw {
                NotStrict::Duplicate => TokenFlaw::ClaimsDuplicate,
                NotStrict::Malformed | NotStrict::TooDeep => TokenFlaw::ClaimsNotJson,
            })?
            .into_object()
            .ok_or(TokenFlaw::ClaimsNotJson)?;
        let claims = Self {
            expires_ms: date(&members, "exp")?,
            not_before_ms: date(&members, "nbf")?,
            issued_ms: date(&members, "iat")?,
            audiences: audiences(&members)?,
            members,
        };
        for name in ["iss", "sub"] {
            claims.text(name)?;
        }
        Ok(claims)
    }

    /// The memory that they take, in bytes; a generous estimate.
    pub(crate) fn size(&self) -> usize {
        let audiences = self.audiences.iter().map(|name| name.len() + size_of::<String>());
        json::size(&self.members) + audiences.sum::<usize>()
    }

    /// A claim as it was written.
    pub(crate) fn member(&self, name: &str) -> Option<&Json> {
        self.members.get(name)
    }

    /// A claim that has to be a text when it is there at all; an empty one is there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        self.member(name).map(|value| value.as_text().ok_or(Refusal::ill_typed(name))).transpose()
    }

    /// A claim that has to be a date when it is there at all, in Unix milliseconds.
    pub(crate) fn date_ms(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        date(&self.members, name)
    }

    /// A claim where it is a text and not empty, for what refuses nothing for a type, or where [`Self::parse`] saw to
    /// the type.
    pub(crate) fn known(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Json::as_text).filter(|text| !text.is_empty())
    }

    /// The only audience, however often it is named.
    pub(crate) fn sole_audience(&self) -> Option<&str> {
        let (first, rest) = self.audiences.split_first()?;
        (!first.is_empty() && rest.iter().all(|other| other == first)).then_some(first)
    }

    /// Whether the e-mail address is verified (OIDC Core section 5.1). Apple says it in a text, and Auth0 hands that on.
    /// None where that cannot be known from what was written.
    pub(crate) fn email_verified(&self) -> Option<bool> {
        match self.member("email_verified") {
            None => Some(false),
            Some(Json::Bool(flag)) => Some(*flag),
            Some(Json::Text(text)) if text == "true" => Some(true),
            Some(Json::Text(text)) if text == "false" => Some(false),
            Some(_) => None,
        }
    }

    /// Whether this is a security event token, such as a logout token of OIDC: signed by the same
    /// issuer, for the same client, and no sign-in (RFC 8417 section 2.2).
    pub(crate) fn of_event(&self) -> bool {
        self.members.contains_key("events")
    }
}

fn date(members: &Object, name: &'static str) -> Result<Option<u64>, Refusal> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    let Json::Number(number) = value else {
        return Err(Refusal::ill_typed(name));
    };
    // A NumericDate may have a fraction (RFC 7519 section 2); whole seconds are precise enough.
    let seconds = number
        .as_u64()
        .or_else(|| number.as_f64().and_then(whole_seconds))
        .ok_or(Refusal::ill_typed(name))?;
    if seconds > MAX_DATE_S {
        return Err(Refusal::ill_typed(name));
    }
    Ok(Some(seconds * 1000))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn whole_seconds(seconds: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let range = 0.0..=MAX_DATE_S as f64;
    range.contains(&seconds).then(|| seconds.floor() as u64)
}

fn audiences(members: &Object) -> Result<Vec<String>, Refusal> {
    let ill_typed = Refusal::ill_typed("aud");
    match members.get("aud") {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![one.clone()]),
        Some(Json::List(many)) => {
            many.iter().map(|one| one.as_text().map(str::to_owned).ok_or(ill_typed)).collect()
        }
        Some(_) => Err(ill_typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_refused() {
        for claims in [
            r#"{"exp":"1"}"#,
            r#"{"exp":null}"#,
            r#"{"exp":-1}"#,
            r#"{"exp":1e300}"#,
            r#"{"exp":253402300800}"#,
            r#"{"nbf":true}"#,
            r#"{"iat":[1]}"#,
            r#"{"sub":1}"#,
            r#"{"sub":null}"#,
            r#"{"iss":["a"]}"#,
            r#"{"aud":1}"#,
            r#"{"aud":["a",1]}"#,
            r#"{"aud":{}}"#,
        ] {
            assert_eq!(
                Claims::parse(claims.as_bytes()).err().map(|refusal| refusal.flaw),
                Some(TokenFlaw::ClaimType),
                "{claims}"
            );
        }
        for claims in ["[]", "null", "1", "", "{"] {
            assert_eq!(
                Claims::parse(claims.as_bytes()).err().map(|refusal| refusal.flaw),
                Some(TokenFlaw::ClaimsNotJson),
                "{claims}"
            );
        }
    }

    #[test]
    fn dates_may_have_a_fraction() {
        let claims = Claims::parse(br#"{"exp":1700000000.9,"iat":0,"nbf":1.5e9}"#).unwrap();
        assert_eq!(
            (claims.expires_ms, claims.issued_ms, claims.not_before_ms),
            (Some(1_700_000_000_000), Some(0), Some(1_500_000_000_000))
        );
    }
}
