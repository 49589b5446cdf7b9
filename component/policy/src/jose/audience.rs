//! Whom a token is for: `aud`, and in an ID token `azp`.
//!
//! A token that names others besides is refused unless those are known: each party that it is for may hold it, and
//! could send it here.

use super::claims::Claims;
use super::refusal::Refusal;
use crate::rules::names::Names;
use crate::verdict::cause::TokenFlaw;

/// Whom a token has to be for.
pub(crate) enum Audience<'a> {
    /// An access token: one entry is an accepted API, and every other one is too or is known to be harmless beside it.
    Access { accepted: &'a Names, beside: &'a Names },
    /// An ID token: every entry is an accepted client (OIDC Core section 3.1.3.7, steps 3 to 5).
    Id { clients: &'a Names },
    /// The same with one client, or with none: then no token is.
    IdOfOne { client: Option<&'a str> },
    /// An access token without `aud`, as Amazon Cognito issues them: it must really have none.
    Unnamed,
}

impl Audience<'_> {
    /// Whether a token is for them. It is not yet verified: this may only refuse.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), Refusal> {
        let audiences = claims.audiences.as_slice();
        match self {
            Self::Unnamed if claims.member("aud").is_none() => Ok(()),
            Self::Unnamed => Err(TokenFlaw::AudienceMismatch.into()),
            Self::Access { accepted, beside } => {
                fit(audiences, |audience| accepted.has(audience), |audience| beside.has(audience))
            }
            Self::Id { clients } => of_clients(claims, |name| clients.has(name)),
            Self::IdOfOne { client } => of_clients(claims, |name| *client == Some(name)),
        }
    }
}

/// Whether an ID token is for accepted clients alone, and was issued to one.
fn of_clients(claims: &Claims, is_client: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    fit(&claims.audiences, &is_client, |_| false)?;
    match claims.text("azp")? {
        Some(party) if !is_client(party) => Err(Refusal::of(TokenFlaw::PartyMismatch, "azp")),
        Some(_) | None => Ok(()),
    }
}

/// Whether one entry is accepted, and every other one is too or may be beside it.
fn fit(
    audiences: &[String],
    is_accepted: impl Fn(&str) -> bool,
    is_beside: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    if audiences.iter().all(String::is_empty) {
        return Err(TokenFlaw::AudienceMissing.into());
    }
    if !audiences.iter().any(|audience| is_accepted(audience)) {
        return Err(TokenFlaw::AudienceMismatch.into());
    }
    if !audiences.iter().all(|audience| is_accepted(audience) || is_beside(audience)) {
        return Err(TokenFlaw::AudienceSeveral.into());
    }
    Ok(())
}

/// The audience of an issuer's own `userinfo` endpoint, which an access token has besides its API when `openid` was
/// asked for as well (Auth0).
pub(crate) fn userinfo(issuer: &str) -> String {
    format!("{}/userinfo", issuer.trim_end_matches('/'))
}
