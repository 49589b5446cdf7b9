//! `shadow`: what is decided and logged, and not enforced. Of the whole policy until a date, or of a rule
//! that narrows further.
//!
//! What is ambiguous, not signed, of another issuer or about somebody else cannot be named alone: what
//! goes on under a rule in shadow is as safe as what goes on without that rule.

use super::advice;
use super::section::{Entry, Section};
use crate::rules::issuer::IssuerRules;
use crate::rules::shadow::{BearerShadow, LONGEST_MS, SecondaryShadow, ShadowRules};
use crate::time::clock::Now;
use crate::time::duration::DAY_MS;
use crate::time::instant;
use crate::time::timestamp::Time;

/// The `shadow` of the document.
pub(super) fn whole(mut section: Section<'_>, now: Now) -> Option<ShadowRules> {
    let until = section.required("until").and_then(|entry| until(&entry, now));
    section.end();
    until.map(|until_ms| ShadowRules { until_ms })
}

fn until(entry: &Entry<'_>, now: Now) -> Option<u64> {
    let Some(until_ms) = entry.value().as_text().and_then(instant::parse_ms) else {
        let found = entry.shown();
        return entry.mistaken(
            format!("expected a date such as `2026-12-20` or a moment such as `2026-12-20T09:00:00Z`, found {found}"),
            Some("it is the first moment at which the policy enforces; a date is its midnight in UTC".to_owned()),
        );
    };
    let (until, latest_ms) = (Time { unix_ms: until_ms }, now.unix_ms.saturating_add(LONGEST_MS));
    if until_ms <= latest_ms {
        advice::shadow(entry, until, now);
        return Some(until_ms);
    }
    let (days, latest) = (LONGEST_MS / DAY_MS, Time { unix_ms: latest_ms });
    entry.mistaken(
        format!("expected an end within {days} days, by {latest}, found {until}"),
        Some(
            "a policy in shadow guards no account; a later end can be written when that one is near"
                .to_owned(),
        ),
    )
}

/// The `shadow` of an issuer's bearers.
pub(super) fn of_bearer(
    section: &mut Section<'_>,
    scopes: bool,
    max_token_age: bool,
    step_up: bool,
) -> BearerShadow {
    let rules = [("scopes", scopes), ("max_token_age", max_token_age), ("step_up", step_up)];
    let [scopes, max_token_age, step_up] = listed(section, rules);
    BearerShadow { scopes, max_token_age, step_up }
}

/// The `shadow` of its secondary tokens.
pub(super) fn of_secondary(
    section: &mut Section<'_>,
    max_age: bool,
    email_verified: bool,
) -> SecondaryShadow {
    let rules = [("max_age", max_age), ("email_verified", email_verified)];
    let [max_age, email_verified] = listed(section, rules);
    SecondaryShadow { max_age, email_verified }
}

/// Which of these rules are in the list `shadow`, each with whether it asks for anything.
fn listed<const N: usize>(section: &mut Section<'_>, rules: [(&str, bool); N]) -> [bool; N] {
    let Some(list) = section.optional("shadow") else { return [false; N] };
    let mut seen = Vec::new();
    list.filled_list(|entry| {
        let (name, asks) = entry.one_of(&rules.map(|(name, asks)| (name, (name, asks))))?;
        if seen.contains(&name) {
            return entry.wrong("every rule once", &format!("`{name}` again"));
        }
        seen.push(name);
        if asks {
            advice::rule_in_shadow(entry, name);
            return Some(());
        }
        let help = "without it there is nothing to log: take it out of the list".to_owned();
        entry.mistaken(
            format!("expected a rule that asks for something, found `{name}`, which does not"),
            Some(help),
        )
    });
    rules.map(|(name, _)| seen.contains(&name))
}

impl IssuerRules {
    /// Its rules in shadow, by where they stand in the document.
    pub(crate) fn in_shadow(&self) -> Vec<String> {
        let (bearer, secondary) = (self.shadow, self.secondary.shadow);
        let rules = [
            ("scopes", bearer.scopes),
            ("max_token_age", bearer.max_token_age),
            ("step_up", bearer.step_up),
            ("secondary.max_age", secondary.max_age),
            ("secondary.email_verified", secondary.email_verified),
        ];
        let named = rules.into_iter().filter(|(_, in_shadow)| *in_shadow);
        named.map(|(rule, _)| format!("issuers[{}].{rule}", self.position)).collect()
    }
}
