//! Keys by URL: the workers share their fetches. Counts are the tenant's.

use std::time::{Duration, Instant};

use linkgate_tenant::faults::{Fault, Point};
use linkgate_tests::Issuer;
use linkgate_tests::peer::soon;
use serde_json::json;
use tokio::time::sleep;

use crate::world::{CLIENTS, World, envoy};

#[tokio::test(flavor = "multi_thread")]
async fn first_requests_on_all_workers_wait_for_one_fetch() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    issuer.fault(Fault::Hold { at: Point::BeforeEffect });
    let world = World::of(&envoy, issuer, &json!({ "cooldown": "1h", "timeout": "30s" }));
    soon("the fetch", world.issuer.tenant.until_held(|held| held.len() == 1)).await;
    let token = world.issuer.token();
    let (statuses, ()) = tokio::join!(world.read_by(CLIENTS, &token), async {
        while world.stat("http.gate.downstream_rq_active") < CLIENTS as u64 {
            tokio::task::yield_now().await;
        }
        assert_eq!(world.stat("http.gate.downstream_rq_completed"), 0, "an answer without keys");
        world.issuer.tenant.release_all().await;
    });
    assert_eq!(statuses, [200; CLIENTS]);
    world.all_workers_served();
    assert_eq!(world.issuer.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_costs_the_workers_one_fetch_and_refuses_nobody() {
    let Some(envoy) = envoy() else { return };
    let world = World::begin(&envoy, &json!({ "cooldown": "1s" })).await;
    let before = world.issuer.token();
    assert_eq!(world.read_by(CLIENTS, &before).await, [200; CLIENTS]);
    // The cooldown of the first fetch passes: that time passes is what is waited for.
    sleep(Duration::from_millis(1200)).await;
    world.issuer.rotate();
    let after = world.issuer.token();
    assert_eq!(world.read_by(CLIENTS, &after).await, [200; CLIENTS]);
    world.all_workers_served();
    assert_eq!(world.issuer.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_kids_cost_the_workers_one_fetch_a_cooldown() {
    const ROUNDS: usize = 4;
    let Some(envoy) = envoy() else { return };
    let world = World::begin(&envoy, &json!({ "cooldown": "1s" })).await;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        let unknown = world.issuer.unknown_token();
        for status in world.read_by(CLIENTS, &unknown).await {
            // 401 only after the issuer was asked for this very one.
            assert!([401, 503].contains(&status), "{status}");
        }
    }
    assert_eq!(world.read_by(CLIENTS, &world.issuer.token()).await, [200; CLIENTS]);
    world.all_workers_served();
    let bound = 2 + began.elapsed().as_secs();
    assert!((1..=bound).contains(&world.issuer.fetches()), "{} of {bound}", world.issuer.fetches());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_endpoint_refuses_nobody_where_keys_are_at_hand() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    issuer.fresh_for(1);
    let mut world = World::of(&envoy, issuer, &json!({ "refresh_min": "1s", "cooldown": "1s" }));
    let token = world.issuer.token();
    assert_eq!(world.read_by(CLIENTS, &token).await, [200; CLIENTS]);
    world.issuer.tenant.clear_faults();
    world.issuer.fault(Fault::Reset { at: Point::BeforeEffect });
    let (before, began) = (world.issuer.fetches(), Instant::now());
    world.until_logged("the keys at hand are used for");
    assert_eq!(world.read_by(CLIENTS, &token).await, [200; CLIENTS]);
    world.all_workers_served();
    let attempts = world.issuer.fetches() - before;
    // One worker alone tries about once a second.
    let bound = 2 + began.elapsed().as_secs();
    assert!((1..=bound).contains(&attempts), "{attempts} of {bound}");
    assert_eq!(
        world.logged("the keys at hand are used for") as u64,
        attempts.min(1),
        "by one of them"
    );
}
