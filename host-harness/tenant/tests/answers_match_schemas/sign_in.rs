//! Discovery, keys and the token endpoint.

use linkgate_tenant::Request;
use serde_json::{Value, json};

use crate::row::{Row, row};
use crate::world::*;

pub(crate) const WELL_KNOWN: &[Row] = &[
    row("discovery", 200, "openid-configuration.json", |_| {
        Request::new("GET", "/.well-known/openid-configuration")
    }),
    row("key set", 200, "jwks.json", |_| Request::new("GET", "/.well-known/jwks.json")),
    row("key set after a rotation", 200, "jwks.json", |world| {
        world.tenant.rotate_key(strange_key().clone());
        Request::new("GET", "/.well-known/jwks.json")
    }),
];

pub(crate) const SIGN_IN: &[Row] = &[
    row("user, JSON", 200, "token-user.json", |_| token_request(&password(&json!({})))),
    row("user, form", 200, "token-user.json", |_| {
        let form = "grant_type=password&client_id=spa&username=alice%40example.com&password=alice-pw\
                    &audience=http%3A%2F%2F127.0.0.1%3A8080%2Fapi%2Fv2%2F&scope=openid+read%3Acurrent_user";
        Request::new("POST", "/oauth/token").with_body("application/x-www-form-urlencoded", form)
    }),
    row("user by id", 200, "token-user.json", |_| {
        token_request(&password(&json!({"username": ALICE_GOOGLE, "password": "alice-google-pw"})))
    }),
    row("user without scope", 200, "token-user.json", |_| {
        token_request(&password(&json!({"scope": null})))
    }),
    row("user without openid", 200, "token-user-access.json", |_| {
        token_request(&password(&json!({"scope": "read:current_user update:users"})))
    }),
    row("user without audience", 200, "token-user-opaque.json", |_| {
        token_request(&password(
            &json!({"audience": null, "scope": "openid update:current_user_identities"}),
        ))
    }),
    row("machine", 200, "token-machine.json", |_| token_request(&machine_secret(&json!({})))),
    row("machine, one scope", 200, "token-machine.json", |_| {
        token_request(&machine_secret(&json!({"scope": "read:users delete:users"})))
    }),
    row("wrong password", 403, "oauth-error.json", |_| {
        token_request(&password(&json!({"password": "guess"})))
    }),
    row("nobody", 403, "oauth-error.json", |_| {
        token_request(&password(&json!({"username": "nobody@example.com"})))
    }),
    row("unknown client", 401, "oauth-error.json", |_| {
        token_request(&password(&json!({"client_id": "stranger"})))
    }),
    row("machine with a password", 403, "oauth-error.json", |_| {
        token_request(&password(&json!({"client_id": "machine"})))
    }),
    row("wrong secret", 401, "oauth-error.json", |_| {
        token_request(&machine_secret(&json!({"client_secret": "guess"})))
    }),
    row("page with a secret", 403, "oauth-error.json", |_| {
        token_request(&machine_secret(&json!({"client_id": "spa"})))
    }),
    row("unknown audience", 403, "oauth-error.json", |_| {
        token_request(&password(&json!({"audience": "https://other.example/"})))
    }),
    row("no grant type", 400, "oauth-error.json", |_| token_request(&json!({}))),
    row("unknown grant type", 403, "oauth-error.json", |_| {
        token_request(&json!({"grant_type": "implicit"}))
    }),
    row("no password", 400, "oauth-error.json", |_| {
        token_request(&password(&json!({"password": 7})))
    }),
    row("broken JSON", 400, "oauth-error.json", |_| {
        Request::new("POST", "/oauth/token").with_body("application/json", "{\"grant_type\"")
    }),
    row("text", 415, "oauth-error.json", |_| {
        Request::new("POST", "/oauth/token").with_body("text/plain", "hello")
    }),
];

pub(crate) fn token_request(body: &Value) -> Request {
    Request::new("POST", "/oauth/token").with_json(body)
}

pub(crate) fn password(changes: &Value) -> Value {
    let fields = json!({
        "grant_type": "password", "client_id": "spa", "username": "alice@example.com", "password": "alice-pw",
        "audience": format!("{ISSUER}api/v2/"), "scope": "openid profile email read:current_user update:users",
    });
    Value::Object(changed(fields.as_object().cloned().unwrap(), changes))
}

pub(crate) fn machine_secret(changes: &Value) -> Value {
    let fields = json!({
        "grant_type": "client_credentials", "client_id": "machine", "client_secret": "machine-secret",
        "audience": format!("{ISSUER}api/v2/"),
    });
    Value::Object(changed(fields.as_object().cloned().unwrap(), changes))
}
