//! The secondary token: proof, not older than an hour, that the caller owns the account to link.

use super::bearer::Bearer;
use super::permit::Permit;
use super::token::{self, Halt, Means};
use crate::audit::record::Record;
use crate::jose::actor;
use crate::jose::audience::Audience;
use crate::jose::claims::Claims;
use crate::jose::jws::{Expected, Unverified, Verified};
use crate::jose::kind;
use crate::jose::refusal::Refusal;
use crate::rules::issuer::SecondaryRules;
use crate::time::clock::Now;
use crate::verdict::cause::{Denial, Flaw, TokenFlaw};

/// A verified secondary token that may be linked to the account of the permit it was checked with.
pub(crate) struct Secondary(Verified);

impl Secondary {
    /// Whose account it is.
    pub(crate) fn id(&self) -> &str {
        // INVARIANT: `meets_rules` has seen a subject.
        self.0.claims().known("sub").unwrap_or_default()
    }

    /// The token, to be sent on.
    pub(crate) fn token(&self) -> &str {
        self.0.text()
    }
}

/// Verifies a parsed secondary token against its own rules, beside the permit's bearer.
pub(crate) fn verify(
    token: Unverified,
    permit: &Permit,
    means: &mut Means<'_>,
) -> Result<Secondary, Halt> {
    let bearer = permit.bearer();
    let rules = &bearer.rules().secondary;
    let same_issuer = token.issuer().and_then(|issuer| {
        if issuer == bearer.rules().issuer { Ok(()) } else { Err(TokenFlaw::IssuerMismatch) }
    });
    if let Err(flaw) = same_issuer {
        return Err(token::refused(&token, Denial::Secondary(flaw), means.record));
    }
    let expected = Expected {
        issuer: bearer.rules().position,
        algorithms: &rules.algorithms,
        audience: audience(rules, bearer),
        skew_ms: bearer.rules().clock_skew_ms,
    };
    let token = token::verify(token, &expected, Denial::Secondary, means)?;
    let Means { record, now, .. } = means;
    record.secondary(token.claims().known("sub"), actor::name(token.claims()));
    record.claims("secondary", &token, *now);
    meets_rules(&token, permit, *now, record)?;
    Ok(Secondary(token))
}

/// Whom the token may be issued to: the bearer's own client unless configured. A bearer without a
/// client accepts no token; a missing claim never equals a missing claim.
fn audience<'a>(rules: &'a SecondaryRules, bearer: &'a Bearer) -> Audience<'a> {
    match &rules.audiences {
        Some(clients) => Audience::Id { clients },
        None => Audience::IdOfOne { client: bearer.client() },
    }
}

/// The rest, after the signature: kind, subject, machine, other account, age, e-mail.
fn meets_rules(
    token: &Verified,
    permit: &Permit,
    now: Now,
    record: &mut Record,
) -> Result<(), Denial> {
    let claims = token.claims();
    let issuer = permit.bearer().rules();
    let rules = &issuer.secondary;
    if claims.of_event() {
        return Err(Denial::Secondary(TokenFlaw::EventToken));
    }
    kind::check_id_token(token, issuer.id_token_type(), &issuer.id_token_scopes)
        .map_err(|refusal| Denial::Secondary(record.refused(refusal)))?;
    let subject = claims.known("sub").ok_or(Denial::Secondary(TokenFlaw::SubjectMissing))?;
    if claims.of_machine() {
        return Err(Flaw::SecondaryOfMachine.into());
    }
    if !actor::is_user(claims) {
        return Err(Flaw::SecondaryNotOfUser.into());
    }
    if !actor::is_allowed(claims, &rules.actors) {
        return Err(Flaw::SecondaryOfActor.into());
    }
    if subject == permit.user_id() {
        return Err(Flaw::SameAccount.into());
    }
    if let Err(denial) = is_fresh(claims, rules, issuer.clock_skew_ms, now, record) {
        // `max_age` in shadow is that rule alone: a sign-in that `require` asks for stays required.
        let is_age = !rules.require_auth_time || denial == Flaw::SecondaryTooOld.into();
        record.missed(denial, rules.shadow.max_age && is_age)?;
    }
    if let Err(denial) = has_verified_email(claims, rules, record) {
        record.missed(denial, rules.shadow.email_verified)?;
    }
    Ok(())
}

/// The sign-in is not too long ago, if that is asked for.
fn is_fresh(
    claims: &Claims,
    rules: &SecondaryRules,
    skew_ms: u64,
    now: Now,
    record: &mut Record,
) -> Result<(), Denial> {
    let signed_in_ms = signed_in_ms(claims, rules, now.unix_ms.saturating_add(skew_ms))
        .map_err(|refusal| Denial::Secondary(record.refused(refusal)))?;
    let Some((signed_in_ms, max_age_ms)) = signed_in_ms.zip(rules.max_age_ms) else {
        return Ok(());
    };
    let oldest_ms = signed_in_ms.saturating_add(max_age_ms).saturating_add(skew_ms);
    if now.unix_ms > oldest_ms { Err(Flaw::SecondaryTooOld.into()) } else { Ok(()) }
}

/// When the user signed in, where a rule asks for it: `auth_time` (OIDC Core section 2), else `iat` unless the policy
/// has no use for it. A silent renewal has a new `iat` and is no sign-in.
fn signed_in_ms(
    claims: &Claims,
    rules: &SecondaryRules,
    latest_ms: u64,
) -> Result<Option<u64>, Refusal> {
    if rules.max_age_ms.is_none() && !rules.require_auth_time {
        return Ok(None);
    }
    let authenticated_ms = claims.date_ms("auth_time")?;
    if authenticated_ms.is_some_and(|date_ms| date_ms > latest_ms) {
        return Err(Refusal::of(TokenFlaw::IssuedAhead, "auth_time"));
    }
    match authenticated_ms.or(claims.issued_ms.filter(|_| !rules.require_auth_time)) {
        Some(date_ms) => Ok(Some(date_ms)),
        None if rules.require_auth_time => Err(Refusal::of(TokenFlaw::AgeUnknown, "auth_time")),
        None => Err(TokenFlaw::AgeUnknown.into()),
    }
}

/// The e-mail address is verified, if that is asked for.
fn has_verified_email(
    claims: &Claims,
    rules: &SecondaryRules,
    record: &mut Record,
) -> Result<(), Denial> {
    if !rules.email_verified {
        return Ok(());
    }
    match claims.email_verified() {
        Some(true) => Ok(()),
        Some(false) => Err(Flaw::SecondaryEmail.into()),
        None => {
            record.about("email_verified");
            Err(Flaw::SecondaryEmailUnclear.into())
        }
    }
}
