//! Key endpoints that are down for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use linkgate_gateway::NotReady;
use linkgate_tenant::faults::{Fault, Point};
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::{GOOD, Gate};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_within_the_stale_bound_refuses_nobody() {
    let issuer = Issuer::listen().await;
    issuer.fresh_for(1);
    let keys = issuer.by_url(&json!({ "refresh_min": "1s", "stale": "1h", "cooldown": "1s" }));
    let gate = Arc::new(Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await);
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    issuer.fault(Fault::Reset { at: Point::BeforeEffect });
    let before = issuer.fetches();

    let over = Arc::new(AtomicBool::new(false));
    let (client, token, stop) = (Arc::clone(&gate), issuer.token(), Arc::clone(&over));
    let requests = tokio::spawn(async move {
        let mut served = 0;
        while !stop.load(Ordering::Acquire) {
            assert_eq!(client.read(&token).await, GOOD);
            served += 1;
        }
        served
    });
    issuer.until_fetched(before + 2).await;
    gate.until("the failure to be known", |ready| {
        ready.key_sources().iter().any(|source| source.last_failure.is_some())
    })
    .await;
    assert_eq!(gate.readiness.check(), Ok(()), "stale keys are keys");
    issuer.tenant.clear_faults();
    issuer.until_fetched(before + 3).await;
    gate.until("the end of the outage to be known", |ready| {
        ready.key_sources().iter().all(|source| source.last_failure.is_none())
    })
    .await;
    over.store(true, Ordering::Release);
    let served = requests.await.unwrap();
    assert!(served > 10, "{served} requests in an outage of seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_beyond_it_is_503_and_never_401() {
    let issuer = Issuer::listen().await;
    issuer.fresh_for(1);
    let rules = json!({ "refresh_min": "1s", "stale": "0s", "cooldown": "1s" });
    let entry = issuer.entry(&issuer.by_url(&rules));
    let gate = Gate::serve(&policy(&[entry]), &issuer).await;
    let token = issuer.token();
    assert_eq!(gate.read(&token).await, GOOD);
    issuer.fault(Fault::Reset { at: Point::BeforeEffect });
    gate.until("the keys to be too old", |ready| ready.check() == Err(NotReady::NoKeys)).await;
    for _ in 0..5 {
        let read = gate.read(&token).await;
        assert!(read.is_undecided(), "{read:?}");
    }
    issuer.tenant.clear_faults();
    gate.until("keys again", |ready| ready.check().is_ok()).await;
    assert_eq!(gate.read(&token).await, GOOD);
}
