//! The report for programs: `linkgate.replay/1`.

use linkgate_policy::Cause;
use serde_json::{Value, json};

use super::{Change, Report, WouldBe};

pub(crate) fn text(report: &Report) -> String {
    let shadow = report.shadow.as_ref();
    let why = |(why, count): (&super::Why, &u64)| json!({ "why": why.text(), "count": count });
    json!({
        "schema": "linkgate.replay/1",
        "unchanged": report.unchanged,
        "changed": report.changes.len(),
        "not_judgeable": report.unjudged(),
        "not_judgeable_why": report.not_judgeable.iter().map(why).collect::<Vec<_>>(),
        "shadow_until": shadow.and_then(|shadow| shadow.until.as_ref()),
        "rules_in_shadow": shadow.map(|shadow| shadow.rules.as_slice()).unwrap_or_default(),
        "first_foreign_line": report.first_foreign,
        "changes": report.changes.iter().map(change).collect::<Vec<_>>(),
    })
    .to_string()
}

fn change(change: &Change) -> Value {
    let Change { line, logged, was, would_be, missed } = change;
    let missed: Vec<String> = missed.iter().map(|denial| Cause::Denied(*denial).name()).collect();
    json!({
        "line": line,
        "time": logged.line.time,
        "route": logged.line.route,
        "method": logged.line.method,
        "path": logged.line.path,
        "subject": logged.line.subject,
        "trace_id": logged.line.trace_id,
        "was": decision(*was),
        "would_be": match would_be {
            WouldBe::Decided(cause) => decision(*cause),
            WouldBe::Token => json!({ "outcome": null, "cause": null, "reason": null }),
        },
        "missed": missed,
    })
}

fn decision(cause: Cause) -> Value {
    let outcome = cause.outcome().name();
    json!({ "outcome": outcome, "cause": cause.name(), "reason": cause.reason_code() })
}
