//! Keys that come and go.

use std::time::Duration;

use linkgate_tenant::SigningKey;
use linkgate_tenant::keys::{Overlap, Place};
use linkgate_tests::{Issuer, policy};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::world::{GOOD, Gate, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_published_before_it_signs_is_known_when_it_does() {
    let issuer = Issuer::listen().await;
    issuer.fresh_for(1);
    let keys = issuer.by_url(&json!({ "refresh_min": "1s", "cooldown": "1h" }));
    let gate = Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await;
    let before = issuer.token();
    assert_eq!(gate.read(&before).await, GOOD);

    let next = SigningKey::generate().unwrap();
    let jwk = serde_json::to_value(next.jwk()).unwrap();
    issuer.tenant.publish_strange_keys([jwk], Place::Last);
    gate.until("both keys", |ready| ready.key_sources().iter().any(|source| source.keys == 2))
        .await;
    issuer.tenant.tenant().unpublish_strange_keys();
    issuer.tenant.tenant().rotate_key(next);
    let after = issuer.token();
    for token in [&before, &after, &before, &after] {
        assert_eq!(gate.read(token).await, GOOD);
    }

    issuer.tenant.tenant().withdraw_earlier_keys();
    gate.until("one key", |ready| ready.key_sources().iter().any(|source| source.keys == 1)).await;
    assert_eq!(gate.read(&after).await, GOOD);
    let read = gate.read(&before).await;
    assert!(read.is_undecided(), "withdrawn, and no fetch within the cooldown: {read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_signs_at_once_costs_one_fetch_and_refuses_nobody() {
    let issuer = Issuer::listen().await;
    let keys = issuer.by_url(&json!({ "cooldown": "1s" }));
    let gate = Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await;
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    // The cooldown of the first fetch passes: that time passes is what is waited for.
    sleep_until(Instant::now() + Duration::from_millis(1100)).await;
    issuer.tenant.rotate_key(Overlap::None).unwrap();
    let token = issuer.token();
    for _ in 0..20 {
        assert_eq!(gate.read(&token).await, GOOD);
    }
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_cooldown_lasts_a_new_key_is_told_when_to_come_again() {
    let issuer = Issuer::listen().await;
    let keys = issuer.by_url(&json!({ "cooldown": "1s" }));
    let gate = Gate::serve(&policy(&[issuer.entry(&keys)]), &issuer).await;
    assert_eq!(gate.read(&issuer.token()).await, GOOD);
    issuer.tenant.rotate_key(Overlap::None).unwrap();
    let token = issuer.token();
    let comes = async {
        loop {
            let read = gate.read(&token).await;
            if read == GOOD {
                return;
            }
            assert!(read.is_undecided() && read.retry_after_s == Some(1), "{read:?}");
        }
    };
    soon("the new key", comes).await;
    assert_eq!(issuer.fetches(), 2);
}
