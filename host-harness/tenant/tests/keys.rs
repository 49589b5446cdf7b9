//! Keys as the tenant holds them: which one signs, which are published, which tokens are still believed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::keys::{Overlap, Place, WithdrawError};
use linkgate_tenant::{Request, Tenant, TenantHandle};
use serde_json::{Value, json};

use world::*;

const READ: &[&str] = &["read:current_user"];

fn published(tenant: &mut Tenant) -> Vec<Value> {
    let answer = tenant.answer(&Request::new("GET", "/.well-known/jwks.json"), NOW);
    answer.body_json().unwrap()["keys"].as_array().unwrap().clone()
}

fn kids(tenant: &mut Tenant) -> Vec<String> {
    published(tenant).iter().map(|key| key["kid"].as_str().unwrap_or("none").to_owned()).collect()
}

fn status(world: &mut World, token: &str) -> u16 {
    world.send(&read(ALICE, token)).status
}

#[test]
fn the_newest_key_signs_and_the_earlier_ones_verify_until_withdrawn() {
    let mut world = World::new();
    let [second, third] = ["second", "third"].map(|kid| strange_key().with_kid(kid));
    let mut tokens = vec![world.access(ALICE, READ)];
    for key in [&second, &third] {
        world.tenant.rotate_key(key.clone());
        tokens.push(world.access(ALICE, READ));
    }
    assert_eq!(kids(&mut world.tenant), ["third", "second", key().kid()]);
    assert_eq!(jsonwebtoken::decode_header(&tokens[2]).unwrap().kid.as_deref(), Some("third"));
    assert_eq!(tokens.iter().map(|token| status(&mut world, token)).max(), Some(200));

    assert_eq!(world.tenant.withdraw_key("second"), Ok(1));
    let after: Vec<u16> = tokens.iter().map(|token| status(&mut world, token)).collect();
    assert_eq!(
        after,
        [200, 401, 200],
        "the token of the withdrawn key exists, and is not believed"
    );
    assert_eq!(kids(&mut world.tenant), ["third", key().kid()]);
    assert_eq!(world.tenant.withdraw_key("second"), Err(WithdrawError::NotPublished));
    assert_eq!(world.tenant.withdraw_key("third"), Err(WithdrawError::Signs));
    assert_eq!(kids(&mut world.tenant), ["third", key().kid()], "a refusal changes nothing");
}

#[test]
fn strange_keys_are_published_as_they_stand_and_believed_by_nobody() {
    let mut world = World::new();
    let forged = strange_key().with_kid(key().kid());
    let hostile = [json!({"kty": "oct", "k": "c2VjcmV0", "kid": "h"}), json!(7), Value::Null];
    world.tenant.publish_strange_keys([json!(forged.jwk())], Place::First);
    world.tenant.publish_strange_keys(hostile.clone(), Place::Last);
    let keys = published(&mut world.tenant);
    assert_eq!((&keys[0], &keys[1]), (&json!(forged.jwk()), &json!(key().jwk())));
    assert_eq!(keys[2..], hostile);

    let (good, bad) = (world.access(ALICE, READ), claims_of(&world.access(ALICE, READ)));
    let bad = forged.sign(&bad).unwrap();
    assert_eq!((status(&mut world, &good), status(&mut world, &bad)), (200, 401));

    assert_eq!(world.tenant.withdraw_key("h"), Ok(1), "a strange key can be withdrawn by its kid");
    assert_eq!(world.tenant.withdraw_key(key().kid()), Ok(1), "the one that signs stays");
    assert_eq!(kids(&mut world.tenant), [key().kid(), "none", "none"]);
    assert_eq!(world.tenant.unpublish_strange_keys(), 2);
    assert_eq!(kids(&mut world.tenant), [key().kid()]);
}

#[test]
fn two_keys_may_go_by_one_kid() {
    let mut world = World::new();
    let before = world.access(ALICE, READ);
    world.tenant.rotate_key(strange_key().with_kid(key().kid()));
    let after = world.access(ALICE, READ);
    assert_eq!(kids(&mut world.tenant), [key().kid(), key().kid()]);
    assert_eq!((status(&mut world, &before), status(&mut world, &after)), (200, 200));
    assert_eq!(world.tenant.withdraw_key(key().kid()), Ok(1), "the earlier of the two");
    assert_eq!((status(&mut world, &before), status(&mut world, &after)), (401, 200));
}

#[test]
fn a_handle_makes_the_new_key_itself() {
    let handle = TenantHandle::new(World::new().tenant);
    let second = handle.rotate_key(Overlap::Kept).unwrap();
    assert_eq!(kids(&mut handle.tenant()), [second.as_str(), key().kid()]);
    assert_eq!(handle.withdraw_key(key().kid()), Ok(1));
    let third = handle.rotate_key(Overlap::None).unwrap();
    assert_eq!(kids(&mut handle.tenant()), [third.as_str()], "without overlap the second is gone");
    handle.publish_strange_keys([json!({"kid": "x"})], Place::Last);
    assert_eq!(kids(&mut handle.tenant()), [third.as_str(), "x"]);
}
