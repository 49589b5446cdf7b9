//! Faults by chance: the same seed, the same requests.

use crate::wire::*;

const REQUESTS: usize = 40;

/// The statuses of a run of requests, some of them 500 by chance.
async fn run(seed: u64) -> Vec<u16> {
    let served = Served::new().await;
    let document = format!(
        r#"{{"faults": [{{"operation": "jwks", "probability": 0.3, "seed": {seed}, "fault": {{"status": {{"at": "before_effect", "status": 500}}}}}}]}}"#
    );
    assert_eq!(served.ask("POST", "/__faults", &document).await.0, 201);
    let mut statuses = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        statuses.push(served.send(JWKS).await.unwrap().status());
    }
    statuses
}

#[tokio::test]
async fn a_seed_repeats_itself() {
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    let failed = first.iter().filter(|status| **status == 500).count();
    assert!((1..REQUESTS).contains(&failed), "{failed} of {REQUESTS}");
    assert!(first.iter().all(|status| [200, 500].contains(status)), "{first:?}");
}
