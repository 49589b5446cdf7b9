//! Of which kind a token is, by what it says of itself: in its header and in its claims.
//!
//! One issuer signs tokens of many kinds with one key. A token that says that it is of another kind is never taken,
//! for any audience (RFC 8725 section 3.11).

use super::jws::Verified;
use super::refusal::Refusal;
use crate::verdict::cause::TokenFlaw;

/// What Keycloak's other tokens say in the claim `typ`.
const NO_ACCESS: [&str; 4] = ["ID", "Refresh", "Offline", "Logout"];

/// An access token: `JWT`, `at+jwt` (RFC 9068 section 2.1) or no header `typ`, unless the policy names another; no
/// claim that says another kind. `token_use` (Amazon Cognito) has to be the policy's where it names one.
pub(crate) fn check_access_token(
    token: &Verified,
    typ: Option<&str>,
    token_use: Option<&'static str>,
) -> Result<(), Refusal> {
    let is_typed = match typ {
        Some(typ) => token.is_of_type(typ),
        None => {
            token.token_type().is_none() || token.is_of_type("JWT") || token.is_of_type("at+jwt")
        }
    };
    if !is_typed {
        return Err(TokenFlaw::TypeMismatch.into());
    }
    let claims = token.claims();
    let is_other = |typ: &str| NO_ACCESS.iter().any(|other| other.eq_ignore_ascii_case(typ));
    if claims.text("typ")?.is_some_and(is_other) {
        return Err(Refusal::of(TokenFlaw::KindMismatch, "typ"));
    }
    let is_used_so = match (claims.text("token_use")?, token_use) {
        (found, Some(wanted)) => found == Some(wanted),
        (found, None) => found != Some("id"),
    };
    if is_used_so { Ok(()) } else { Err(Refusal::of(TokenFlaw::KindMismatch, "token_use")) }
}

/// An ID token: `JWT` or no header `typ`, unless the policy names another; no claim that says another kind, and no
/// scopes, which belong to access tokens, but for the claims that the policy allows by name.
pub(crate) fn check_id_token(
    token: &Verified,
    typ: Option<&str>,
    scopes: &[&'static str],
) -> Result<(), Refusal> {
    let is_typed = match typ {
        Some(typ) => token.is_of_type(typ),
        None => token.token_type().is_none() || token.is_of_type("JWT"),
    };
    if !is_typed {
        return Err(TokenFlaw::TypeMismatch.into());
    }
    let claims = token.claims();
    for (name, own) in [("typ", "ID"), ("token_use", "id")] {
        if claims.text(name)?.is_some_and(|kind| kind != own) {
            return Err(Refusal::of(TokenFlaw::KindMismatch, name));
        }
    }
    for name in ["scope", "scp"] {
        if claims.member(name).is_some() && !scopes.contains(&name) {
            return Err(Refusal::of(TokenFlaw::KindMismatch, name));
        }
    }
    Ok(())
}
