//! Link and unlink.

use linkgate_tenant::{MAX_BODY_BYTES, Request};
use serde_json::{Value, json};

use crate::row::{Row, row};
use crate::world::*;

pub(crate) const LINKING: &[Row] = &[
    row("link", 201, "identities-linked.json", |world| world.link(ALICE, ALICE_GOOGLE)),
    row("link the other way round", 201, "identities-linked.json", |world| {
        world.link(ALICE_GOOGLE, ALICE)
    }),
    row("link as jQuery does", 201, "identities-linked.json", |world| {
        let (bearer, token) = (world.access(ALICE, LINK), world.id_token(ALICE_GOOGLE));
        jquery_link(ALICE, &bearer, &token)
    }),
    row("link one that has identities", 201, "identities-linked.json", |world| {
        world.link(CAROL_LINKEDIN, CAROL)
    }),
    row("link by id", 201, "identities-linked.json", |world| {
        let bearer = world.machine(&["update:users", "read:user_idp_tokens"]);
        let (provider, user_id) = ALICE_GOOGLE.split_once('|').unwrap();
        link_body(ALICE, &bearer, &json!({"provider": provider, "user_id": user_id}))
    }),
    row("link by number", 201, "identities-linked.json", |world| {
        link_body(
            BOB,
            &world.machine(&["update:users"]),
            &json!({"provider": "github", "user_id": 583_231}),
        )
    }),
    row("link twice", 409, "error-409.json", |world| {
        let request = world.link(ALICE, ALICE_GOOGLE);
        assert_eq!(world.send(&request).status, 201);
        request
    }),
    row("link with oneself", 400, "error-400.json", |world| world.link(ALICE, ALICE)),
    row("link with garbage", 400, "error-400.json", |world| {
        link_with(ALICE, &world.access(ALICE, LINK), "garbage")
    }),
    row("link with no account", 400, "error-400.json", |world| world.link(ALICE, "auth0|nobody")),
    row("link with HS256", 400, "error-400.json", |world| {
        link_with(ALICE, &world.access(ALICE, LINK), &with_hs256(&world.id_token(ALICE_GOOGLE)))
    }),
    row("empty object", 400, "error-400.json", |world| {
        link_body(ALICE, &world.access(ALICE, LINK), &json!({}))
    }),
    row("both forms", 400, "error-400.json", |world| {
        let body = json!({"link_with": world.id_token(ALICE_GOOGLE), "provider": "github"});
        link_body(ALICE, &world.access(ALICE, LINK), &body)
    }),
    row("odd connection", 400, "error-400.json", |world| {
        let body = json!({"provider": "github", "user_id": "1", "connection_id": "con_1"});
        link_body(ALICE, &world.machine(&["update:users"]), &body)
    }),
    row("unknown id", 400, "error-400.json", |world| {
        link_body(
            ALICE,
            &world.machine(&["update:users"]),
            &json!({"provider": "github", "user_id": "1"}),
        )
    }),
    row("unknown id in a connection", 400, "error-400.json", |world| {
        let body =
            json!({"provider": "github", "user_id": "1", "connection_id": "con_0123456789abcDEF"});
        link_body(ALICE, &world.machine(&["update:users"]), &body)
    }),
    row("provider without connection", 400, "error-400.json", |world| {
        link_body(
            ALICE,
            &world.machine(&["update:users"]),
            &json!({"provider": "yandex", "user_id": "1"}),
        )
    }),
    row("somebody else's account", 403, "error-403.json", |world| {
        link_with(ALICE, &world.access(MALLORY, LINK), &world.id_token(MALLORY_GOOGLE))
    }),
    row("by id with a user's token", 403, "error-403.json", |world| {
        link_body(
            MALLORY,
            &world.access(MALLORY, LINK),
            &json!({"provider": "auth0", "user_id": "alice-5f7c8ec7"}),
        )
    }),
    row("no scope to link", 403, "error-403.json", |world| {
        link_with(
            ALICE,
            &world.access(ALICE, &["read:current_user"]),
            &world.id_token(ALICE_GOOGLE),
        )
    }),
    row("primary that is no account", 404, "error-404.json", |world| {
        link_with(
            "auth0|nobody",
            &world.machine(&["update:users"]),
            &world.id_token_but(BOB, &json!({"aud": "machine"})),
        )
    }),
    row("text body", 415, "error-415.json", |world| {
        let bearer = world.access(ALICE, LINK);
        Request::new("POST", &format!("{}/identities", path(ALICE)))
            .with_bearer(&bearer)
            .with_body("text/plain", "x")
    }),
    row("body over the limit", 413, "error-413.json", |world| {
        let body = vec![b' '; MAX_BODY_BYTES + 1];
        let bearer = world.access(ALICE, LINK);
        Request::new("POST", &format!("{}/identities", path(ALICE)))
            .with_bearer(&bearer)
            .with_body("application/json", body)
    }),
];

pub(crate) const UNLINKING: &[Row] = &[
    row("unlink", 200, "identities.json", |world| {
        unlink(CAROL, "twitter", "2244994945", &world.access(CAROL, LINK))
    }),
    row("unlink one of two", 200, "identities-linked.json", |world| {
        let request = world.link(CAROL, CAROL_LINKEDIN);
        assert_eq!(world.send(&request).status, 201);
        unlink(CAROL, "twitter", "2244994945", &world.machine(&["update:users"]))
    }),
    row("main identity", 400, "error-400.json", |world| {
        unlink(CAROL, "auth0", "carol-61aa03bc", &world.access(CAROL, LINK))
    }),
    row("identity of no account", 400, "error-400.json", |world| {
        unlink(CAROL, "github", "1", &world.access(CAROL, LINK))
    }),
    row("provider that is none", 400, "error-400.json", |world| {
        unlink(CAROL, "myspace", "1", &world.access(CAROL, LINK))
    }),
    row("somebody else's identity", 403, "error-403.json", |world| {
        unlink(CAROL, "twitter", "2244994945", &world.access(MALLORY, LINK))
    }),
    row("malformed path", 400, "error-400.json", |world| {
        Request::new("DELETE", "/api/v2/users/%zz/identities/github/1")
            .with_bearer(&world.machine(&["update:users"]))
    }),
    row("no such route", 404, "error-404.json", |world| {
        Request::new("DELETE", "/api/v2/users/").with_bearer(&world.machine(&["update:users"]))
    }),
];

pub(crate) fn link_body(user: &str, bearer: &str, body: &Value) -> Request {
    Request::new("POST", &format!("{}/identities", path(user))).with_bearer(bearer).with_json(body)
}

pub(crate) fn jquery_link(user: &str, bearer: &str, token: &str) -> Request {
    Request::new("POST", &format!("/api/v2/users/{user}/identities"))
        .with_bearer(bearer)
        .with_header("X-Requested-With", "XMLHttpRequest")
        .with_body("application/x-www-form-urlencoded; charset=UTF-8", format!("link_with={token}"))
}
