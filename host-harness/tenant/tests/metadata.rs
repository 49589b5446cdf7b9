//! What becomes of metadata: merged at the first level, wiped by `{}`, destroyed by a link, not given back by an unlink.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

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
        ("a good key, a forbidden key", json!({"user_metadata": {"a": 1, "$b": 1}}), 400),
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
