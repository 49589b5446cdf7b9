//! The claims of a token, typed. Types say what stood there, not that it is true.

use crate::denial::TokenFlaw;
use crate::json::{self, Json, NotStrict, Object};

/// Claims as parsed: registered ones have the right type, none stands twice.
pub(crate) struct Claims {
    members: Object,
    /// `exp`, `nbf`, `iat`, `auth_time` (RFC 7519 section 4.1, OIDC Core section 2).
    pub(crate) expires_ms: Option<u64>,
    pub(crate) not_before_ms: Option<u64>,
    pub(crate) issued_ms: Option<u64>,
    pub(crate) authenticated_ms: Option<u64>,
    /// `aud`, one or many (RFC 7519 section 4.1.3).
    pub(crate) audiences: Vec<String>,
}

/// 9999-12-31T23:59:59Z. A `NumericDate` beyond it is no date; arithmetic on it cannot overflow.
const MAX_DATE_S: u64 = 253_402_300_799;

impl Claims {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, TokenFlaw> {
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
            authenticated_ms: date(&members, "auth_time")?,
            audiences: audiences(&members)?,
            members,
        };
        for name in ["iss", "sub", "scope", "azp", "client_id", "cid"] {
            claims.text(name)?;
        }
        Ok(claims)
    }

    /// A claim that is a string when it is there at all.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, TokenFlaw> {
        self.members.get(name).map(|value| value.as_text().ok_or(TokenFlaw::ClaimType)).transpose()
    }

    /// Like [`Self::text`] where the type was checked by [`Self::parse`]; empty counts as missing.
    pub(crate) fn known(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Json::as_text).filter(|text| !text.is_empty())
    }

    /// The only audience; a missing one and several are different flaws.
    pub(crate) fn sole_audience(&self) -> Result<&str, TokenFlaw> {
        match self.audiences.as_slice() {
            [] => Err(TokenFlaw::AudienceMissing),
            [one] if one.is_empty() => Err(TokenFlaw::AudienceMissing),
            [one] => Ok(one),
            _ => Err(TokenFlaw::AudienceSeveral),
        }
    }

    /// Whether `scope` (RFC 8693 section 4.2) has this value.
    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.known("scope").is_some_and(|scopes| scopes.split(' ').any(|one| one == scope))
    }

    /// Whether `email_verified` is `true`, the boolean (OIDC Core section 5.1).
    pub(crate) fn email_verified(&self) -> bool {
        matches!(self.members.get("email_verified"), Some(Json::Bool(true)))
    }

    /// Whether this is a security event token, such as a logout token of OIDC: signed by the same
    /// issuer, for the same client, and no sign-in (RFC 8417 section 2.2).
    pub(crate) fn of_event(&self) -> bool {
        self.members.contains_key("events")
    }

    /// Whether this is the token of a machine acting for itself: Auth0 says so in `gty` and in a
    /// `sub` that ends in `@clients`; elsewhere `sub` is the client (RFC 9068 section 2.2).
    pub(crate) fn of_machine(&self) -> bool {
        let grant = |value: &Json| value.as_text() == Some("client-credentials");
        let by_grant = match self.members.get("gty") {
            Some(Json::List(grants)) => grants.iter().any(grant),
            Some(value) => grant(value),
            None => false,
        };
        let Some(subject) = self.known("sub") else { return by_grant };
        let clients = ["azp", "client_id", "cid"].map(|claim| self.known(claim));
        let by_subject =
            clients.contains(&Some(subject)) || self.audiences.iter().any(|aud| aud == subject);
        by_grant || by_subject || subject.ends_with("@clients")
    }
}

fn date(members: &Object, name: &str) -> Result<Option<u64>, TokenFlaw> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    let Json::Number(number) = value else {
        return Err(TokenFlaw::ClaimType);
    };
    // A NumericDate may have a fraction (RFC 7519 section 2); whole seconds are precise enough.
    let seconds = number
        .as_u64()
        .or_else(|| number.as_f64().and_then(whole_seconds))
        .ok_or(TokenFlaw::ClaimType)?;
    if seconds > MAX_DATE_S {
        return Err(TokenFlaw::ClaimType);
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

fn audiences(members: &Object) -> Result<Vec<String>, TokenFlaw> {
    match members.get("aud") {
        None => Ok(Vec::new()),
        Some(Json::Text(one)) => Ok(vec![one.clone()]),
        Some(Json::List(many)) => many
            .iter()
            .map(|one| one.as_text().map(str::to_owned).ok_or(TokenFlaw::ClaimType))
            .collect(),
        Some(_) => Err(TokenFlaw::ClaimType),
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
            r#"{"auth_time":{}}"#,
            r#"{"sub":1}"#,
            r#"{"sub":null}"#,
            r#"{"iss":["a"]}"#,
            r#"{"aud":1}"#,
            r#"{"aud":["a",1]}"#,
            r#"{"aud":{}}"#,
            r#"{"scope":["a"]}"#,
            r#"{"azp":1}"#,
        ] {
            assert_eq!(
                Claims::parse(claims.as_bytes()).err(),
                Some(TokenFlaw::ClaimType),
                "{claims}"
            );
        }
        for claims in ["[]", "null", "1", "", "{"] {
            assert_eq!(
                Claims::parse(claims.as_bytes()).err(),
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

    #[test]
    fn machines_are_told_by_three_signs() {
        let machine = |claims: &str| Claims::parse(claims.as_bytes()).unwrap().of_machine();
        for claims in [
            r#"{"gty":"client-credentials"}"#,
            r#"{"gty":["a","client-credentials"]}"#,
            r#"{"sub":"x@clients"}"#,
            r#"{"sub":"app","azp":"app"}"#,
            r#"{"sub":"app","azp":"other","client_id":"app"}"#,
            r#"{"sub":"app","aud":"app"}"#,
        ] {
            assert!(machine(claims), "{claims}");
        }
        for claims in ["{}", r#"{"gty":"password","sub":"auth0|a"}"#, r#"{"sub":""}"#] {
            assert!(!machine(claims), "{claims}");
        }
    }

    #[test]
    fn a_scope_is_a_whole_word() {
        let claims = Claims::parse(br#"{"scope":"openid update:users:x"}"#).unwrap();
        assert!(claims.has_scope("openid"));
        assert!(!claims.has_scope("update:users"));
        assert!(!claims.has_scope(""));
    }
}
