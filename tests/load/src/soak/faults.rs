//! What the tenant is asked to do wrong.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use hyper::Method;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::Attempt;
use crate::client::{Call, Client, Spoken};

/// An answer in the tenant's place, known again by its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Injected {
    pub(super) status: u16,
    pub(super) mark: &'static str,
}

/// Before the effect: there is none.
pub(super) const BEFORE: Injected = Injected { status: 429, mark: "injected before the effect" };

/// After it: the tenant's own answer is lost.
pub(super) const AFTER: Injected = Injected { status: 502, mark: "injected after the effect" };

/// The operations that are hit: all that the gate forwards or passes.
const OPERATIONS: [&str; 4] = ["link", "unlink", "read_user", "jwks"];

/// Asks for all faults at random: about one request in four is hit by something.
pub(super) async fn ask_for(tenant: SocketAddr, seed: u64) -> Attempt<()> {
    let mut rules = Vec::new();
    for operation in OPERATIONS {
        for (probability, fault) in faults() {
            let seed = seed.wrapping_add(rules.len() as u64);
            rules.push(json!({
                "operation": operation, "probability": probability, "seed": seed, "fault": fault
            }));
        }
    }
    let body = json!({ "faults": rules }).to_string();
    ask(tenant, Method::POST, 201, body.into()).await.map(drop)
}

/// Each fault with its probability.
fn faults() -> Vec<(f64, Value)> {
    let status = |at: &str, injected: Injected| {
        let Injected { status, mark } = injected;
        json!({ "status": { "at": at, "status": status, "body": { "statusCode": status, "message": mark } } })
    };
    vec![
        (0.08, json!({ "delay": { "at": "before_effect", "ms": 40 } })),
        (0.04, json!({ "delay": { "at": "after_effect", "ms": 120 } })),
        (0.04, status("before_effect", BEFORE)),
        (0.02, status("after_effect", AFTER)),
        (0.02, json!({ "reset": { "at": "before_effect" } })),
        (0.02, json!({ "reset": { "at": "after_effect" } })),
        (0.02, json!({ "cut_body": { "after_bytes": 9 } })),
    ]
}

/// How often each fault hit, by name. A hit counts even when an earlier one left nothing to do.
pub(super) async fn fired(tenant: SocketAddr) -> Attempt<BTreeMap<String, u64>> {
    let report: Value = serde_json::from_slice(&ask(tenant, Method::GET, 200, Bytes::new()).await?)
        .map_err(|error| error.to_string())?;
    let mut fired = BTreeMap::new();
    for rule in report.get("faults").and_then(Value::as_array).into_iter().flatten() {
        let count = rule.get("fired").and_then(Value::as_u64).unwrap_or_default();
        let names = rule.get("fault").and_then(Value::as_object);
        for name in names.into_iter().flat_map(serde_json::Map::keys) {
            *fired.entry(name.clone()).or_default() += count;
        }
    }
    Ok(fired)
}

async fn ask(tenant: SocketAddr, method: Method, status: u16, body: Bytes) -> Attempt<Vec<u8>> {
    let call = Call {
        method,
        target: "/__faults".to_owned(),
        headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
        body,
    };
    let answer = Client::new(tenant, Spoken::Http1).exchange(&call).await;
    answer.answered(status).map(|reply| reply.body).map_err(|error| format!("faults: {error}"))
}
