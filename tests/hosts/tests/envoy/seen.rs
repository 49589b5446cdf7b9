//! What an operator sees of decisions: the access log, and the numbers.

use linkgate_tests::peer::{Peer, soon};
use linkgate_tests::{Issuer, policy};
use serde_json::json;

use crate::world::{World, envoy, of_policy, read, status};

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_in_the_access_log_and_the_numbers() {
    let Some(envoy) = envoy() else { return };
    let issuer = Issuer::listen().await;
    let mut document = policy(&[issuer.entry(&issuer.by_url(&json!({})))]);
    document["pass"] = json!(["/open"]);
    let configuration = of_policy(&envoy, &issuer, &document);
    let mut world = World::with(&envoy, issuer, &configuration);
    let mut client = Peer::connect(world.address()).await;
    let token = world.issuer.token();
    assert_eq!(read(&mut client, &token).await, 200);
    assert_eq!(read(&mut client, "a.b.c").await, 401);
    client.send("GET /open HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    assert_eq!(status(&client.message().await), 404);
    world.until_logged("outcome=allowed reason=granted cause=granted");
    world.until_logged("outcome=denied reason=bearer-invalid cause=");
    world.until_logged("outcome=passed reason=- cause=-");
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
