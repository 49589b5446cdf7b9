//! Which tokens the tenant believes as `link_with`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::{Request, Validity};
use serde_json::{Value, json};

use world::*;

#[test]
fn link_with_is_an_id_token_for_the_calling_application() {
    let mut world = World::new();
    let good = world.id_token(ALICE_GOOGLE);
    let other = world.tenant.mint_id_token(ALICE_GOOGLE, "other-spa", hour()).unwrap();
    let past = world.tenant.mint_id_token(ALICE_GOOGLE, "spa", Validity::expired(NOW)).unwrap();
    let but = |changes: &Value| world.id_token_but(ALICE_GOOGLE, changes);
    let mismatch =
        "JWT (link_with) must have an aud claim that matches that of the calling token's azp.";
    let rows = [
        ("another application's", other, mismatch),
        ("access token", world.access(ALICE_GOOGLE, LINK), mismatch),
        ("expired", past, "Invalid token (link_with)."),
        ("garbage", "x.y.z".to_owned(), "Invalid token (link_with)."),
        ("empty", String::new(), "Invalid token (link_with)."),
        ("HS256", with_hs256(&good), "JWT (link_with) must have an alg of RS256."),
        ("alg none", with_alg_none(&good), "JWT (link_with) must have an alg of RS256."),
        (
            "a stranger's key",
            strange_key().sign(&claims_of(&good)).unwrap(),
            "Invalid token (link_with).",
        ),
        (
            "another issuer",
            but(&json!({"iss": "https://other.example/"})),
            "JWT (link_with) must have the same issuer as the calling user.",
        ),
        (
            "no audience",
            but(&json!({"aud": null})),
            "JWT (link_with) contains an invalid aud claim.",
        ),
        (
            "two audiences",
            but(&json!({"aud": ["spa", "other-spa"]})),
            "JWT (link_with) contains an invalid aud claim.",
        ),
        ("no subject", but(&json!({"sub": null})), "JWT (link_with) must contains sub claim."),
        (
            "a subject that is a number",
            but(&json!({"sub": 7})),
            "JWT (link_with) contains an invalid sub claim.",
        ),
        (
            "a machine",
            but(&json!({"sub": "machine@clients"})),
            "JWT (link_with) contains an invalid sub claim.",
        ),
        ("oneself", world.id_token(ALICE), "Main identity and the new one are the same."),
        (
            "somebody who is gone",
            world.id_token("github|1"),
            "Provided secondary account not found.",
        ),
    ];
    for (name, token, message) in rows {
        let answer = world.send(&link_with(ALICE, &world.access(ALICE, LINK), &token));
        let body = answer.body_json().unwrap();
        assert_eq!((answer.status, &body["message"]), (400, &json!(message)), "{name}");
        assert_eq!(body.get("errorCode"), None, "{name}: none is documented");
    }
    let answer = world.send(&link_with(ALICE, &world.access(ALICE, LINK), &good));
    assert_eq!(answer.status, 201, "the token all these were made from");
}

#[test]
fn a_bearer_without_azp_matches_no_audience() {
    let mut world = World::new();
    let bearer = world.access_but(ALICE, LINK, &json!({"azp": null}));
    for token in
        [world.id_token(ALICE_GOOGLE), world.id_token_but(ALICE_GOOGLE, &json!({"aud": ""}))]
    {
        assert_eq!(world.send(&link_with(ALICE, &bearer, &token)).status, 400);
    }
}

#[test]
fn a_user_may_not_name_the_secondary_by_id() {
    let mut world = World::new();
    let body = json!({"provider": "auth0", "user_id": "alice-5f7c8ec7"});
    let request = Request::new("POST", &format!("{}/identities", path(MALLORY)));
    let answer = world.send(&request.with_bearer(&world.access(MALLORY, LINK)).with_json(&body));
    assert_eq!(
        (answer.status, &answer.body_json().unwrap()["errorCode"]),
        (403, &json!("insufficient_scope"))
    );
    assert!(world.tenant.user(ALICE).is_some());
}
