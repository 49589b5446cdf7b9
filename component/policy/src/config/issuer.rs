//! The `issuers` of a policy document, and their keys.

use std::collections::BTreeSet;

use jsonwebtoken::Algorithm;

use super::advice;
use super::keys;
use super::section::{Entry, Section};
use super::shadow;
use super::spelling;
use super::{IssuerRules, Kind, SecondaryRules, SecondaryShadow};
use crate::key;
use crate::keyring::IssuerKeys;
use crate::protocol::Secrets;

/// Clocks drift by seconds; a longer skew only lets expired tokens live on.
const MAX_CLOCK_SKEW_MS: u64 = 300_000;

/// A year: longer than that, `off` says it better.
const MAX_AGE_MS: u64 = 8760 * 3_600_000;

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
    let issuer = section.required("issuer").and_then(|entry| entry.text().map(str::to_owned));
    let kind = section
        .optional("kind")
        .and_then(|entry| {
            let words = [("access-token", Kind::AccessToken), ("id-token", Kind::IdToken)];
            entry.one_of(&words).inspect(|kind| advice::kind(&entry, *kind))
        })
        .unwrap_or(Kind::AccessToken);
    let algorithms = algorithms(&mut section);
    let audiences = section
        .required("audiences")
        .map(|entry| entry.filled_list(|entry| entry.text().map(str::to_owned)))
        .unwrap_or_default();
    let client_claim = section
        .optional("client_claim")
        .and_then(|entry| {
            entry.one_of(&[("azp", "azp"), ("client_id", "client_id"), ("cid", "cid")])
        })
        .unwrap_or("azp");
    let scopes = match (section.optional("scopes"), kind) {
        (Some(entry), kind) => {
            let scopes = entry.list(scope);
            advice::scopes(&entry, &scopes, kind);
            scopes
        }
        (None, Kind::AccessToken) => vec![LINKING_SCOPE.to_owned()],
        // An ID token has no scopes.
        (None, Kind::IdToken) => Vec::new(),
    };
    let clock_skew_ms = section
        .optional("clock_skew")
        .and_then(|entry| {
            let skew_ms = entry.duration_ms(0..=MAX_CLOCK_SKEW_MS);
            skew_ms.inspect(|ms| advice::clock_skew(&entry, *ms))
        })
        .unwrap_or(30_000);
    let max_token_age_ms =
        section.optional("max_token_age").and_then(|entry| entry.duration_ms(1000..=MAX_AGE_MS));
    let token_type = section.optional("type").and_then(|entry| entry.text().map(str::to_owned));
    // An audience of access tokens would let one pass for the proof of a sign-in.
    let reserved = if kind == Kind::AccessToken { audiences.as_slice() } else { &[] };
    let secondary = section.optional("secondary").and_then(|entry| entry.section());
    let secondary =
        secondary.map_or_else(SecondaryRules::default, |section| read_secondary(section, reserved));
    let wanted = keys::Wanted::of(&algorithms, &secondary.algorithms);
    let keys = keys::read(&mut section, &wanted, issuer.as_deref(), secrets);
    let shadow = shadow::of_bearer(&mut section, !scopes.is_empty(), max_token_age_ms.is_some());
    section.end();
    let rules = IssuerRules {
        issuer: issuer?,
        position,
        kind,
        algorithms,
        audiences,
        client_claim,
        scopes,
        clock_skew_ms,
        max_token_age_ms,
        token_type,
        secondary,
        shadow,
    };
    Some((rules, keys?))
}

impl Default for SecondaryRules {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::RS256],
            audiences: None,
            max_age_ms: Some(3_600_000),
            email_verified: false,
            shadow: SecondaryShadow::default(),
        }
    }
}

fn read_secondary(mut section: Section<'_>, reserved: &[String]) -> SecondaryRules {
    let algorithms = algorithms(&mut section);
    let audience = |entry: &Entry<'_>| match entry.text()? {
        text if reserved.iter().any(|audience| audience == text) => {
            entry.wrong("an audience of ID tokens", "one of the issuer's access tokens")
        }
        text => Some(text.to_owned()),
    };
    let audiences = section.optional("audiences").map(|entry| entry.filled_list(audience));
    let max_age_ms = match section.optional("max_age") {
        Some(entry) => {
            let is_off = entry.value().as_text() == Some("off");
            let age_ms = if is_off { None } else { entry.duration_ms(1000..=MAX_AGE_MS) };
            if is_off || age_ms.is_some() {
                advice::secondary_age(&entry, age_ms);
            }
            age_ms
        }
        None => Some(3_600_000),
    };
    let email_verified =
        section.optional("email_verified").and_then(|entry| entry.flag()).unwrap_or(false);
    let shadow = shadow::of_secondary(&mut section, max_age_ms.is_some(), email_verified);
    section.end();
    SecondaryRules { algorithms, audiences, max_age_ms, email_verified, shadow }
}

/// `algorithms`, RS256 unless said otherwise. `none` is not the name of one.
fn algorithms(section: &mut Section<'_>) -> Vec<Algorithm> {
    let mut seen = Vec::new();
    let read = |entry: &Entry<'_>| {
        let text = entry.text()?;
        let Some(algorithm) = key::algorithm(text) else {
            let help = key::unsupported(text).map(|what| format!("{what} is not supported"));
            return entry.mistaken(
                format!("expected {KNOWN}, found `{text}`"),
                help.or_else(|| {
                    spelling::nearest(text, KNOWN.split([',', ' '])).map(spelling::question)
                }),
            );
        };
        if seen.contains(&algorithm) {
            // `Ed25519` is `EdDSA` (RFC 9864).
            let first = Some(key::name(algorithm)).filter(|name| *name != text);
            let first = first.map(|name| format!(", which is `{name}`,")).unwrap_or_default();
            return entry.wrong("every algorithm once", &format!("`{text}`{first} again"));
        }
        seen.push(algorithm);
        advice::algorithm(entry, algorithm);
        Some(algorithm)
    };
    section
        .optional("algorithms")
        .map_or_else(|| vec![Algorithm::RS256], |entry| entry.filled_list(read))
}

/// As they are told.
const KNOWN: &str =
    "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, HS256, HS384 or HS512";

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
