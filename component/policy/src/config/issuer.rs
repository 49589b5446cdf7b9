//! The `issuers` of a policy document, and their keys.

use std::collections::BTreeSet;

use super::advice;
use super::algorithms::{self, algorithms};
use super::host::Secrets;
use super::keys;
use super::parties::Parties;
use super::secondary;
use super::section::{Entry, MAX_AGE_MS, Section};
use super::shadow;
use super::step_up;
use crate::keys::rules::IssuerKeys;
use crate::rules::issuer::{IssuerRules, Kind, ScopeClaim, SecondaryRules};
use crate::rules::names::Names;

/// Clocks drift by seconds; a longer skew only lets expired tokens live on.
const MAX_CLOCK_SKEW_MS: u64 = 300_000;

/// The scope that lets users link and unlink their own identities (Auth0 Management API v2).
const LINKING_SCOPE: &str = "update:current_user_identities";

pub(super) fn read_all(
    entry: &Entry<'_>,
    secrets: &Secrets,
) -> (Vec<IssuerRules>, Vec<IssuerKeys>) {
    let mut names = BTreeSet::new();
    let read = entry.filled_list(|entry| {
        let (rules, keys) = read_one(entry.section()?, names.len(), secrets)?;
        if !names.insert(rules.issuer.clone()) {
            return entry.wrong("every issuer once", &format!("`{}` again", rules.issuer));
        }
        Some((rules, keys))
    });
    read.into_iter().unzip()
}

fn read_one(
    mut section: Section<'_>,
    position: usize,
    secrets: &Secrets,
) -> Option<(IssuerRules, IssuerKeys)> {
    let named = section.required("issuer");
    let issuer = named.as_ref().and_then(issuer_name);
    let kind = kind(&mut section);
    let algorithms = algorithms(&mut section);
    let parties = Parties::read(&mut section, kind, issuer.as_deref());
    let scopes = scopes(&mut section, kind);
    if let (Some(named), Some(issuer)) = (named.filter(Entry::is_reviewed), &issuer) {
        advise(&mut section, &named, issuer, kind, &parties.audiences, &scopes);
    }
    let clock_skew_ms = clock_skew_ms(&mut section);
    let max_token_age_ms =
        section.optional("max_token_age").and_then(|entry| entry.duration_ms(1000..=MAX_AGE_MS));
    let token_type = token_type(&mut section, kind);
    let scope_claim = scope_claim(&mut section);
    let id_token_scopes = id_token_scopes(&mut section, kind, &scopes);
    let actors = step_up::actors(&mut section);
    let refuses_bound = step_up::refuses_bound(&mut section);
    let step_up = section.optional("step_up").and_then(|entry| entry.section());
    let step_up = step_up.map(step_up::read);
    let secondary = section.optional("secondary").and_then(|entry| entry.section());
    let secondary = secondary.map_or_else(SecondaryRules::default, |section| {
        secondary::read(section, &parties.of_access_tokens(kind))
    });
    let wanted = algorithms::Wanted::of(&algorithms, &secondary.algorithms);
    let keys = keys::read(&mut section, &wanted, issuer.as_deref(), secrets);
    let shadow = shadow::of_bearer(
        &mut section,
        !scopes.is_empty(),
        max_token_age_ms.is_some(),
        step_up.is_some(),
    );
    let is_narrow = !scopes.is_empty() && !shadow.scopes;
    let is_narrow = is_narrow || token_type.as_deref().is_some_and(is_of_access_tokens);
    parties.check(&section, &secondary, is_narrow);
    section.end();
    let rules = IssuerRules {
        issuer: issuer?,
        position,
        kind,
        algorithms,
        audiences: parties.audiences.into_iter().collect(),
        audiences_beside: parties.beside.into_iter().collect(),
        client_claim: parties.client_claim,
        clients: parties.clients.map(Names::from_iter),
        scopes,
        scope_claim,
        clock_skew_ms,
        max_token_age_ms,
        token_type,
        token_use: parties.token_use,
        id_token_scopes,
        actors,
        refuses_bound,
        step_up,
        secondary,
        shadow,
    };
    Some((rules, keys?))
}

/// What is unwise about its name, given what else is said of it.
fn advise(
    section: &mut Section<'_>,
    named: &Entry<'_>,
    issuer: &str,
    kind: Kind,
    audiences: &[String],
    scopes: &[String],
) {
    advice::issuer(named, issuer, audiences);
    if let Some(entry) = section.optional("audiences") {
        advice::audiences(&entry, audiences);
    }
    if kind == Kind::AccessToken {
        match section.optional("scopes") {
            None => advice::foreign_scopes(named, issuer, None),
            Some(entry) => advice::foreign_scopes(&entry, issuer, Some(scopes)),
        }
    }
}

/// The name of an issuer. What Entra's document for all tenants has in the place of a tenant is no name.
fn issuer_name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.contains("{tenantid}") {
        return entry.mistaken(
            format!("expected the issuer of one tenant, found `{text}`"),
            Some("`{tenantid}` is a placeholder for the id of a tenant, and tokens have the id itself: write it, in an issuer for each tenant".to_owned()),
        );
    }
    Some(text.to_owned())
}

fn kind(section: &mut Section<'_>) -> Kind {
    let words = [("access-token", Kind::AccessToken), ("id-token", Kind::IdToken)];
    let read = |entry: Entry<'_>| entry.one_of(&words).inspect(|kind| advice::kind(&entry, *kind));
    section.optional("kind").and_then(read).unwrap_or(Kind::AccessToken)
}

fn scopes(section: &mut Section<'_>, kind: Kind) -> Vec<String> {
    match (section.optional("scopes"), kind) {
        (Some(entry), kind) => {
            let scopes = entry.list(scope);
            advice::scopes(&entry, &scopes, kind);
            scopes
        }
        (None, Kind::AccessToken) => vec![LINKING_SCOPE.to_owned()],
        // An ID token has no scopes.
        (None, Kind::IdToken) => Vec::new(),
    }
}

fn clock_skew_ms(section: &mut Section<'_>) -> u64 {
    let read = |entry: Entry<'_>| {
        let skew_ms = entry.duration_ms(0..=MAX_CLOCK_SKEW_MS);
        skew_ms.inspect(|ms| advice::clock_skew(&entry, *ms))
    };
    section.optional("clock_skew").and_then(read).unwrap_or(30_000)
}

/// The header `typ` that is asked for.
fn token_type(section: &mut Section<'_>, kind: Kind) -> Option<String> {
    let entry = section.optional("type")?;
    let typ = entry.text()?;
    if kind == Kind::IdToken && is_of_access_tokens(typ) {
        return entry.wrong("a type of ID tokens", &format!("`{typ}`, which is of access tokens"));
    }
    Some(typ.to_owned())
}

/// Whether a header `typ` is that of access tokens alone (RFC 9068 section 2.1).
fn is_of_access_tokens(typ: &str) -> bool {
    ["at+jwt", "application/at+jwt"].iter().any(|own| own.eq_ignore_ascii_case(typ))
}

fn scope_claim(section: &mut Section<'_>) -> ScopeClaim {
    let words = ["scope", "scp", "permissions"].map(|name| (name, ScopeClaim::Named(name)));
    let named = section.optional("scope_claim").and_then(|entry| entry.one_of(&words));
    named.unwrap_or(ScopeClaim::Either)
}

/// Which scope claims the ID tokens of this issuer may hold. An ID token that is a bearer and has to have scopes
/// must be allowed to hold them.
fn id_token_scopes(section: &mut Section<'_>, kind: Kind, scopes: &[String]) -> Vec<&'static str> {
    let words = [("scope", "scope"), ("scp", "scp")];
    let allowed = section
        .optional("id_token_scopes")
        .map(|entry| entry.filled_list(|entry| entry.one_of(&words)))
        .unwrap_or_default();
    if kind == Kind::IdToken && !scopes.is_empty() && allowed.is_empty() {
        let help =
            "write `id_token_scopes: [scope]` if this issuer really writes scopes into ID tokens";
        section.mistaken_at(
            "scopes",
            "expected no scopes of ID tokens, which may not have any, found some".to_owned(),
            Some(help.to_owned()),
        );
    }
    allowed
}

/// A scope token (RFC 6749 section 3.3).
fn scope(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let one_word = text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    if one_word {
        Some(text.to_owned())
    } else {
        entry.wrong("one scope an entry, without spaces", &format!("`{text}`"))
    }
}
