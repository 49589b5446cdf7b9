//! The plan, what is held and what was received, as JSON.

use serde_json::{Map, Value, json};

use crate::handle::TenantHandle;

use super::plan::FaultCount;
use super::rule::When;

/// What `GET /__faults` answers with.
pub(crate) fn report(handle: &TenantHandle) -> Value {
    let faults: Vec<Value> = handle.fault_counts().iter().map(fault_json).collect();
    json!({ "faults": faults, "held": handle.held(), "received": handle.counts() })
}

/// A rule as it is written in a document, with its number and counts.
fn fault_json(count: &FaultCount) -> Value {
    let rule = &count.rule;
    let mut json = Map::new();
    let mut member = |name: &str, value: Value| json.insert(name.to_owned(), value);
    member("id", json!(count.id));
    member("operation", json!(rule.operation));
    member("fault", rule.fault.to_json());
    match rule.when {
        When::Every => {}
        When::Nth(nth) => {
            member("occurrence", json!(nth));
        }
        When::Random { probability, seed } => {
            member("probability", json!(probability));
            member("seed", json!(seed));
        }
    }
    if let Some(times) = rule.times {
        member("times", json!(times));
    }
    member("seen", json!(count.seen));
    member("fired", json!(count.fired));
    Value::Object(json)
}
