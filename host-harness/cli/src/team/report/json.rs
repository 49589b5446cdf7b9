//! The report for programs: one object in one line. `docs/commands.md` tells its members.

use serde::Serialize;

use super::{Parts, counts, deciding, file_of};
use crate::document::Shadow;
use crate::team::coverage::Coverage;
use crate::team::run::{Outcome, Ran, Verdict};

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.test/1";

#[derive(Serialize)]
struct Whole {
    schema: &'static str,
    cases: usize,
    failed: usize,
    broken: usize,
    left_out: usize,
    results: Vec<Case>,
    coverage: Vec<Policy>,
    shadows: Vec<InShadow>,
}

#[derive(Serialize)]
struct InShadow {
    policy: String,
    until: Option<String>,
    rules: Vec<String>,
}

#[derive(Serialize)]
struct Case {
    file: String,
    line: Option<usize>,
    title: String,
    policy: Option<String>,
    holds: bool,
    took_ms: u128,
    expected: Judged,
    found: Option<Judged>,
    status: Option<u16>,
    rules: Vec<String>,
    differences: Vec<Difference>,
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Judged {
    outcome: Option<String>,
    reason: Option<String>,
    cause: Option<String>,
}

#[derive(Serialize)]
struct Difference {
    what: String,
    expected: String,
    found: String,
}

#[derive(Serialize)]
struct Policy {
    #[serde(rename = "policy")]
    name: String,
    rules: Vec<Rule>,
    reasons: Vec<Seen>,
}

#[derive(Serialize)]
struct Rule {
    key: String,
    line: Option<usize>,
    shown_by: String,
    touched: bool,
}

#[derive(Serialize)]
struct Seen {
    reason: &'static str,
    seen: bool,
}

/// The report in its JSON form.
pub(crate) fn text(parts: &Parts<'_>) -> String {
    let Parts { ran, coverage, shadows, .. } = *parts;
    let in_shadow = |shadow: &Shadow| InShadow {
        policy: shadow.policy.clone(),
        until: shadow.until.clone(),
        rules: shadow.rules.clone(),
    };
    let counts = counts(&ran.outcomes);
    let whole = Whole {
        schema: SCHEMA,
        cases: counts.cases,
        failed: counts.failed,
        broken: counts.broken,
        left_out: ran.left_out,
        results: ran.outcomes.iter().map(|outcome| case(ran, outcome)).collect(),
        coverage: coverage.iter().map(policy).collect(),
        shadows: shadows.iter().map(in_shadow).collect(),
    };
    // Every member is text, a number, a flag or a list of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

fn case(ran: &Ran, outcome: &Outcome) -> Case {
    let wanted = outcome.case.wanted.clone();
    let expected = Judged { outcome: wanted.outcome, reason: wanted.reason, cause: wanted.cause };
    let policy = ran.gathered.policy_of(outcome.file);
    let case = Case {
        file: file_of(&ran.gathered, outcome),
        line: outcome.case.line,
        title: outcome.case.case.title.clone(),
        policy: policy.map(|policy| policy.document.name().to_owned()),
        holds: outcome.holds(),
        took_ms: outcome.took.as_millis(),
        expected,
        found: None,
        status: None,
        rules: Vec::new(),
        differences: Vec::new(),
        trouble: None,
    };
    match &outcome.verdict {
        Verdict::Broken(trouble) => Case { trouble: Some(trouble.to_string()), ..case },
        Verdict::Played(played) => {
            let record = &played.record;
            let found = Judged {
                outcome: Some(record.outcome.name().to_owned()),
                reason: Some(record.reason.clone()),
                cause: Some(record.cause.clone()),
            };
            let difference = |one: &linkgate_cases::Difference| Difference {
                what: one.what.clone(),
                expected: one.expected.clone(),
                found: one.found.clone(),
            };
            let rules =
                if outcome.holds() { Vec::new() } else { deciding(&ran.gathered, outcome, played) };
            Case {
                found: Some(found),
                status: record.status,
                rules,
                differences: played.differences.iter().map(difference).collect(),
                ..case
            }
        }
    }
}

fn policy(coverage: &Coverage) -> Policy {
    let rules = coverage.rules.iter().map(|rule| Rule {
        key: rule.key.clone(),
        line: rule.line,
        shown_by: rule.shown_by.clone(),
        touched: rule.touched,
    });
    let reasons = coverage.reasons.iter();
    Policy {
        name: coverage.policy.clone(),
        rules: rules.collect(),
        reasons: reasons
            .map(|(reason, seen)| Seen { reason: reason.name(), seen: *seen })
            .collect(),
    }
}
