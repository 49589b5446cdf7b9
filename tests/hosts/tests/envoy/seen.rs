//! What an operator sees of decisions: the access log, and the numbers.

use linkgate_tests::peer::{Peer, soon};
use serde_json::json;

use crate::world::{World, envoy, read};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_in_the_access_log_and_the_numbers() {
    let Some(envoy) = envoy() else { return };
    let mut world = World::begin(&envoy, &json!({})).await;
    let mut client = Peer::connect(world.address()).await;
    let token = world.issuer.token();
    assert_eq!(read(&mut client, &token).await, 200);
    assert_eq!(read(&mut client, "a.b.c").await, 401);
    world.until_logged("outcome=allowed reason=granted cause=granted");
    world.until_logged("outcome=denied reason=bearer-invalid cause=");
    assert_eq!(world.stat("linkgate.decisions.allowed.granted"), 1);
    assert_eq!(world.stat("linkgate.decisions.denied.bearer-invalid"), 1);
    // Envoy puts histograms together every few seconds.
    let durations = async {
        while durations(&world) < 2 {
            tokio::task::yield_now().await;
        }
    };
    soon("a duration of each outcome", durations).await;
    assert!(!world.serving.process.said().contains(&token), "a token is in the log");
}

/// Histograms of durations that have one in them.
fn durations(world: &World) -> usize {
    let stats = world.serving.admin("/stats/prometheus");
    let counts = stats.lines().filter(|line| line.contains("linkgate_duration_us"));
    counts.filter(|line| line.contains("_count") && line.ends_with(" 1")).count()
}
