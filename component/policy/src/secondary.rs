//! The secondary token: proof, not older than an hour, that the caller owns the account to link.

use crate::bearer::Bearer;
use crate::claims::Claims;
use crate::config::SecondaryRules;
use crate::decision::Record;
use crate::denial::{Denial, Flaw, TokenFlaw};
use crate::keyring::Keyring;
use crate::protocol::Now;
use crate::subject::Permit;
use crate::token::{Expected, Held, Unverified, Verified};

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
    keyring: &mut Keyring,
    now: Now,
    record: &mut Record,
) -> Result<Secondary, Held> {
    let bearer = permit.bearer();
    let rules = &bearer.rules().secondary;
    let same_issuer = token.issuer().and_then(|issuer| {
        if issuer == bearer.rules().issuer { Ok(()) } else { Err(TokenFlaw::IssuerMismatch) }
    });
    if let Err(flaw) = same_issuer {
        return Err(token.refused(Denial::Secondary(flaw), record));
    }
    let audiences = audiences(rules, bearer);
    let expected = Expected {
        issuer: bearer.rules().position,
        algorithms: &rules.algorithms,
        audiences: &audiences,
        skew_ms: bearer.rules().clock_skew_ms,
    };
    let token = token.verify(&expected, Denial::Secondary, keyring, now, record)?;
    record.secondary(token.claims().known("sub"));
    record.claims("secondary", &token, now);
    meets_rules(&token, permit, now, record)?;
    Ok(Secondary(token))
}

/// Whom the token may be issued to: the bearer's own client unless configured. A bearer without a
/// client accepts nobody; a missing claim never equals a missing claim.
fn audiences<'a>(rules: &'a SecondaryRules, bearer: &'a Bearer) -> Vec<&'a str> {
    match &rules.audiences {
        Some(audiences) => audiences.iter().map(String::as_str).collect(),
        None => bearer.client().into_iter().collect(),
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
    let rules = &permit.bearer().rules().secondary;
    if claims.of_event() {
        return Err(Denial::Secondary(TokenFlaw::EventToken));
    }
    let subject = claims.known("sub").ok_or(Denial::Secondary(TokenFlaw::SubjectMissing))?;
    if claims.of_machine() {
        return Err(Flaw::SecondaryOfMachine.into());
    }
    if subject == permit.user_id() {
        return Err(Flaw::SameAccount.into());
    }
    if let Err(denial) = fresh(claims, rules, permit.bearer().rules().clock_skew_ms, now) {
        record.missed(denial, rules.shadow.max_age)?;
    }
    if rules.email_verified && !claims.email_verified() {
        record.missed(Flaw::SecondaryEmail.into(), rules.shadow.email_verified)?;
    }
    Ok(())
}

/// The sign-in is not too long ago, if that is asked for.
fn fresh(claims: &Claims, rules: &SecondaryRules, skew_ms: u64, now: Now) -> Result<(), Denial> {
    let Some(max_age_ms) = rules.max_age_ms else {
        return Ok(());
    };
    let signed_in_ms = claims
        .authenticated_ms
        .or(claims.issued_ms)
        .ok_or(Denial::Secondary(TokenFlaw::AgeUnknown))?;
    let oldest_ms = signed_in_ms.saturating_add(max_age_ms).saturating_add(skew_ms);
    if now.unix_ms > oldest_ms { Err(Flaw::SecondaryTooOld.into()) } else { Ok(()) }
}
