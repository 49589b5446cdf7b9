//! Policies that change while keys are in use, or on their way.

use std::sync::Arc;

use linkgate_tenant::faults::{Fault, Point};
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::{GOOD, Gate, soon, with_kid};

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_costs_no_fetch_and_lifts_no_cooldown() {
    let issuer = Issuer::listen().await;
    let entry = issuer.entry(&issuer.by_url(&json!({ "cooldown": "1h" })));
    let mut document = policy(&[entry]);
    let gate = Gate::serve(&document, &issuer).await;
    let token = issuer.token();
    assert_eq!(gate.read(&token).await, GOOD);
    for generation in 0..3 {
        document["forward_headers"] = json!([format!("x-generation-{generation}")]);
        gate.reload(&document).await;
        assert_eq!(gate.readiness.check(), Ok(()), "the keys came along");
        for number in 0..5 {
            let made_up = with_kid(&token, &format!("made-up-{generation}-{number}"));
            let read = gate.read(&made_up).await;
            assert!(read.is_undecided(), "{read:?}");
            assert_eq!(gate.read(&token).await, GOOD);
        }
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_in_the_middle_of_a_fetch_waits_for_the_same_one() {
    let issuer = Issuer::listen().await;
    issuer.fault(Fault::Hold { at: Point::BeforeEffect });
    let keys = issuer.by_url(&json!({ "cooldown": "1h", "timeout": "30s" }));
    let mut document = policy(&[issuer.entry(&keys)]);
    let gate = Arc::new(Gate::serve(&document, &issuer).await);
    soon("the fetch", issuer.tenant.until_held(|held| held.len() == 1)).await;
    let read = |token: String| {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { gate.read(&token).await })
    };
    let before = read(issuer.token());
    gate.until("a request that waits", |ready| ready.in_flight() == 1).await;
    document["forward_headers"] = json!(["x-later"]);
    gate.reload(&document).await;
    let after = read(issuer.token());
    gate.until("another that waits", |ready| ready.in_flight() == 2).await;
    issuer.tenant.release_all().await;
    assert_eq!((before.await.unwrap(), after.await.unwrap()), (GOOD, GOOD));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_source_is_fetched_anew() {
    let issuer = Issuer::listen().await;
    let inline = json!({ "jwks": { "keys": issuer.tenant.tenant().published_keys() } });
    let gate = Gate::serve(&policy(&[issuer.entry(&inline)]), &issuer).await;
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    assert_eq!(issuer.fetches(), 0);
    gate.reload(&policy(&[issuer.entry(&issuer.by_url(&json!({ "timeout": "30s" })))])).await;
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    assert_eq!(issuer.fetches(), 1);
}

/// The first of a policy's instances has its answer before the last is made, while another policy serves.
#[tokio::test(flavor = "multi_thread")]
async fn another_source_is_fetched_once_for_instances_made_one_after_another() {
    let issuer = Issuer::listen().await;
    let inline = json!({ "jwks": { "keys": issuer.tenant.tenant().published_keys() } });
    let gate = Gate::of(16, &policy(&[issuer.entry(&inline)]), &issuer).await;
    gate.reload(&policy(&[issuer.entry(&issuer.by_url(&json!({ "timeout": "30s" })))])).await;
    for _ in 0..32 {
        assert_eq!(gate.read(&issuer.token()).await, GOOD);
    }
    assert_eq!(issuer.fetches(), 1);
}
