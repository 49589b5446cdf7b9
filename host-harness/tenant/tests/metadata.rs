//! What becomes of metadata: merged at the first level, wiped by `{}`, destroyed by a link, not given back by an unlink.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::Request;
use serde_json::{Value, json};

use world::*;

fn updated(user: &str, scopes: &[&str], body: &Value) -> (u16, Value) {
    let mut world = World::new();
    let bearer = world.access(user, scopes);
    let status = world.send(&patch(user, &bearer, body)).status;
    (status, world.metadata(user))
}

const OWN: &[&str] = &["update:current_user_metadata"];

#[test]
fn keys_are_merged_at_the_first_level() {
    let patch = json!({"user_metadata": {"size": "xl", "addresses": {"work": "100 Industrial Way"}, "tags": []}});
    let expected = json!({"color": "teal", "size": "xl", "addresses": {"work": "100 Industrial Way"}, "tags": []});
    assert_eq!(updated(ALICE, OWN, &patch), (200, expected));
}

#[test]
fn a_server_that_replaces_keeps_what_a_write_names_and_nothing_else() {
    let mut world = World::replacing();
    let bearer = world.access(ALICE, OWN);
    let body = json!({"user_metadata": {"size": "xl", "color": null}});
    assert_eq!(world.send(&patch(ALICE, &bearer, &body)).status, 200);
    assert_eq!(world.metadata(ALICE), json!({"size": "xl"}));
}

#[test]
fn null_deletes_a_key_and_leaves_the_others() {
    let patch = json!({"user_metadata": {"color": null, "never-there": null, "tags": null}});
    assert_eq!(
        updated(ALICE, OWN, &patch),
        (200, json!({"addresses": {"home": "742 Evergreen Terrace"}}))
    );
}

#[test]
fn an_empty_object_wipes_everything() {
    assert_eq!(updated(ALICE, OWN, &json!({"user_metadata": {}})), (200, json!({})));
}

#[test]
fn no_member_changes_nothing() {
    let mut world = World::new();
    let before = world.metadata(ALICE);
    assert_eq!(updated(ALICE, OWN, &json!({})), (200, before));
    assert_eq!(
        updated(BOB, OWN, &json!({})),
        (200, Value::Null),
        "metadata that was never written is not shown"
    );
}

#[test]
fn a_refused_update_changes_nothing() {
    let mut world = World::new();
    let before = world.metadata(ALICE);
    let rows = [
        (
            "one good member, one forbidden",
            json!({"user_metadata": {"a": 1}, "app_metadata": {"plan": "x"}}),
            403,
        ),
        ("a good key, a key with `$`", json!({"user_metadata": {"a": 1, "$b": 1}}), 400),
        ("a good key, a key with `.`", json!({"user_metadata": {"a": 1, "b.c": 1}}), 400),
        ("a key with `.` to be deleted", json!({"user_metadata": {"a": 1, "b.c": null}}), 400),
        ("such a key in an object", json!({"user_metadata": {"a": {"b": {"c.d": 1}}}}), 400),
        ("such a key in an array", json!({"user_metadata": {"a": [[{"$": 1}]]}}), 400),
        (
            "a good member, an unknown one",
            json!({"user_metadata": {"a": 1}, "email": "x@example.com"}),
            400,
        ),
    ];
    for (name, body, status) in rows {
        assert_eq!(updated(ALICE, OWN, &body), (status, before.clone()), "{name}");
    }
}

#[test]
fn each_scope_writes_its_own_metadata() {
    let (own, application) =
        (json!({"user_metadata": {"a": 1}}), json!({"app_metadata": {"a": 1}}));
    let rows = [
        ("own scope, own metadata", "update:current_user_metadata", &own, 200),
        ("own scope, the application's", "update:current_user_metadata", &application, 403),
        ("the application's scope, its metadata", "update:users_app_metadata", &application, 200),
        ("the application's scope, the user's", "update:users_app_metadata", &own, 403),
        ("every scope, the user's", "update:users", &own, 200),
        ("every scope, the application's", "update:users", &application, 200),
    ];
    for (name, scope, body, status) in rows {
        assert_eq!(updated(ALICE, &[scope], body).0, status, "{name}");
    }
}

#[test]
fn linking_destroys_the_secondary_and_its_metadata() {
    let mut world = World::new();
    let before = world.metadata(ALICE);
    let request = world.link(ALICE, ALICE_GOOGLE);
    assert_eq!(world.send(&request).status, 201);

    let reader = world.machine(&["read:users"]);
    let gone = world.send(&read(ALICE_GOOGLE, &reader));
    assert_eq!(
        (gone.status, gone.body_json().unwrap()["errorCode"].clone()),
        (404, json!("inexistent_user"))
    );
    assert_eq!(world.metadata(ALICE), before, "the primary keeps what it had and gains nothing");
    assert_eq!(world.tenant.user(ALICE).unwrap().app_metadata().unwrap()["plan"], "gold");
}

#[test]
fn unlinking_makes_a_fresh_user_without_metadata() {
    let mut world = World::new();
    let request = world.link(ALICE, ALICE_GOOGLE);
    assert_eq!(world.send(&request).status, 201);
    let (provider, identity) = ALICE_GOOGLE.split_once('|').unwrap();
    let answer = world.send(&unlink(ALICE, provider, identity, &world.access(ALICE, LINK)));
    assert_eq!((answer.status, answer.body_json().unwrap().as_array().unwrap().len()), (200, 1));

    let reader = world.machine(&["read:users"]);
    let fresh = world.send(&read(ALICE_GOOGLE, &reader)).body_json().unwrap();
    assert_eq!((&fresh["user_metadata"], &fresh["app_metadata"]), (&Value::Null, &Value::Null));
    assert_eq!(fresh["email"], "alice@example.com", "its profile is its provider's, and stays");
    assert_eq!(fresh["created_at"], "2025-06-15T15:06:40.000Z");
    assert!(world.tenant.user(ALICE).unwrap().linked_ids().is_empty());
}

/// A user of exactly `bytes`, by the length of one value; the number is how many bytes the value has.
fn grown_to(world: &mut World, user: &str, bytes: usize) -> usize {
    let bearer = world.access(user, OWN);
    let patch_of = |length: usize| json!({"user_metadata": {"filler": "x".repeat(length)}});
    assert_eq!(world.send(&patch(user, &bearer, &patch_of(0))).status, 200);
    let reader = world.machine(&["read:users"]);
    let length = bytes - world.send(&read(user, &reader)).body.len();
    assert_eq!(world.send(&patch(user, &bearer, &patch_of(length))).status, 200);
    assert_eq!(world.send(&read(user, &reader)).body.len(), bytes);
    length
}

#[test]
fn a_user_grows_up_to_the_limit_and_no_further() {
    let mut world = World::new();
    let length = grown_to(&mut world, ALICE, 10 * 1024);
    let before = world.metadata(ALICE);
    let bearer = world.access(ALICE, OWN);
    let larger = json!({"user_metadata": {"filler": "x".repeat(length + 1), "colour": null}});
    let smaller = json!({"user_metadata": {"filler": "x".repeat(length - 1)}});
    let same = json!({"user_metadata": {"color": null, "colour": "tea"}});
    assert_eq!(world.send(&patch(ALICE, &bearer, &same)).status, 200, "what counts is the sum");
    assert_eq!(world.send(&patch(ALICE, &bearer, &json!({"user_metadata": before}))).status, 400);
    assert_eq!(world.send(&patch(ALICE, &bearer, &smaller)).status, 200);
    let refused =
        world.send(&patch(ALICE, &bearer, &json!({"user_metadata": {"more": "x".repeat(64)}})));
    let body = refused.body_json().unwrap();
    assert_eq!(
        (refused.status, &body["message"], body.get("errorCode")),
        (400, &json!("The user profile exceeds its size limit of 10240 bytes."), None)
    );
    assert_eq!(world.metadata(ALICE).get("more"), None, "nothing of it was written");
    assert_eq!(world.send(&patch(ALICE, &bearer, &larger)).status, 200, "its sum is smaller");
}

#[test]
fn a_link_that_makes_the_primary_too_large_is_refused_and_destroys_nothing() {
    let mut world = World::new();
    grown_to(&mut world, ALICE, 10 * 1024);
    let (alice, google) = (world.metadata(ALICE), world.metadata(ALICE_GOOGLE));
    let request = world.link(ALICE, ALICE_GOOGLE);
    let refused = world.send(&request);
    assert_eq!(
        (refused.status, &refused.body_json().unwrap()["message"]),
        (400, &json!("Unable to link with the secondary account."))
    );
    assert_eq!((world.metadata(ALICE), world.metadata(ALICE_GOOGLE)), (alice, google));
}

#[test]
fn fields_choose_what_is_shown() {
    let mut world = World::new();
    let bearer = world.access(ALICE, &["read:current_user"]);
    let mut shown = |query: &str| {
        let request = Request::new("GET", &format!("{}?{query}", path(ALICE)));
        let answer = world.send(&request.with_bearer(&bearer));
        assert_eq!(answer.status, 200, "{query}");
        let body = answer.body_json().unwrap();
        body.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let three = ["identities", "user_id", "user_metadata"];
    assert_eq!(shown("fields=user_metadata,identities,user_id&include_fields=true"), three);
    assert_eq!(shown("fields=user_metadata%2Cidentities,user_id"), three, "it is so by default");
    assert_eq!(shown("fields=user_metadata,nobody-has-it"), ["user_metadata"]);
    let others = shown("fields=user_metadata,identities,user_id&include_fields=false");
    assert!(!others.is_empty() && others.iter().all(|name| !three.contains(&name.as_str())));
}

#[test]
fn whoever_was_linked_away_is_no_user_any_more() {
    let mut world = World::new();
    let request = world.link(ALICE, ALICE_GOOGLE);
    assert_eq!(world.send(&request).status, 201);
    let own = world.access(ALICE_GOOGLE, &["read:current_user", OWN[0]]);
    let machine = world.machine(&["read:users", "update:users"]);
    let change = json!({"user_metadata": {"a": 1}});
    for (name, bearer) in [("its own token", own), ("a machine's", machine)] {
        for request in [read(ALICE_GOOGLE, &bearer), patch(ALICE_GOOGLE, &bearer, &change)] {
            let answer = world.send(&request);
            let code = &answer.body_json().unwrap()["errorCode"];
            assert_eq!(
                (answer.status, code),
                (404, &json!("inexistent_user")),
                "{name}: {request:?}"
            );
        }
    }
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let mut world = World::new();
    let change = json!({"user_metadata": {"a": 1}});
    let id_token = world.id_token(ALICE_GOOGLE);
    let none = world.access(ALICE, &["openid"]);
    let reader = world.machine(&["read:users"]);
    let rows = [
        ("read, no scope", read(ALICE, &none)),
        ("update, no scope", patch(ALICE, &none, &change)),
        ("link, no scope", link_with(ALICE, &none, &id_token)),
        ("update, a reader", patch(ALICE, &reader, &change)),
        ("link, a reader", link_with(ALICE, &reader, &id_token)),
    ];
    for (name, request) in rows {
        let answer = world.send(&request);
        let code = &answer.body_json().unwrap()["errorCode"];
        assert_eq!((answer.status, code), (403, &json!("insufficient_scope")), "{name}");
    }
}

/// All that a gateway with credentials of its own does, with the token that the token endpoint gives it.
#[test]
fn a_machine_merges_with_the_token_it_asked_for() {
    let mut world = World::new();
    let body = json!({
        "grant_type": "client_credentials", "client_id": "machine",
        "client_secret": "machine-secret", "audience": format!("{ISSUER}api/v2/"),
    });
    let granted = world.send(&Request::new("POST", "/oauth/token").with_json(&body));
    let granted = granted.body_json().unwrap();
    assert_eq!(
        (&granted["token_type"], &granted["expires_in"]),
        (&json!("Bearer"), &json!(86_400))
    );
    let machine = granted["access_token"].as_str().unwrap().to_owned();

    let second = world.send(&read(BOB_GITHUB, &machine)).body_json().unwrap();
    assert_eq!(second["user_metadata"], json!({"theme": "dark"}));
    let carried = json!({"user_metadata": second["user_metadata"]});
    assert_eq!(world.send(&patch(BOB, &machine, &carried)).status, 200);
    let request = world.link(BOB, BOB_GITHUB);
    assert_eq!(world.send(&request).status, 201);
    assert_eq!(world.metadata(BOB), json!({"theme": "dark"}));

    let later = world.tenant.answer(&read(BOB, &machine), NOW + 86_400);
    assert_eq!(later.status, 401, "it does not last for ever");
}

#[test]
fn some_providers_number_their_users() {
    let mut world = World::new();
    let reader = world.machine(&["read:users"]);
    let alone = world.send(&read(BOB_GITHUB, &reader)).body_json().unwrap();
    assert_eq!(alone["user_id"], json!(BOB_GITHUB), "the user's own id is a text");
    assert_eq!(alone["identities"][0]["user_id"], json!(583_231));
    let request = world.link(BOB, BOB_GITHUB);
    let linked = world.send(&request).body_json().unwrap();
    assert_eq!(linked[1]["user_id"], json!(583_231));
    assert_eq!(linked[0]["user_id"], json!("bob-60d1f2a4"));
    let bearer = world.access(BOB, LINK);
    assert_eq!(world.send(&unlink(BOB, "github", "583231", &bearer)).status, 200);
    assert!(world.tenant.user(BOB_GITHUB).is_some());
}
