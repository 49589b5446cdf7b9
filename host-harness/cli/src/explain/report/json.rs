//! The explanation for programs: one object in one line. `docs/commands.md` tells its members.

use linkgate_policy::Time;
use serde::Serialize;

use crate::explain::steps::{Explanation, Step};

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.explain/1";

#[derive(Serialize)]
struct Whole<'a> {
    schema: &'static str,
    policy: &'a str,
    at: Time,
    pass: bool,
    signatures_verified: bool,
    outcome: &'static str,
    reason: &'a str,
    cause: &'a str,
    status: Option<u16>,
    steps: Vec<StepRow<'a>>,
    shadow_until: Option<Time>,
    missed: &'a [String],
    advice: Option<&'a str>,
}

#[derive(Serialize)]
struct StepRow<'a> {
    step: &'static str,
    state: &'static str,
    concluded: &'a str,
    rule: Option<&'a str>,
    saw: Vec<Seen<'a>>,
}

#[derive(Serialize)]
struct Seen<'a> {
    name: &'a str,
    value: &'a str,
}

/// The explanation in its JSON form.
pub(crate) fn text(explanation: &Explanation, policy: &str) -> String {
    let whole = Whole {
        schema: SCHEMA,
        policy,
        at: Time { unix_ms: explanation.at_s.saturating_mul(1000) },
        pass: explanation.is_pass(),
        signatures_verified: explanation.verified,
        outcome: explanation.outcome,
        reason: &explanation.reason,
        cause: &explanation.cause,
        status: explanation.status,
        steps: explanation.steps.iter().map(row).collect(),
        shadow_until: explanation.shadow_until_ms.map(|unix_ms| Time { unix_ms }),
        missed: &explanation.missed,
        advice: explanation.advice.as_deref(),
    };
    // Every member is text, a number, a flag or a list of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

fn row(step: &Step) -> StepRow<'_> {
    StepRow {
        step: step.stage.name(),
        state: step.state.name(),
        concluded: &step.concluded,
        rule: step.rule.as_deref(),
        saw: step.saw.iter().map(|(name, value)| Seen { name, value }).collect(),
    }
}
