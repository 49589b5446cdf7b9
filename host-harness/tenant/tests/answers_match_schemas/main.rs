//! Every kind of answer against a JSON Schema of our own: status, members, types, exact texts and error codes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod identities;
mod row;
mod schema;
mod sign_in;
mod users;
#[path = "../world/mod.rs"]
mod world;

use serde_json::{Value, json};

use identities::{LINKING, UNLINKING};
use schema::Schemas;
use sign_in::{SIGN_IN, WELL_KNOWN, machine_secret, password, token_request};
use users::{BEARER, READ, UPDATE};
use world::*;

/// Below this, a table has been thinned out by mistake.
const AT_LEAST: usize = 80;

#[test]
fn every_answer_is_as_its_schema_has_it() {
    let schemas = Schemas::load();
    let tables = [WELL_KNOWN, SIGN_IN, READ, BEARER, UPDATE, LINKING, UNLINKING];
    let mut checked = 0;
    for row in tables.into_iter().flatten() {
        let mut world = World::new();
        let request = (row.ask)(&mut world);
        let answer = world.send(&request);
        let body = answer.body_json().unwrap();
        assert_eq!(answer.status, row.status, "{}: {body:#}", row.name);
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8"),
            "{}",
            row.name
        );
        schemas.check(row.schema, &body, row.name);
        checked += 1;
    }
    println!("{checked} requests answered as their schemas have it");
    assert!(
        checked >= AT_LEAST,
        "only {checked} requests are checked against a schema, {AT_LEAST} are due"
    );
}

#[test]
fn every_token_has_the_claims_its_schema_has() {
    let schemas = Schemas::load();
    let mut world = World::new();
    let user = world.send(&token_request(&password(&json!({})))).body_json().unwrap();
    let machine = world.send(&token_request(&machine_secret(&json!({})))).body_json().unwrap();
    let claims = |token: &Value| Value::Object(claims_of(token.as_str().unwrap()));
    schemas.check(
        "access-token-claims.json",
        &claims(&user["access_token"]),
        "user's access token",
    );
    schemas.check("id-token-claims.json", &claims(&user["id_token"]), "ID token");
    schemas.check(
        "machine-token-claims.json",
        &claims(&machine["access_token"]),
        "machine's access token",
    );
}

/// A schema that accepts everything would make every row green.
#[test]
fn the_schemas_refuse_what_is_not_theirs() {
    let schemas = Schemas::load();
    let answers = schemas
        .names()
        .filter(|name| *name != "provider.json")
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let strangers = [
        json!({"surprise": 1}),
        json!([]),
        json!([{"provider": "auth0"}]),
        json!("text"),
        Value::Null,
    ];
    for name in answers {
        for stranger in &strangers {
            assert!(!schemas.errors(&name, stranger).is_empty(), "{name} accepts {stranger}");
        }
    }
}
