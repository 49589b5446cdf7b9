//! Who is calling the Management API: the `Authorization` header, checked here and nowhere else.

use crate::refusal::Refusal;
use crate::request::Request;
use crate::settings::{LEGACY_ID_TOKEN_SCOPES, Settings};
use crate::tenant::Tenant;
use crate::token::{self, Claims, TokenFault};

/// A caller whose token holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// `sub`: a user id, or `{client}@clients`.
    pub(crate) subject: String,
    /// What `link_with` must have as its audience: the bearer's `azp`, or the `aud` of an ID token.
    pub(crate) link_audience: Option<String>,
    scopes: Vec<String>,
}

impl Caller {
    /// Whether one of `scopes` was granted.
    pub(crate) fn has_any(&self, scopes: &[&str]) -> bool {
        self.scopes.iter().any(|held| scopes.contains(&held.as_str()))
    }
}

/// The caller of `request`, from exactly one bearer token.
pub(crate) fn authenticate(
    tenant: &Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Caller, Refusal> {
    let token = bearer_token(request)?;
    let settings = tenant.settings();
    let claims = token::open(token, tenant.keys().verifying(), settings.issuer(), now_unix_s)
        .map_err(Refusal::Token)?;
    let subject = claims
        .text("sub")
        .filter(|sub| !sub.is_empty())
        .ok_or(Refusal::Token(TokenFault::Subject))?;
    if is_for_management(settings, &claims.audiences()) {
        return Ok(access_token_caller(&claims, subject));
    }
    let audience = claims.single_audience().ok_or(Refusal::Token(TokenFault::Audience))?;
    id_token_caller(settings, subject, audience).ok_or(Refusal::Token(TokenFault::Audience))
}

/// Beside the API itself, `/userinfo` may be an audience, as it is when `openid` was asked for, and nothing else.
fn is_for_management(settings: &Settings, audiences: &[&str]) -> bool {
    let (management, userinfo) = (settings.management_audience(), settings.userinfo_audience());
    let known = |audience: &&str| *audience == management || *audience == userinfo;
    audiences.contains(&management.as_str()) && audiences.iter().all(known)
}

fn bearer_token(request: &Request) -> Result<&str, Refusal> {
    let mut values = request.header_values("authorization");
    let value = values.next().ok_or(Refusal::MissingAuthentication)?;
    if values.next().is_some() {
        return Err(Refusal::BadAuthorization);
    }
    let (scheme, token) = value.trim().split_once(' ').ok_or(Refusal::BadAuthorization)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::MissingAuthentication);
    }
    if token::has_three_parts(token) { Ok(token) } else { Err(Refusal::BadAuthorization) }
}

fn access_token_caller(claims: &Claims, subject: &str) -> Caller {
    let scopes = claims.text("scope").unwrap_or_default();
    Caller {
        subject: subject.to_owned(),
        link_audience: claims.text("azp").map(str::to_owned),
        scopes: scopes.split(' ').map(str::to_owned).collect(),
    }
}

/// An ID token as bearer: deprecated by Auth0 in 2018, still a switch of old tenants.
fn id_token_caller(settings: &Settings, subject: &str, audience: &str) -> Option<Caller> {
    if !settings.id_tokens_as_bearer {
        return None;
    }
    settings.application(audience)?;
    Some(Caller {
        subject: subject.to_owned(),
        link_audience: Some(audience.to_owned()),
        scopes: LEGACY_ID_TOKEN_SCOPES.map(str::to_owned).to_vec(),
    })
}
