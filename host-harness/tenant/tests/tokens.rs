//! Which tokens the tenant believes as bearers, and what they may do.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::{Application, Request, Tenant};
use serde_json::{Value, json};

use world::*;

const READ: &[&str] = &["read:current_user"];

fn bearer_answer(world: &mut World, token: &str) -> (u16, String) {
    let answer = world.send(&read(ALICE, token));
    let message = answer.body_json().unwrap()["message"].as_str().unwrap_or_default().to_owned();
    (answer.status, message)
}

#[test]
fn a_bearer_is_an_access_token_of_this_tenant_for_its_management_api() {
    let expired = "Expired token received for JSON Web Token validation";
    let forged = "Invalid signature received for JSON Web Token validation";
    let audience = format!("{ISSUER}api/v2/");
    let mut world = World::new();
    let good = world.access(ALICE, READ);
    let tampered = good.replace(".ey", ".ex");
    let rows = [
        ("ends now", world.access_but(ALICE, READ, &json!({"exp": NOW})), expired),
        ("ended long ago", world.access_but(ALICE, READ, &json!({"exp": 1})), expired),
        ("never ends", world.access_but(ALICE, READ, &json!({"exp": null})), "Invalid token"),
        (
            "ends in words",
            world.access_but(ALICE, READ, &json!({"exp": "tomorrow"})),
            "Invalid token",
        ),
        ("not yet valid", world.access_but(ALICE, READ, &json!({"nbf": NOW + 1})), "Invalid token"),
        (
            "another issuer",
            world.access_but(ALICE, READ, &json!({"iss": "https://other.example/"})),
            "Invalid token",
        ),
        (
            "issuer without its slash",
            world.access_but(ALICE, READ, &json!({"iss": ISSUER.trim_end_matches('/')})),
            "Invalid token",
        ),
        (
            "another audience",
            world.access_but(ALICE, READ, &json!({"aud": "https://api.example/"})),
            "Invalid token",
        ),
        (
            "another audience beside",
            world.access_but(ALICE, READ, &json!({"aud": [audience, "https://other.example/"]})),
            "Invalid token",
        ),
        ("no audience", world.access_but(ALICE, READ, &json!({"aud": null})), "Invalid token"),
        ("no subject", world.access_but(ALICE, READ, &json!({"sub": null})), "Invalid token"),
        (
            "a subject that is a number",
            world.access_but(ALICE, READ, &json!({"sub": 7})),
            "Invalid token",
        ),
        ("ID token", world.id_token(ALICE), "Invalid token"),
        ("HS256", with_hs256(&good), "Invalid token"),
        ("alg none", with_alg_none(&good), "Invalid token"),
        ("a stranger's key", strange_key().sign(&claims_of(&good)).unwrap(), forged),
        ("tampered", tampered, "Invalid token"),
        ("another's signature", swapped_signature(&good, &world.access(BOB, READ)), forged),
    ];
    for (name, token, message) in rows {
        assert_eq!(bearer_answer(&mut world, &token), (401, message.to_owned()), "{name}");
    }
    assert_eq!(bearer_answer(&mut world, &good).0, 200, "the token all these were made from");
    let in_array = world.access_but(ALICE, READ, &json!({"aud": [audience]}));
    assert_eq!(
        bearer_answer(&mut world, &in_array).0,
        200,
        "one audience in an array is one audience"
    );
}

fn swapped_signature(token: &str, other: &str) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    format!("{message}.{signature}")
}

#[test]
fn a_401_carries_a_challenge() {
    let mut world = World::new();
    let none = world.send(&Request::new("GET", &path(ALICE)));
    assert_eq!(none.header("WWW-Authenticate"), Some("Bearer"));
    let bad = world.send(&read(ALICE, &with_alg_none(&world.access(ALICE, READ))));
    assert_eq!(bad.header("WWW-Authenticate"), Some("Bearer error=\"Invalid token\""));
}

#[test]
fn an_old_tenant_takes_id_tokens_as_bearers() {
    let mut world = World::legacy();
    let (alice, google) = (world.id_token(ALICE), world.id_token(ALICE_GOOGLE));
    assert_eq!(
        world.send(&read(ALICE_GOOGLE, &google)).status,
        200,
        "each token reads its own user"
    );
    let merged = json!({"user_metadata": {"newsletter": true}});
    assert_eq!(world.send(&patch(ALICE, &alice, &merged)).status, 200, "and updates it");
    assert_eq!(world.send(&read(ALICE, &google)).status, 403, "but no other's");
    assert_eq!(world.send(&patch(ALICE, &alice, &json!({"app_metadata": {}}))).status, 403);

    let foreign = world.tenant.mint_id_token(ALICE_GOOGLE, "other-spa", hour()).unwrap();
    assert_eq!(
        world.send(&link_with(ALICE, &alice, &foreign)).status,
        400,
        "both are for one application"
    );
    assert_eq!(world.send(&link_with(ALICE, &alice, &google)).status, 201);
    let unregistered = world.tenant.mint_id_token(ALICE, "stranger", hour()).unwrap();
    assert_eq!(
        world.send(&read(ALICE, &unregistered)).status,
        401,
        "an application the tenant does not know"
    );
}

#[test]
fn a_machine_may_do_what_its_scopes_say() {
    let mut world = World::new();
    let (reader, updater) = (world.machine(&["read:users"]), world.machine(&["update:users"]));
    let by_id = json!({"provider": "google-oauth2", "user_id": "115015401343387192604"});
    let link = |bearer: &str| {
        Request::new("POST", &format!("{}/identities", path(ALICE)))
            .with_bearer(bearer)
            .with_json(&by_id)
    };
    assert_eq!(world.send(&read(BOB, &reader)).status, 200);
    assert_eq!(world.send(&read(BOB, &updater)).status, 403);
    assert_eq!(world.send(&link(&reader)).status, 403);
    assert_eq!(world.send(&link(&updater)).status, 201);
}

#[test]
fn a_rotated_key_verifies_until_it_is_withdrawn() {
    let mut world = World::new();
    let before = world.access(ALICE, READ);
    world.tenant.rotate_key(strange_key().clone());
    let after = world.access(ALICE, READ);
    assert_eq!(
        (bearer_answer(&mut world, &before).0, bearer_answer(&mut world, &after).0),
        (200, 200)
    );
    assert_eq!(kids(&mut world.tenant), [strange_key().kid(), key().kid()]);

    world.tenant.withdraw_earlier_keys();
    assert_eq!(
        (bearer_answer(&mut world, &before).0, bearer_answer(&mut world, &after).0),
        (401, 200)
    );
    assert_eq!(kids(&mut world.tenant), [strange_key().kid()]);
}

fn kids(tenant: &mut Tenant) -> Vec<String> {
    let set =
        tenant.answer(&Request::new("GET", "/.well-known/jwks.json"), NOW).body_json().unwrap();
    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_token_verifies_with_the_published_key() {
    let mut world = World::new();
    let token = world.access(ALICE, READ);
    let set = world.send(&Request::new("GET", "/.well-known/jwks.json")).body_json().unwrap();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(set).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let published = set.find(&header.kid.unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_audience(&[format!("{ISSUER}api/v2/")]);
    let published = jsonwebtoken::DecodingKey::from_jwk(published).unwrap();
    assert!(jsonwebtoken::decode::<Value>(&token, &published, &validation).is_ok());
}

#[test]
fn sample_applications_are_two_pages_and_two_machines() {
    let ids: Vec<String> =
        Application::samples().into_iter().map(|application| application.client_id).collect();
    assert_eq!(ids, ["spa", "other-spa", "machine", "reader"]);
}
