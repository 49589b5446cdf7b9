//! How many fetches many requests cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use linkgate_gateway::{Limits, NotReady};
use linkgate_tenant::Operation;
use linkgate_tenant::faults::{Fault, Point};
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::{Client, GOOD, Gate, at_once, soon, with_kid};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_first_requests_at_once_cost_one_fetch() {
    Limits::default().fit_descriptors().expect("descriptors for a thousand clients");
    let issuer = Issuer::listen().await;
    issuer.fault(Fault::Hold { at: Point::BeforeEffect });
    let keys = issuer.by_url(&json!({ "cooldown": "1h", "timeout": "30s" }));
    let gate = Arc::new(Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await);
    soon("the fetch", issuer.tenant.until_held(|held| held.len() == 1)).await;
    assert_eq!(gate.readiness.check(), Err(NotReady::NoKeys));

    let answered = Arc::new(AtomicUsize::new(0));
    let token = issuer.token();
    let requests = (0..1000).map(|_| {
        let (gate, token, answered) = (Arc::clone(&gate), token.clone(), Arc::clone(&answered));
        async move {
            let read = gate.read(&token).await;
            answered.fetch_add(1, Ordering::Relaxed);
            read
        }
    });
    let requests: Vec<_> = requests.collect();
    let requests = tokio::spawn(at_once(requests));
    gate.until("requests that wait", |ready| ready.in_flight() == 1000).await;
    assert_eq!(answered.load(Ordering::Relaxed), 0, "an answer without keys");
    issuer.tenant.release_all().await;
    let reads = requests.await.unwrap();
    let other: Vec<_> = reads.iter().filter(|read| **read != GOOD).collect();
    assert!(other.is_empty(), "{} of 1000, as {:?}", other.len(), other.first());
    assert_eq!(issuer.fetches(), 1);
    assert_eq!(gate.readiness.check(), Ok(()));
    let notices = gate.notices().await;
    assert_eq!(notices.len(), 1, "logged once, not by each instance: {notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_says_where_the_keys_are() {
    let issuer = Issuer::listen().await;
    let entry = issuer.entry(&json!({ "discovery": true }));
    let gate = Gate::serve(&policy(&[entry]), &issuer).await;
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    assert_eq!((issuer.tenant.arrived(Operation::Discovery), issuer.fetches()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_made_up_kids_cost_one_fetch_a_cooldown() {
    const CLIENTS: usize = 20;
    const EACH: usize = 500;
    let issuer = Issuer::listen().await;
    let keys = issuer.by_url(&json!({ "cooldown": "1s" }));
    let gate = Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await;
    let token = issuer.token();
    assert_eq!(gate.read(&token).await, GOOD);

    let began = Instant::now();
    let clients = (0..CLIENTS).map(|client| {
        let (address, token) = (gate.address, token.clone());
        async move {
            let mut connection = Client::connect(address).await;
            for number in 0..EACH {
                let read = connection.read(&with_kid(&token, &format!("{client}-{number}"))).await;
                // 401 only after the issuer was asked for this very one.
                assert!(read.is_undecided() || read.status == 401, "{read:?}");
            }
            connection.read(&token).await
        }
    });
    let reads = at_once(clients).await;
    assert!(reads.iter().all(|read| *read == GOOD), "a known key is not held up: {reads:?}");
    // The first fetch, and then at most one in each second that has begun.
    let bound = 2 + began.elapsed().as_secs();
    assert!((1..=bound).contains(&issuer.fetches()), "{} of {bound}", issuer.fetches());
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_cooldown_nobody_can_tell_and_nobody_asks() {
    let issuer = Issuer::listen().await;
    let keys = issuer.by_url(&json!({ "cooldown": "1h" }));
    let gate = Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await;
    let token = issuer.token();
    assert_eq!(gate.read(&token).await, GOOD);
    for number in 0..100 {
        let read = gate.read(&with_kid(&token, &format!("made-up-{number}"))).await;
        assert!(read.is_undecided(), "{read:?}");
        assert!(read.retry_after_s <= Some(3600), "{read:?}");
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_kid_of_two_issuers_is_two_keys() {
    let (ours, theirs) = (Issuer::listen().await, Issuer::listen().await);
    for issuer in [&ours, &theirs] {
        let key = linkgate_tenant::SigningKey::generate().unwrap().with_kid("same");
        issuer.tenant.tenant().rotate_key(key);
        issuer.tenant.tenant().withdraw_earlier_keys();
    }
    let entries = [&ours, &theirs].map(|issuer| issuer.entry(&issuer.by_url(&json!({}))));
    let gate = Gate::serve(&policy(&entries), &ours).await;
    assert_eq!(gate.read(&ours.token()).await, GOOD);
    // What they signed is theirs: permitted here, and the upstream refuses a stranger's token.
    let theirs_read = gate.read(&theirs.token()).await;
    assert_eq!(theirs_read.status, 401);
    assert_eq!((ours.fetches(), theirs.fetches()), (1, 1));
    // Their signature under our claims is by no key.
    let (ours_token, theirs_token) = (ours.token(), theirs.token());
    let (claims, _) = ours_token.rsplit_once('.').unwrap();
    let (_, signature) = theirs_token.rsplit_once('.').unwrap();
    assert_eq!(gate.read(&format!("{claims}.{signature}")).await.status, 401);
}
