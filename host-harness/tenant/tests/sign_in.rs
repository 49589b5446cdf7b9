//! Signing in: who gets which tokens.
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

fn sign_in(world: &mut World, username: &str, password: &str, scope: &str) -> (u16, Value) {
    let body = json!({
        "grant_type": "password", "client_id": "spa", "username": username, "password": password,
        "audience": format!("{ISSUER}api/v2/"), "scope": scope,
    });
    let answer = world.send(&Request::new("POST", "/oauth/token").with_json(&body));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, answer.body_json().unwrap())
}

#[test]
fn a_name_is_an_email_or_a_user_id() {
    let rows = [
        ("email", "alice@example.com", "alice-pw", ALICE),
        ("email in capitals", "ALICE@Example.com", "alice-pw", ALICE),
        (
            "the same email, the other account's password",
            "alice@example.com",
            "alice-google-pw",
            ALICE_GOOGLE,
        ),
        ("user id", ALICE_GOOGLE, "alice-google-pw", ALICE_GOOGLE),
        ("user id with everything in it", JOHN, "john-pw", JOHN),
        ("user id without email", "custom|zoë", "john-pw", "custom|zoë"),
        (
            "linked identity: the user it belongs to",
            "twitter|2244994945",
            "carol-twitter-pw",
            CAROL,
        ),
    ];
    for (name, username, password, user) in rows {
        let (status, body) = sign_in(&mut World::new(), username, password, "openid");
        assert_eq!(status, 200, "{name}");
        for token in ["access_token", "id_token"] {
            assert_eq!(claims_of(body[token].as_str().unwrap())["sub"], user, "{name}: {token}");
        }
    }
}

#[test]
fn a_wrong_password_and_an_unknown_name_look_alike() {
    let mut world = World::new();
    let wrong = sign_in(&mut world, "alice@example.com", "bob-pw", "openid");
    let unknown = sign_in(&mut world, "nobody@example.com", "bob-pw", "openid");
    assert_eq!(wrong, unknown);
    assert_eq!(
        wrong,
        (403, json!({"error": "invalid_grant", "error_description": "Wrong email or password."}))
    );
    assert_eq!(
        sign_in(&mut world, "", "", "openid").0,
        403,
        "an account without email has no empty name"
    );
}

#[test]
fn a_user_is_granted_only_what_a_user_may_have() {
    let asked =
        "openid read:current_user update:users read:users update:current_user_identities email";
    let mut world = World::new();
    let (_, body) = sign_in(&mut world, "alice@example.com", "alice-pw", asked);
    assert_eq!(body["scope"], "openid read:current_user update:current_user_identities email");
    let claims = claims_of(body["access_token"].as_str().unwrap());
    assert_eq!((&claims["scope"], &claims["gty"]), (&body["scope"], &json!("password")));
    let audiences = [format!("{ISSUER}api/v2/"), format!("{ISSUER}userinfo")];
    assert_eq!(claims["aud"], json!(audiences), "openid was asked for");
    let bearer = body["access_token"].as_str().unwrap();
    let info = world.send(&Request::new("GET", "/userinfo").with_bearer(bearer));
    assert_eq!(info.body_json().unwrap()["sub"], ALICE);
    let (_, body) = sign_in(&mut world, ALICE, "alice-pw", "read:current_user");
    let bearer = body["access_token"].as_str().unwrap();
    assert_eq!(claims_of(bearer)["aud"], audiences[0], "openid was not asked for");
    let info = world.send(&Request::new("GET", "/userinfo").with_bearer(bearer));
    assert_eq!(info.status, 401, "nor is it for that");
    let (_, body) = sign_in(&mut world, "alice@example.com", "alice-pw", asked);
    let id = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!(
        (id.get("email"), id.get("name")),
        (Some(&json!("alice@example.com")), None),
        "claims by scope"
    );
    assert_eq!((&id["auth_time"], &id["aud"]), (&json!(NOW), &json!("spa")));
}

#[test]
fn the_tokens_do_what_they_are_for() {
    let mut world = World::new();
    let (_, alice) = sign_in(
        &mut world,
        "alice@example.com",
        "alice-pw",
        "openid update:current_user_identities",
    );
    let (_, google) = sign_in(&mut world, ALICE_GOOGLE, "alice-google-pw", "openid");
    let (bearer, token) =
        (alice["access_token"].as_str().unwrap(), google["id_token"].as_str().unwrap());
    assert_eq!(world.send(&link_with(ALICE, bearer, token)).status, 201);

    // From now on the Google account signs in as Alice, so that linking it again is linking Alice with herself.
    let (_, again) = sign_in(&mut world, ALICE_GOOGLE, "alice-google-pw", "openid");
    let token = again["id_token"].as_str().unwrap();
    let answer = world.send(&link_with(ALICE, bearer, token));
    assert_eq!(
        answer.body_json().unwrap()["message"],
        "Main identity and the new one are the same."
    );
}

#[test]
fn without_an_audience_the_access_token_is_opaque_and_good_for_nothing() {
    let mut world = World::new();
    let body = json!({"grant_type": "password", "client_id": "spa", "username": ALICE, "password": "alice-pw"});
    let answer =
        world.send(&Request::new("POST", "/oauth/token").with_json(&body)).body_json().unwrap();
    let refused = world.send(&read(ALICE, answer["access_token"].as_str().unwrap()));
    let message = &refused.body_json().unwrap()["message"];
    assert_eq!((refused.status, message), (400, &json!("Bad HTTP authentication header format")));
}

#[test]
fn a_machine_is_itself_and_no_user() {
    let mut world = World::new();
    let body = json!({
        "grant_type": "client_credentials", "client_id": "reader", "client_secret": "reader-secret",
        "audience": format!("{ISSUER}api/v2/"),
    });
    let answer =
        world.send(&Request::new("POST", "/oauth/token").with_json(&body)).body_json().unwrap();
    let claims = claims_of(answer["access_token"].as_str().unwrap());
    assert_eq!(
        (&claims["sub"], &claims["gty"], &claims["scope"]),
        (&json!("reader@clients"), &json!("client-credentials"), &json!("read:users"))
    );
}

#[test]
fn signing_in_is_counted() {
    let mut world = World::new();
    sign_in(&mut world, ALICE, "alice-pw", "openid");
    sign_in(&mut world, ALICE, "wrong", "openid");
    sign_in(&mut world, ALICE, "alice-pw", "openid");
    let reader = world.machine(&["read:users"]);
    let alice = world.send(&read(ALICE, &reader)).body_json().unwrap();
    assert_eq!(
        (&alice["logins_count"], &alice["last_login"]),
        (&json!(2), &json!("2025-06-15T15:06:40.000Z"))
    );
}
