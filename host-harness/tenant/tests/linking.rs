//! Linking and unlinking: whose accounts, in which order, and by which names.
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

fn ids(body: &Value) -> Vec<String> {
    let id = |identity: &Value| {
        format!(
            "{}|{}",
            identity["provider"].as_str().unwrap(),
            identity["user_id"].as_str().unwrap()
        )
    };
    body.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn the_primary_comes_first_and_alone_has_no_profile() {
    let mut world = World::new();
    let request = world.link(ALICE, ALICE_GOOGLE);
    let identities = world.send(&request).body_json().unwrap();
    assert_eq!(ids(&identities), [ALICE, ALICE_GOOGLE]);
    assert_eq!(identities[0].get("profileData"), None);
    assert_eq!(identities[1]["profileData"]["email"], "alice@example.com");
    assert_eq!(
        (&identities[0]["isSocial"], &identities[1]["isSocial"]),
        (&json!(false), &json!(true))
    );
}

#[test]
fn a_secondary_brings_all_its_identities_and_unlinking_splits_off_one() {
    let mut world = World::new();
    let request = world.link(CAROL_LINKEDIN, CAROL);
    let linked = world.send(&request).body_json().unwrap();
    assert_eq!(ids(&linked), [CAROL_LINKEDIN, CAROL, "twitter|2244994945"]);

    let bearer = world.access(CAROL_LINKEDIN, LINK);
    let rest = world
        .send(&unlink(CAROL_LINKEDIN, "auth0", "carol-61aa03bc", &bearer))
        .body_json()
        .unwrap();
    assert_eq!(ids(&rest), [CAROL_LINKEDIN, "twitter|2244994945"]);
    assert!(world.tenant.user(CAROL).unwrap().linked_ids().is_empty());
}

#[test]
fn the_main_identity_cannot_be_removed() {
    let mut world = World::new();
    for (user, provider, identity) in [
        (CAROL, "auth0", "carol-61aa03bc"),
        (BOB, "auth0", "bob-60d1f2a4"),
        (JOHN, "samlp", "my conn|jo/hn@ex.com"),
        (JOHN, "samlp", "jo/hn@ex.com"),
    ] {
        let answer = world.send(&unlink(user, provider, identity, &world.access(user, LINK)));
        let body = answer.body_json().unwrap();
        assert_eq!(
            (answer.status, &body["message"]),
            (400, &json!("Main identity cannot be removed.")),
            "{user} {identity}"
        );
        assert_eq!(body.get("errorCode"), None, "none is documented");
    }
}

#[test]
fn nobody_links_or_unlinks_for_somebody_else() {
    let mut world = World::new();
    let mallory = world.access(MALLORY, LINK);
    let requests = [
        link_with(ALICE, &mallory, &world.id_token(MALLORY_GOOGLE)),
        link_with(ALICE, &mallory, &world.id_token(ALICE_GOOGLE)),
        link_with(&ALICE.to_uppercase(), &mallory, &world.id_token(MALLORY_GOOGLE)),
        unlink(CAROL, "twitter", "2244994945", &mallory),
    ];
    for request in requests {
        let answer = world.send(&request);
        assert_eq!(
            (answer.status, &answer.body_json().unwrap()["errorCode"]),
            (403, &json!("unowned_resource")),
            "{request:?}"
        );
    }
    assert!(world.tenant.user(ALICE).unwrap().linked_ids().is_empty());
    assert_eq!(world.tenant.user(CAROL).unwrap().linked_ids(), ["twitter|2244994945"]);
}

#[test]
fn an_identity_is_linked_once() {
    let mut world = World::new();
    let request = world.link(ALICE, ALICE_GOOGLE);
    assert_eq!(world.send(&request).status, 201);
    let again = world.send(&request);
    assert_eq!(
        (again.status, &again.body_json().unwrap()["message"]),
        (409, &json!("Specified identity already exists."))
    );

    // An ID token minted before the link still names the account that is now part of Alice's.
    let elsewhere = world.link(MALLORY, ALICE_GOOGLE);
    assert_eq!(world.send(&elsewhere).status, 409);
    assert_eq!(world.tenant.user(ALICE).unwrap().linked_ids(), [ALICE_GOOGLE]);
}

#[test]
fn a_path_names_a_user_however_it_is_encoded() {
    let rows = [
        ("raw bar", "/api/v2/users/auth0|alice-5f7c8ec7", ALICE),
        ("encoded bar", "/api/v2/users/auth0%7calice%2D5f7c8ec7", ALICE),
        (
            "connection, space, slash and at",
            "/api/v2/users/samlp%7Cmy%20conn%7Cjo%2Fhn%40ex.com",
            JOHN,
        ),
        ("the same, mostly raw", "/api/v2/users/samlp|my%20conn|jo%2Fhn@ex.com", JOHN),
        (
            "literal percent signs",
            "/api/v2/users/oauth2%7Csiwe%7Ceip155%253A5%253A0xD70b",
            "oauth2|siwe|eip155%3A5%3A0xD70b",
        ),
        ("raw UTF-8", "/api/v2/users/custom|zoë", "custom|zoë"),
        ("encoded UTF-8", "/api/v2/users/custom%7Czo%C3%AB", "custom|zoë"),
    ];
    for (name, target, user) in rows {
        let mut world = World::new();
        let bearer = world.access(user, &["read:current_user"]);
        let answer = world.send(&Request::new("GET", target).with_bearer(&bearer));
        assert_eq!(
            (answer.status, &answer.body_json().unwrap()["user_id"]),
            (200, &json!(user)),
            "{name}"
        );
    }
}

#[test]
fn a_path_is_decoded_only_once() {
    let mut world = World::new();
    let rows = [
        ("another case", ALICE, "/api/v2/users/Auth0|alice-5f7c8ec7", 403),
        ("twice encoded bar", ALICE, "/api/v2/users/auth0%257Calice-5f7c8ec7", 403),
        (
            "percent signs decoded away",
            "oauth2|siwe|eip155%3A5%3A0xD70b",
            "/api/v2/users/oauth2|siwe|eip155%3A5%3A0xD70b",
            403,
        ),
        ("decomposed letter", "custom|zoë", "/api/v2/users/custom|zoe%CC%88", 403),
        ("raw slash", JOHN, "/api/v2/users/samlp|my%20conn|jo/hn@ex.com", 404),
    ];
    for (name, user, target, status) in rows {
        let bearer = world.access(user, &["read:current_user"]);
        assert_eq!(
            world.send(&Request::new("GET", target).with_bearer(&bearer)).status,
            status,
            "{name}"
        );
    }
}

#[test]
fn a_browser_links_with_a_form() {
    let mut world = World::new();
    let (bearer, token) = (world.access(ALICE, LINK), world.id_token(ALICE_GOOGLE));
    let request = Request::new("POST", "/api/v2/users/auth0|alice-5f7c8ec7/identities")
        .with_header("Accept", "*/*")
        .with_header("X-Requested-With", "XMLHttpRequest")
        .with_bearer(&bearer)
        .with_body(
            "application/x-www-form-urlencoded; charset=UTF-8",
            format!("link_with={token}"),
        );
    let answer = world.send(&request);
    assert_eq!(
        (answer.status, ids(&answer.body_json().unwrap())),
        (201, vec![ALICE.to_owned(), ALICE_GOOGLE.to_owned()])
    );
}

#[test]
fn a_link_body_has_one_token() {
    let form = "application/x-www-form-urlencoded";
    let mut world = World::new();
    let (bearer, token) = (world.access(ALICE, LINK), world.id_token(ALICE_GOOGLE));
    let rows = [
        ("twice in a form", form, format!("link_with={token}&link_with={token}"), 400),
        ("as an array in a form", form, format!("link_with[]={token}"), 400),
        ("another member", form, format!("link_with={token}&x=1"), 400),
        ("JSON sent as a form", form, format!("{{\"link_with\":\"{token}\"}}"), 400),
        ("a number", "application/json", "{\"link_with\":1}".to_owned(), 400),
        ("no body", "application/json", String::new(), 400),
        ("trailing bytes", "application/json", format!("{{\"link_with\":\"{token}\"}}x"), 400),
        ("an encoded name in a form", form, format!("link%5Fwith={token}"), 201),
    ];
    for (name, media_type, body, status) in rows {
        let request = Request::new("POST", &format!("{}/identities", path(ALICE)));
        let answer = world.send(&request.with_bearer(&bearer).with_body(media_type, body));
        assert_eq!(answer.status, status, "{name}");
    }
}

#[test]
fn a_delete_may_have_a_body() {
    let mut world = World::new();
    let bearer = world.access(CAROL, LINK);
    let request = unlink(CAROL, "twitter", "2244994945", &bearer).with_json(&json!({}));
    assert_eq!(world.send(&request).status, 200);
}

#[test]
fn providers_tokens_are_shown_to_their_scope_alone() {
    let mut world = World::new();
    let request = world.link(ALICE, ALICE_GOOGLE);
    assert!(
        !String::from_utf8(world.send(&request).body).unwrap().contains("provider-token-of-alice")
    );
    let (plain, privileged) =
        (world.machine(&["read:users"]), world.machine(&["read:users", "read:user_idp_tokens"]));
    assert!(
        !String::from_utf8(world.send(&read(ALICE, &plain)).body)
            .unwrap()
            .contains("provider-token-of-alice")
    );
    assert!(
        String::from_utf8(world.send(&read(ALICE, &privileged)).body)
            .unwrap()
            .contains("provider-token-of-alice")
    );
}
