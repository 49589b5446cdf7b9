//! Policy documents.

use serde_json::{Value, json};

use crate::mint::Mint;

/// A policy that trusts the mint and `keys`. Whatever has a default stays unsaid.
pub(crate) fn document(mint: &Mint, issuer: &str, keys: &[Value]) -> Value {
    let mut keys = keys.to_vec();
    keys.push(mint.jwk());
    json!({
        "version": 1,
        "issuers": [{
            "issuer": issuer,
            "audiences": [mint.audience()],
            "keys": { "jwks": { "keys": keys } },
            // A soak may last longer than an hour after the people have signed in.
            "secondary": { "max_age": "10h" },
        }],
        "profile": "read-own",
        "pass": [PASS],
        "cors": { "origins": [ORIGIN], "max_age": "10m" },
    })
}

/// The prefix that is passed on: where the tenant has its keys.
pub(crate) const PASS: &str = "/.well-known";

/// The page that may read answers.
pub(crate) const ORIGIN: &str = "http://localhost:3000";

/// The same decisions in other words: defaults are said, members and keys stand in another order. One
/// thing can be seen from outside: how long a browser may keep a preflight's answer.
pub(crate) fn reworded(document: &Value) -> Value {
    let mut reworded = document.clone();
    for (pointer, name, value) in [
        ("", "base_path", json!("/api/v2")),
        ("", "upstream_timeout", json!("10000ms")),
        ("", "log", json!({ "subjects": "plain" })),
        ("/cors", "max_age", json!("11m")),
        ("/cors", "origins", json!(["https://elsewhere.example", ORIGIN])),
        ("/issuers/0", "kind", json!("access-token")),
        ("/issuers/0", "algorithms", json!(["RS256"])),
        ("/issuers/0", "clock_skew", json!("30s")),
    ] {
        if let Some(Value::Object(members)) = reworded.pointer_mut(pointer) {
            members.insert(name.to_owned(), value);
        }
    }
    if let Some(Value::Array(keys)) = reworded.pointer_mut("/issuers/0/keys/jwks/keys") {
        keys.reverse();
    }
    reworded
}

/// Documents that do not compile. Each would open the gate, or close it, if any of it were taken over.
pub(crate) fn broken(document: &Value) -> Vec<String> {
    let changed = |name: &str, value: Value| {
        let mut changed = document.clone();
        if let Value::Object(members) = &mut changed {
            members.insert(name.to_owned(), value);
        }
        changed.to_string()
    };
    let whole = document.to_string();
    let half = whole.len() / 2;
    vec![
        whole.chars().take(half).collect(),
        changed("pass", json!(["/api/v2/users"])),
        changed("issuers", json!([])),
        changed("shadow", json!(true)),
    ]
}
