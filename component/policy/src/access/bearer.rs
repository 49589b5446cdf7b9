//! The bearer token of a request: found in exactly one place (RFC 6750 section 2.1), verified, and
//! judged by the rules of its issuer.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::token::{self, Halt, Means};
use super::token_cache::TokenCache;
use crate::audit::record::Record;
use crate::http::message::Lines;
use crate::jose::actor;
use crate::jose::audience::Audience;
use crate::jose::jws::{Expected, TokenId, Unverified, Verified};
use crate::jose::kind;
use crate::jose::refusal::Refusal;
use crate::rules::Rules;
use crate::rules::issuer::{IssuerRules, Kind};
use crate::time::clock::Now;
use crate::verdict::cause::{Denial, Flaw, TokenFlaw};

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
        return Err(match scheme {
            _ if value.contains(',') => Flaw::BearerSeveral,
            // RFC 9449 section 7.1: the proof beside it is not checked here.
            dpop if dpop.eq_ignore_ascii_case("dpop") => Flaw::BearerDpop,
            _ => Flaw::BearerMissing,
        });
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

/// Reads a bearer token, or finds what is known of it since it was verified before.
pub(crate) fn read(
    text: Zeroizing<String>,
    rules: &Rules,
    verified: &mut TokenCache,
    now: Now,
    record: &mut Record,
) -> Result<Unverified, Denial> {
    let id: TokenId = Sha256::digest(text.as_bytes()).into();
    let token = match verified.find(&id, now) {
        Some(known) => Unverified::known(text, known),
        None => token::parse(text, rules.max_token_bytes, Denial::Bearer, record)?,
    };
    Ok(token.identified(id))
}

/// Verifies a bearer token against its own issuer's rules and keys.
pub(crate) fn verify(
    token: Unverified,
    rules: &Rules,
    verified: &mut TokenCache,
    means: &mut Means<'_>,
) -> Result<Bearer, Halt> {
    let issuer = token.issuer().and_then(|name| rules.issuer(name).ok_or(TokenFlaw::IssuerUnknown));
    let own = match issuer {
        Ok(own) => own,
        Err(flaw) => return Err(token::refused(&token, Denial::Bearer(flaw), means.record)),
    };
    let expected = Expected {
        issuer: own.position,
        algorithms: &own.algorithms,
        audience: match own.kind {
            Kind::IdToken => Audience::Id { clients: &own.audiences },
            Kind::AccessToken if own.audiences.is_empty() => Audience::Unnamed,
            Kind::AccessToken => {
                Audience::Access { accepted: &own.audiences, beside: &own.audiences_beside }
            }
        },
        skew_ms: own.clock_skew_ms,
    };
    let token = token::verify(token, &expected, Denial::Bearer, means)?;
    let Means { record, now, .. } = means;
    let bearer = Bearer { token, rules: own };
    record.bearer(bearer.subject(), &bearer.rules.issuer, bearer.client());
    record.actor(actor::name(bearer.token.claims()));
    record.claims("bearer", &bearer.token, *now);
    bearer.meets_rules(*now, record)?;
    verified.remember(&bearer.token, *now);
    Ok(bearer)
}

/// The place of a token's issuer in the policy document, if it is one of ours. Not to be believed.
pub(crate) fn issuer(token: &Unverified, rules: &Rules) -> Option<usize> {
    let name = token.issuer().ok()?;
    rules.issuer(name).map(|own| own.position)
}

impl Bearer {
    /// The rest, after the signature: kind, subject, client, machine, age.
    fn meets_rules(&self, now: Now, record: &mut Record) -> Result<(), Denial> {
        let claims = self.token.claims();
        self.is_of_kind().map_err(|refusal| Denial::Bearer(record.refused(refusal)))?;
        if claims.known("sub").is_none() {
            return Err(Denial::Bearer(TokenFlaw::SubjectMissing));
        }
        if let Some(clients) = &self.rules.clients {
            let client = self.needed_client(record)?;
            if !clients.has(client) {
                let refusal = self.of_client(TokenFlaw::ClientMismatch);
                return Err(Denial::Bearer(record.refused(refusal)));
            }
        }
        if claims.of_machine() {
            return Err(Flaw::BearerOfMachine.into());
        }
        self.is_own()?;
        self.is_fresh(now).or_else(|missed| record.missed(missed, self.rules.shadow.max_token_age))
    }

    /// It is a token for an API, or the ID token that the policy takes for one.
    fn is_of_kind(&self) -> Result<(), Refusal> {
        let rules = &*self.rules;
        if self.token.claims().of_event() {
            return Err(TokenFlaw::EventToken.into());
        }
        let typ = rules.token_type.as_deref();
        match rules.kind {
            Kind::AccessToken => kind::check_access_token(&self.token, typ, rules.token_use),
            Kind::IdToken => kind::check_id_token(&self.token, typ, &rules.id_token_scopes),
        }
    }

    /// It was issued not too long ago, if that is asked for.
    fn is_fresh(&self, now: Now) -> Result<(), Denial> {
        let Some(max_age_ms) = self.rules.max_token_age_ms else {
            return Ok(());
        };
        let issued_ms =
            self.token.claims().issued_ms.ok_or(Denial::Bearer(TokenFlaw::AgeUnknown))?;
        let oldest_ms = issued_ms.saturating_add(max_age_ms);
        if now.unix_ms > oldest_ms.saturating_add(self.rules.clock_skew_ms) {
            return Err(Flaw::BearerTooOld.into());
        }
        Ok(())
    }

    /// The token is the user's own: only the actors that the policy lists may act for the user, and no key has to be proved.
    fn is_own(&self) -> Result<(), Flaw> {
        let (claims, rules) = (self.token.claims(), &*self.rules);
        if !actor::is_user(claims) {
            return Err(Flaw::BearerNotOfUser);
        }
        if !actor::is_allowed(claims, &rules.actors) {
            return Err(Flaw::BearerOfActor);
        }
        if rules.refuses_bound && actor::is_bound(claims) {
            return Err(Flaw::BearerBound);
        }
        Ok(())
    }

    /// The sign-in is as strong and as fresh as linking and unlinking ask for.
    pub(crate) fn is_stepped_up(&self, now: Now, record: &mut Record) -> Result<(), Denial> {
        let Some(rules) = &self.rules.step_up else { return Ok(()) };
        if rules.is_met(self.token.claims(), self.rules.clock_skew_ms, now) {
            return Ok(());
        }
        if let Some(claim) = rules.ill_typed(self.token.claims()) {
            record.about(claim);
        }
        record.missed(Flaw::BearerStepUp.into(), self.rules.shadow.step_up)
    }

    /// `sub`, when there is one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.token.claims().known("sub")
    }

    /// Who the token was issued to, if it says so: the client claim of an access token; the audience of an ID token,
    /// or its `azp` where it has several.
    pub(crate) fn client(&self) -> Option<&str> {
        let claims = self.token.claims();
        match self.rules.kind {
            Kind::AccessToken => claims.known(self.rules.client_claim?),
            Kind::IdToken => claims.sole_audience().or_else(|| claims.known("azp")),
        }
    }

    /// The client, where a rule needs it.
    fn needed_client(&self, record: &mut Record) -> Result<&str, Denial> {
        let is_text = match (self.rules.kind, self.rules.client_claim) {
            (Kind::AccessToken, Some(name)) => self.token.claims().text(name).map(|_| ()),
            (Kind::AccessToken | Kind::IdToken, _) => Ok(()),
        };
        is_text.map_err(|refusal| Denial::Bearer(record.refused(refusal)))?;
        self.client().ok_or(Denial::Bearer(TokenFlaw::ClientMissing))
    }

    fn of_client(&self, flaw: TokenFlaw) -> Refusal {
        Refusal { flaw, claim: self.rules.client_claim }
    }

    /// A link can be made with it: its client is known, and no token for an API passes for a sign-in to that client.
    /// Where the policy lists the audiences of secondary tokens, the bearer's client decides nothing.
    pub(crate) fn may_link(&self, record: &mut Record) -> Result<(), Denial> {
        if self.rules.secondary.audiences.is_some() {
            return Ok(());
        }
        let client = self.needed_client(record)?;
        if self.rules.kind == Kind::AccessToken && self.rules.names_an_api(client) {
            return Err(Flaw::BearerClientIsAudience.into());
        }
        Ok(())
    }

    /// The rules of its issuer.
    pub(crate) fn rules(&self) -> &IssuerRules {
        &self.rules
    }

    /// Every scope that linking and unlinking ask for is there.
    pub(crate) fn has_scopes(&self, record: &mut Record) -> Result<(), Denial> {
        let rules = &*self.rules;
        if rules.scopes.is_empty() {
            return Ok(());
        }
        let missed = match rules.scope_claim.read(self.token.claims()) {
            Ok(scopes) if rules.scopes.iter().all(|scope| scopes.contains(scope.as_str())) => {
                return Ok(());
            }
            Ok(_) => Flaw::BearerScope.into(),
            Err(refusal) => Denial::Bearer(record.refused(refusal)),
        };
        record.missed(missed, rules.shadow.scopes)
    }

    /// The token, to be sent on.
    pub(crate) fn token(&self) -> &str {
        self.token.text()
    }
}
