//! What `linkgate test` reports, in four forms.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod junit;

use super::coverage::Coverage;
use super::expectation::Expectation;
use super::fixture;
use super::run::{Gathered, Outcome, Played, Ran, Verdict};
use crate::document::Shadow;
use crate::rules;

/// `cases/link.yaml:12`.
fn place(gathered: &Gathered, outcome: &Outcome) -> String {
    let file = file_of(gathered, outcome);
    outcome.case.line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"))
}

fn file_of(gathered: &Gathered, outcome: &Outcome) -> String {
    let file = gathered.files.get(outcome.file);
    file.map(|file| file.document.name().to_owned()).unwrap_or_default()
}

/// The policies in shadow, whole or in part: cases show what they will decide.
pub(crate) fn shadows(ran: &Ran) -> Vec<Shadow> {
    ran.gathered.policies.iter().filter_map(|policy| policy.document.shadow()).collect()
}

/// One of them in words, without the policy's name.
fn in_words(shadow: &Shadow) -> String {
    let whole = shadow.until.as_ref();
    let whole = whole.map(|until| format!("in shadow until {until}: nothing is enforced"));
    whole.into_iter().chain(shadow.of_rules()).collect::<Vec<_>>().join("; ")
}

/// One of them in words, with it.
pub(crate) fn in_shadow(shadow: &Shadow) -> String {
    let (policy, text) = (&shadow.policy, in_words(shadow));
    match shadow.until {
        Some(_) => format!("`{policy}` is {text}, and cases show what it decides\n"),
        None => format!("`{policy}` has {text}: logged and not enforced\n"),
    }
}

/// What was expected, in words: `denied, link-with-too-old`.
fn expected(wanted: &Expectation) -> String {
    let cause = wanted.cause.as_ref().filter(|cause| wanted.reason.as_ref() != Some(*cause));
    let words = [wanted.outcome.as_deref(), wanted.reason.as_deref()];
    let mut text = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if let Some(cause) = cause {
        text = format!("{text} (cause {cause})");
    }
    text
}

/// What was found, likewise, and what the client gets.
fn found(played: &Played) -> String {
    let record = &played.record;
    let cause = if record.cause == record.reason {
        String::new()
    } else {
        format!(" (cause {})", record.cause)
    };
    let status = record.status.map(|status| format!("; the client gets {status}"));
    format!("{}, {}{cause}{}", record.outcome.name(), record.reason, status.unwrap_or_default())
}

/// The rules that decide between the two, each with its place in the policy.
fn deciding(gathered: &Gathered, outcome: &Outcome, played: &Played) -> Vec<String> {
    let Some(policy) = gathered.policy_of(outcome.file) else { return Vec::new() };
    let wanted = &outcome.case.wanted;
    let of_cause = wanted.cause.as_deref().and_then(rules::key_of);
    let of_reason = || wanted.reason.as_deref().and_then(rules::key_of_reason);
    let of_found = rules::key_of(&played.record.cause);
    let issuer = fixture::issuer_of(policy, played.record.issuer.as_deref());
    let keys = [of_cause.or_else(of_reason), of_found];
    let mut places = Vec::new();
    for key in keys.into_iter().flatten() {
        let place = rules::place(&policy.document, key, issuer);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// Whether the verdict itself is another than expected.
fn is_judged_otherwise(played: &Played) -> bool {
    played.differences.iter().any(|difference| is_of_verdict(&difference.what))
}

fn is_of_verdict(what: &str) -> bool {
    ["outcome", "cause", "reason"].contains(&what)
}

/// What a report is made of.
pub(crate) struct Parts<'a> {
    pub(crate) ran: &'a Ran,
    /// Empty where a filter left cases out.
    pub(crate) coverage: &'a [Coverage],
    pub(crate) shadows: &'a [Shadow],
    /// A rule that no case shows is a failure.
    pub(crate) denies_untouched: bool,
    /// A policy in shadow is one.
    pub(crate) denies_shadow: bool,
}

/// The counts that every form has.
struct Counts {
    cases: usize,
    failed: usize,
    broken: usize,
}

fn counts<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Counts {
    let mut counts = Counts { cases: 0, failed: 0, broken: 0 };
    for outcome in outcomes {
        counts.cases += 1;
        match &outcome.verdict {
            Verdict::Broken(_) => counts.broken += 1,
            Verdict::Played(_) if !outcome.holds() => counts.failed += 1,
            Verdict::Played(_) => {}
        }
    }
    counts
}
