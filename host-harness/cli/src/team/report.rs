//! What `linkgate test` reports, in four forms.

pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod junit;

use super::coverage::Coverage;
use super::expectation::Expectation;
use super::fixture;
use super::run::{Gathered, Outcome, Played, Ran, Verdict};
use crate::document::Document;
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

/// A policy that enforces nothing yet, or not all its rules: cases show what it will decide.
pub(crate) struct Shadow {
    pub(crate) policy: String,
    pub(crate) line: Option<usize>,
    /// Until when nothing of it is enforced.
    pub(crate) until: Option<String>,
    /// Rules that are in shadow by themselves.
    pub(crate) rules: Vec<String>,
}

impl Shadow {
    /// The policies in shadow, whole or in part.
    pub(crate) fn of(ran: &Ran) -> Vec<Self> {
        let policies = ran.gathered.policies.iter().map(|policy| &policy.document);
        let shadow = |document: &Document| {
            let until = document.in_shadow_until();
            let (rules, first) = document.rules_in_shadow();
            let whole = until.as_ref().and_then(|_| document.line_of("/shadow"));
            let is_one = until.is_some() || !rules.is_empty();
            let policy = document.name().to_owned();
            is_one.then_some(Self { policy, line: whole.or(first), until, rules })
        };
        policies.filter_map(shadow).collect()
    }

    /// In words, without the policy's name.
    fn text(&self) -> String {
        let whole = self.until.as_ref();
        let whole = whole.map(|until| format!("in shadow until {until}: nothing is enforced"));
        let rules = self.rules.join(", ");
        let rules = (!rules.is_empty()).then(|| format!("rules in shadow: {rules}"));
        whole.into_iter().chain(rules).collect::<Vec<_>>().join("; ")
    }

    /// In words.
    pub(crate) fn line(&self) -> String {
        match self.until {
            Some(_) => {
                format!("`{}` is {}, and cases show what it decides\n", self.policy, self.text())
            }
            None => format!("`{}` has {}: logged and not enforced\n", self.policy, self.text()),
        }
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
