//! The scopes of an access token, as issuers write them: a text with spaces (RFC 8693 section 4.2), or a list.

use std::collections::BTreeSet;

use crate::jose::claims::Claims;
use crate::jose::refusal::Refusal;
use crate::rules::issuer::ScopeClaim;
use crate::text::grown::grown;
use crate::text::json::Json;
use crate::verdict::cause::TokenFlaw;

impl ScopeClaim {
    /// The scopes of a token; none where the claim is absent.
    pub(crate) fn read(self, claims: &Claims) -> Result<BTreeSet<&str>, Refusal> {
        let (scope, scp) = match self {
            Self::Named(name) => return Ok(scopes(claims, name)?.unwrap_or_default()),
            Self::Either => (scopes(claims, "scope")?, scopes(claims, "scp")?),
        };
        match (scope, scp) {
            (Some(scope), Some(scp)) if scope != scp => {
                Err(Refusal::of(TokenFlaw::ScopesDiffer, "scp"))
            }
            (scope, scp) => Ok(scope.or(scp).unwrap_or_default()),
        }
    }
}

/// What one claim says. An entry of a list is one scope, whatever is in it.
fn scopes<'c>(
    claims: &'c Claims,
    name: &'static str,
) -> Result<Option<BTreeSet<&'c str>>, Refusal> {
    match claims.member(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(grown(text.split(' ').filter(|one| !one.is_empty())))),
        Some(Json::List(items)) => {
            let mut scopes = BTreeSet::new();
            for item in items {
                scopes.insert(item.as_text().ok_or(Refusal::ill_typed(name))?);
            }
            Ok(Some(scopes))
        }
        Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) => {
            Err(Refusal::ill_typed(name))
        }
    }
}
