//! Bodies that arrive while a decision waits for keys: Envoy holds a part of them by then.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linkgate_policy::Time;
use linkgate_tenant::faults::{Fault, Point};
use linkgate_tests::hosts::Policy;
use linkgate_tests::peer::{Peer, Upstream, soon};
use linkgate_tests::{ALICES_PROFILE, Issuer, policy};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::world::{World, envoy, status};

/// How long an upstream that should get nothing is watched. A request takes a few milliseconds.
const QUIET: Duration = Duration::from_millis(500);

/// A request of one's own that its upstream would take for another, if it got there behind a head that
/// says `content-length: 0`.
const SMUGGLED: &str =
    "POST /api/v2/users/auth0%7Cbob/identities HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_a_body_before_the_decision_goes_nowhere() {
    let Some((mut world, upstream)) = waiting(|_| ()).await else { return };
    let mut client = Peer::connect(world.address()).await;
    client.send(get(&world, SMUGGLED.len() + 1) + SMUGGLED).await;
    until_received(&world, SMUGGLED.len()).await;
    world.issuer.tenant.release_all().await;
    world.until_logged("1 in use");
    // It is decided by now. Nothing shows that nothing is sent but time in which something would be.
    assert!(timeout(QUIET, upstream.accept()).await.is_err(), "sent with half a body");
    client.send("x").await;
    let mut connection = upstream.accept().await;
    let got = connection.message().await;
    assert!(got.starts_with("GET /api/v2/users/auth0%7Calice-5f7c8ec7 HTTP/1.1\r\n"), "{got}");
    assert!(got.ends_with("\r\n\r\n") && !got.contains("bob"), "{got}");
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    assert_eq!(status(&soon("a reply", client.message()).await), 200);
    drop(world);
    let (more, _) = connection.rest().await;
    assert_eq!(more, "", "behind the request");
    upstream.has_no_more("a body");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_a_body_in_parts_goes_on_whole() {
    let shadow = |document: &mut Value| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let until = now + Duration::from_hours(240);
        let until = Time { unix_ms: until.as_secs() * 1_000 }.to_string().replace(".000Z", "Z");
        document["shadow"] = json!({ "until": until });
    };
    let Some((mut world, upstream)) = waiting(shadow).await else { return };
    let mut client = Peer::connect(world.address()).await;
    client.send(get(&world, 12) + "aaaa").await;
    until_received(&world, 4).await;
    world.issuer.tenant.release_all().await;
    world.until_logged("1 in use");
    client.send("bbbb").await;
    until_received(&world, 8).await;
    client.send("cccc").await;
    let mut connection = upstream.accept().await;
    let got = connection.message().await;
    assert!(got.ends_with("\r\n\r\naaaabbbbcccc"), "{got}");
    connection.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    assert_eq!(status(&soon("a reply", client.message()).await), 200);
}

/// Envoy in front of an upstream that the test plays, with keys that are asked for and held back.
async fn waiting(change: impl FnOnce(&mut Value)) -> Option<(World, Upstream)> {
    let envoy = envoy()?.workers(1);
    let (issuer, upstream) = (Issuer::listen().await, Upstream::bind());
    issuer.fault(Fault::Hold { at: Point::BeforeEffect });
    let mut document = policy(&[issuer.entry(&issuer.by_url(&json!({ "timeout": "30s" })))]);
    change(&mut document);
    let policy = Policy { document: document.to_string(), secrets: Vec::new() };
    let serving = envoy
        .configuration(&policy, upstream.address)
        .and_then(|configuration| envoy.serve(&configuration))
        .unwrap_or_else(|trouble| panic!("{trouble}"));
    soon("the fetch", issuer.tenant.until_held(|held| held.len() == 1)).await;
    Some((World { issuer, serving }, upstream))
}

/// The head of a request for Alice's profile with a body of that length.
fn get(world: &World, length: usize) -> String {
    let token = world.issuer.token();
    format!(
        "GET {ALICES_PROFILE} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Waits until Envoy has got the head and so many bytes of the body.
async fn until_received(world: &World, bytes: usize) {
    let whole = get(world, 12).len() + bytes;
    let received = async {
        while world.stat("http.gate.downstream_cx_rx_bytes_total") < whole as u64 {
            tokio::task::yield_now().await;
        }
    };
    soon("the bytes", received).await;
}
