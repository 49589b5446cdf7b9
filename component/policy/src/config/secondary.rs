//! `issuers[].secondary`: what the token of the second account has to be.

use super::advice;
use super::algorithms::algorithms;
use super::section::{Entry, MAX_AGE_MS, Section};
use super::shadow;
use super::step_up;
use crate::rules::issuer::SecondaryRules;
use crate::rules::names::Names;

/// Reads the section. `reserved` are audiences of access tokens: one of them here would let an access token pass for
/// the proof of a sign-in.
pub(super) fn read(mut section: Section<'_>, reserved: &[String]) -> SecondaryRules {
    let algorithms = algorithms(&mut section);
    let audience = |entry: &Entry<'_>| match entry.text()? {
        text if reserved.iter().any(|audience| audience == text) => {
            entry.wrong("an audience of ID tokens", "one of the issuer's access tokens")
        }
        text => Some(text.to_owned()),
    };
    let audiences = section.optional("audiences").map(|entry| entry.filled_list(audience));
    let audiences = audiences.map(Names::from_iter);
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
    let require_auth_time = section
        .optional("require")
        .and_then(|entry| entry.one_of(&[("auth_time", true)]))
        .unwrap_or(false);
    let email_verified =
        section.optional("email_verified").and_then(|entry| entry.flag()).unwrap_or(false);
    let actors = step_up::actors(&mut section);
    let shadow = shadow::of_secondary(&mut section, max_age_ms.is_some(), email_verified);
    section.end();
    SecondaryRules {
        algorithms,
        audiences,
        max_age_ms,
        require_auth_time,
        email_verified,
        actors,
        shadow,
    }
}
