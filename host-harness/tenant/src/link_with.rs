//! The secondary account's ID token, `link_with`: what it must be before two accounts become one.

use serde_json::Value;

use crate::bearer::Caller;
use crate::refusal::Refusal;
use crate::tenant::Tenant;
use crate::token::{self, Claims, TokenFault};

/// What is wrong with a `link_with` token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkWithFault {
    Invalid,
    Algorithm,
    Issuer,
    InvalidAudience,
    OtherAudience,
    NoSubject,
    InvalidSubject,
}

impl LinkWithFault {
    /// Source: Auth0 Management API v2, Link a user account, the 400 responses.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid token (link_with).",
            Self::Algorithm => "JWT (link_with) must have an alg of RS256.",
            Self::Issuer => "JWT (link_with) must have the same issuer as the calling user.",
            Self::InvalidAudience => "JWT (link_with) contains an invalid aud claim.",
            Self::OtherAudience => {
                "JWT (link_with) must have an aud claim that matches that of the calling token's azp."
            }
            Self::NoSubject => "JWT (link_with) must contains sub claim.",
            Self::InvalidSubject => "JWT (link_with) contains an invalid sub claim.",
        }
    }
}

/// The user id that `token` was issued to, if it was issued by this tenant for the application that calls.
pub(crate) fn subject(
    tenant: &Tenant,
    caller: &Caller,
    token: &str,
    now_unix_s: u64,
) -> Result<String, Refusal> {
    let opened =
        token::open(token, tenant.keys().verifying(), tenant.settings().issuer(), now_unix_s);
    let claims = opened.map_err(|fault| Refusal::LinkWith(of_token(fault)))?;
    check_audience(&claims, caller).map_err(Refusal::LinkWith)?;
    subject_of(&claims).map_err(Refusal::LinkWith)
}

fn of_token(fault: TokenFault) -> LinkWithFault {
    match fault {
        TokenFault::Algorithm => LinkWithFault::Algorithm,
        TokenFault::Issuer => LinkWithFault::Issuer,
        TokenFault::Malformed
        | TokenFault::Signature
        | TokenFault::Expired
        | TokenFault::NotYetValid
        | TokenFault::Audience
        | TokenFault::Subject => LinkWithFault::Invalid,
    }
}

/// A bearer without `azp` matches no audience.
fn check_audience(claims: &Claims, caller: &Caller) -> Result<(), LinkWithFault> {
    let audience = claims.single_audience().ok_or(LinkWithFault::InvalidAudience)?;
    if caller.link_audience.as_deref() == Some(audience) {
        Ok(())
    } else {
        Err(LinkWithFault::OtherAudience)
    }
}

fn subject_of(claims: &Claims) -> Result<String, LinkWithFault> {
    match claims.claim("sub") {
        None => Err(LinkWithFault::NoSubject),
        Some(Value::String(subject)) if subject.contains('|') => Ok(subject.clone()),
        Some(_) => Err(LinkWithFault::InvalidSubject),
    }
}
