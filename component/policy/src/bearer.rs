//! The bearer token of a request: found in exactly one place (RFC 6750 section 2.1), verified, and
//! judged by the rules of its issuer.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::config::{IssuerRules, Kind, Rules};
use crate::decision::Record;
use crate::denial::{Denial, Flaw, TokenFlaw};
use crate::head::Lines;
use crate::keyring::Keyring;
use crate::protocol::Now;
use crate::token::{Expected, Held, Unverified, Verified};

/// Finds the one bearer token of a request.
///
/// A token in a query, a form, or a cookie is not looked for: a query is refused on guarded routes,
/// and what else a request carries goes no further.
pub(crate) fn find(lines: Lines<'_>) -> Result<Zeroizing<String>, Flaw> {
    let mut values = lines.all("authorization");
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(if lines.has("authorization") {
            Flaw::BearerSeveral
        } else {
            Flaw::BearerMissing
        });
    };
    let value = std::str::from_utf8(value).map_err(|_| Flaw::BearerSyntax)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(if value.contains(',') { Flaw::BearerSeveral } else { Flaw::BearerMissing });
    }
    let token = token.trim_start_matches(' ');
    if token.contains(',') {
        return Err(Flaw::BearerSeveral);
    }
    // b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
    let body = token.trim_end_matches('=');
    if body.is_empty()
        || !body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
    {
        return Err(Flaw::BearerSyntax);
    }
    Ok(Zeroizing::new(token.to_owned()))
}

/// A bearer token that is verified and meets the rules of its issuer, but for its scopes.
pub(crate) struct Bearer {
    token: Verified,
    rules: Arc<IssuerRules>,
}

/// Verifies a parsed bearer token against its own issuer's rules and keys.
pub(crate) fn verify(
    token: Unverified,
    rules: &Rules,
    keyring: &mut Keyring,
    now: Now,
    record: &mut Record,
) -> Result<Bearer, Held> {
    let issuer = token.issuer().and_then(|name| rules.issuer(name).ok_or(TokenFlaw::IssuerUnknown));
    let own = match issuer {
        Ok(own) => own,
        Err(flaw) => return Err(token.refused(Denial::Bearer(flaw), record)),
    };
    let audiences: Vec<&str> = own.audiences.iter().map(String::as_str).collect();
    let expected = Expected {
        issuer: own.position,
        algorithms: &own.algorithms,
        audiences: &audiences,
        skew_ms: own.clock_skew_ms,
    };
    let token = token.verify(&expected, Denial::Bearer, keyring, now, record)?;
    let bearer = Bearer { token, rules: own };
    record.bearer(bearer.subject(), &bearer.rules.issuer, bearer.client());
    record.claims("bearer", &bearer.token, now);
    bearer.meets_rules(now, record)?;
    Ok(bearer)
}

/// The place of a token's issuer in the policy document, if it is one of ours. Not to be believed.
pub(crate) fn issuer(token: &Unverified, rules: &Rules) -> Option<usize> {
    let name = token.issuer().ok()?;
    rules.issuer(name).map(|own| own.position)
}

impl Bearer {
    /// The rest, after the signature: kind, type, subject, client, machine, age.
    fn meets_rules(&self, now: Now, record: &mut Record) -> Result<(), Denial> {
        let (claims, rules) = (self.token.claims(), &*self.rules);
        if claims.of_event() {
            return Err(Denial::Bearer(TokenFlaw::EventToken));
        }
        if rules.token_type.as_ref().is_some_and(|wanted| !self.token.is_of_type(wanted)) {
            return Err(Denial::Bearer(TokenFlaw::TypeMismatch));
        }
        if claims.known("sub").is_none() {
            return Err(Denial::Bearer(TokenFlaw::SubjectMissing));
        }
        if self.client().is_none() {
            return Err(Denial::Bearer(TokenFlaw::ClientMissing));
        }
        if claims.of_machine() {
            return Err(Flaw::BearerOfMachine.into());
        }
        let Some(max_age_ms) = rules.max_token_age_ms else {
            return Ok(());
        };
        let missed = match claims.issued_ms.map(|issued_ms| issued_ms.saturating_add(max_age_ms)) {
            None => Denial::Bearer(TokenFlaw::AgeUnknown),
            Some(until_ms) if now.unix_ms <= until_ms.saturating_add(rules.clock_skew_ms) => {
                return Ok(());
            }
            Some(_) => Flaw::BearerTooOld.into(),
        };
        record.missed(missed, rules.shadow.max_token_age)
    }

    /// `sub`, when there is one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.token.claims().known("sub")
    }

    /// Who the token was issued to: the client claim of an access token, the audience of an ID
    /// token. A secondary token must be issued to the same client.
    pub(crate) fn client(&self) -> Option<&str> {
        match self.rules.kind {
            Kind::AccessToken => self.token.claims().known(self.rules.client_claim),
            Kind::IdToken => self.token.claims().sole_audience().ok(),
        }
    }

    /// The rules of its issuer.
    pub(crate) fn rules(&self) -> &IssuerRules {
        &self.rules
    }

    /// Every scope that linking and unlinking ask for is there.
    pub(crate) fn has_scopes(&self, record: &mut Record) -> Result<(), Denial> {
        if self.rules.scopes.iter().all(|scope| self.token.claims().has_scope(scope)) {
            return Ok(());
        }
        record.missed(Flaw::BearerScope.into(), self.rules.shadow.scopes)
    }

    /// The token, to be sent on.
    pub(crate) fn token(&self) -> &str {
        self.token.text()
    }
}
