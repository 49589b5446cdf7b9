//! The state machine without a socket: forked, compared, and walked through many histories.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::{Request, Tenant};
use serde_json::json;

use world::*;

#[test]
fn a_clone_goes_its_own_way() {
    let world = World::new();
    let (link, edit) = (
        world.link(ALICE, ALICE_GOOGLE),
        patch(ALICE, &world.machine(&["update:users"]), &json!({"user_metadata": {"x": 1}})),
    );
    let before = world.tenant;
    let (mut linked, mut edited) = (before.clone(), before.clone());
    assert_eq!((&linked, &edited), (&before, &before));
    assert_eq!(linked.answer(&link, NOW).status, 201);
    assert_eq!(edited.answer(&edit, NOW).status, 200);
    linked.rotate_key(strange_key().clone());

    assert!(before.user(ALICE_GOOGLE).is_some() && linked.user(ALICE_GOOGLE).is_none());
    assert_eq!(before.user(ALICE).unwrap().user_metadata().unwrap().get("x"), None);
    assert_eq!(edited.user(ALICE).unwrap().user_metadata().unwrap()["x"], 1);
    assert_eq!((edited.published_keys().len(), linked.published_keys().len()), (1, 2));
    assert_ne!(linked, before);
    assert_ne!(edited, linked);
}

#[test]
fn the_same_requests_lead_to_the_same_tenant() {
    let world = World::new();
    let reader = world.machine(&["read:users"]);
    let link = world.link(ALICE, ALICE_GOOGLE);
    let (mut one, mut other) = (world.tenant.clone(), world.tenant);
    assert_eq!(one.answer(&link, NOW), other.answer(&link, NOW));
    assert_eq!(one, other);
    one.answer(&read(ALICE, &reader), NOW);
    assert_ne!(one, other, "a call was counted");
    assert!(one.users().eq(other.users()), "and changed no user");
}

/// What can become of one request.
const ENDINGS: usize = 3;

/// A history for each way in which each of `requests` can end; every one is counted, and ends with every late effect.
fn walk(tenant: &Tenant, requests: &[Request], late: &[Request], seen: &mut Seen) {
    let Some((request, rest)) = requests.split_first() else {
        let mut last = tenant.clone();
        for (step, request) in (1..).zip(late) {
            last.answer(request, NOW + step);
        }
        seen.histories += 1;
        seen.linked += usize::from(last.user(ALICE_GOOGLE).is_none());
        return;
    };
    let mut had_effect = tenant.clone();
    had_effect.answer(request, NOW);
    walk(&had_effect, rest, late, seen);
    walk(tenant, rest, late, seen);
    let late: Vec<Request> = late.iter().chain([request]).cloned().collect();
    walk(tenant, rest, &late, seen);
}

#[derive(Default)]
struct Seen {
    histories: usize,
    linked: usize,
}

#[test]
fn thousands_of_histories_are_walked() {
    let world = World::new();
    let machine = world.machine(&["read:users", "update:users"]);
    let requests = [
        read(ALICE, &machine),
        read(ALICE_GOOGLE, &machine),
        patch(ALICE, &machine, &json!({"user_metadata": {"from-google": 1}})),
        patch(ALICE, &machine, &json!({"user_metadata": {"by-somebody": 2}})),
        read(ALICE_GOOGLE, &machine),
        world.link(ALICE, ALICE_GOOGLE),
        read(ALICE, &machine),
    ];
    let start = world.tenant.clone();
    let mut seen = Seen::default();
    walk(&world.tenant, &requests, &[], &mut seen);
    assert_eq!(seen.histories, ENDINGS.pow(7));
    assert_eq!(seen.linked, seen.histories / 3 * 2, "all but where the link never came");
    assert_eq!(world.tenant, start);
}
