//! The report for programs: `linkgate.diff/1`.

use serde_json::{Value, json};

use super::{Change, Difference, Kind, Report};
use crate::replay;

pub(crate) fn text(report: &Report) -> String {
    let word =
        |change: &Change| json!({ "key": change.key, "place": change.place, "text": change.text });
    let of_kind = |kind: Kind| -> Vec<Value> {
        report.tally.differences.iter().filter(|one| one.kind == kind).map(difference).collect()
    };
    let log = report.log.as_ref().map(replay::json::text);
    let log = log.and_then(|log| serde_json::from_str::<Value>(&log).ok());
    json!({
        "schema": "linkgate.diff/1",
        "words": report.words.iter().map(word).collect::<Vec<_>>(),
        "opened": of_kind(Kind::Opened),
        "refused": of_kind(Kind::Refused),
        "changed": of_kind(Kind::Changed),
        "untried": report.untried().map(|change| &change.place).collect::<Vec<_>>(),
        "generated": report.tally.generated,
        "cases": report.tally.cases,
        "log": log,
    })
    .to_string()
}

fn difference(one: &Difference) -> Value {
    json!({
        "rule": one.rule, "example": one.example, "request": one.request,
        "was": one.was, "would_be": one.would_be, "count": one.count,
    })
}
