//! Bearers, Get a user, Update a user.

use linkgate_tenant::Request;
use serde_json::json;

use crate::row::{Row, row};
use crate::sign_in::{password, token_request};
use crate::world::*;

pub(crate) const BEARER: &[Row] = &[
    row("no token", 401, "error-401.json", |_| Request::new("GET", &path(ALICE))),
    row("basic", 401, "error-401.json", |_| {
        Request::new("GET", &path(ALICE)).with_header("Authorization", "Basic YTpi")
    }),
    row("opaque token", 400, "error-400.json", |_| read(ALICE, "opaque")),
    row("two tokens", 400, "error-400.json", |world| {
        let bearer = world.access(ALICE, &["read:current_user"]);
        read(ALICE, &bearer).with_bearer(&bearer)
    }),
    row("expired", 401, "error-401.json", |world| {
        let validity = linkgate_tenant::Validity::expired(NOW);
        read(
            ALICE,
            &world
                .tenant
                .mint_access_token(ALICE, "spa", &["read:current_user"], validity)
                .unwrap(),
        )
    }),
    row("another tenant's", 401, "error-401.json", |world| {
        let claims = claims_of(&world.access(ALICE, &["read:current_user"]));
        read(ALICE, &strange_key().sign(&claims).unwrap())
    }),
    row("HS256", 401, "error-401.json", |world| {
        read(ALICE, &with_hs256(&world.access(ALICE, &["read:current_user"])))
    }),
    row("ID token", 401, "error-401.json", |world| read(ALICE, &world.id_token(ALICE))),
];

pub(crate) const READ: &[Row] = &[
    row("own profile", 200, "user.json", |world| {
        read(ALICE, &world.access(ALICE, &["read:current_user"]))
    }),
    row("any profile, by a machine", 200, "user.json", |world| {
        read(JOHN, &world.machine(&["read:users"]))
    }),
    row("profile without metadata", 200, "user.json", |world| {
        read(BOB, &world.machine(&["read:users"]))
    }),
    row("linked identities", 200, "user.json", |world| {
        read(CAROL, &world.machine(&["read:users"]))
    }),
    row("providers' tokens", 200, "user.json", |world| {
        read(ALICE_GOOGLE, &world.machine(&["read:user_idp_tokens"]))
    }),
    row("profile after signing in", 200, "user.json", |world| {
        assert_eq!(world.send(&token_request(&password(&json!({})))).status, 200);
        read(ALICE, &world.machine(&["read:users"]))
    }),
    row("some fields", 200, "user-fields.json", |world| {
        let bearer = world.machine(&["read:users"]);
        Request::new("GET", "/api/v2/users/auth0%7Calice-5f7c8ec7?fields=user_metadata,user_id")
            .with_bearer(&bearer)
    }),
    row("all but some fields", 200, "user-fields.json", |world| {
        let bearer = world.machine(&["read:users"]);
        let target = "/api/v2/users/auth0|alice-5f7c8ec7?fields=identities&include_fields=false";
        Request::new("GET", target).with_bearer(&bearer)
    }),
    row("odd include_fields", 400, "error-400.json", |world| {
        let bearer = world.machine(&["read:users"]);
        Request::new("GET", "/api/v2/users/auth0|alice-5f7c8ec7?include_fields=maybe")
            .with_bearer(&bearer)
    }),
    row("unknown parameter", 400, "error-400.json", |world| {
        let bearer = world.machine(&["read:users"]);
        Request::new("GET", "/api/v2/users/auth0|alice-5f7c8ec7?depth=2").with_bearer(&bearer)
    }),
    row("somebody else's profile", 403, "error-403.json", |world| {
        read(BOB, &world.access(ALICE, &["read:current_user"]))
    }),
    row("no scope to read", 403, "error-403.json", |world| read(ALICE, &world.access(ALICE, &[]))),
    row("profile of no account", 404, "error-404.json", |world| {
        read("auth0|nobody", &world.machine(&["read:users"]))
    }),
];

pub(crate) const UPDATE: &[Row] = &[
    row("own metadata", 200, "user.json", |world| {
        let bearer = world.access(ALICE, &["update:current_user_metadata"]);
        patch(ALICE, &bearer, &json!({"user_metadata": {"size": "xl"}}))
    }),
    row("both metadata", 200, "user.json", |world| {
        let bearer = world.machine(&["update:users"]);
        patch(
            BOB,
            &bearer,
            &json!({"user_metadata": {"a": {"b": [1, null]}}, "app_metadata": {"c": 1.5}}),
        )
    }),
    row("wipe", 200, "user.json", |world| {
        patch(ALICE, &world.machine(&["update:users"]), &json!({"user_metadata": {}}))
    }),
    row("metadata in a form", 200, "user.json", |world| {
        let bearer = world.access(ALICE, &["update:current_user_metadata"]);
        Request::new("PATCH", &path(ALICE))
            .with_bearer(&bearer)
            .with_body("application/x-www-form-urlencoded", "user_metadata%5Bsize%5D=xl")
    }),
    row("unknown member", 400, "error-400.json", |world| {
        patch(ALICE, &world.machine(&["update:users"]), &json!({"metadata": {}}))
    }),
    row("metadata that is no object", 400, "error-400.json", |world| {
        patch(ALICE, &world.machine(&["update:users"]), &json!({"user_metadata": null}))
    }),
    row("forbidden key", 400, "error-400.json", |world| {
        patch(ALICE, &world.machine(&["update:users"]), &json!({"user_metadata": {"a.b": 1}}))
    }),
    row("no object", 400, "error-400.json", |world| {
        patch(ALICE, &world.machine(&["update:users"]), &json!([]))
    }),
    row("somebody else's metadata", 403, "error-403.json", |world| {
        let bearer = world.access(MALLORY, &["update:current_user_metadata"]);
        patch(ALICE, &bearer, &json!({"user_metadata": {}}))
    }),
    row("own app_metadata", 403, "error-403.json", |world| {
        let bearer = world.access(MALLORY, &["update:current_user_metadata"]);
        patch(MALLORY, &bearer, &json!({"app_metadata": {"plan": "gold"}}))
    }),
    row("metadata of no account", 404, "error-404.json", |world| {
        patch("auth0|nobody", &world.machine(&["update:users"]), &json!({"user_metadata": {}}))
    }),
];
