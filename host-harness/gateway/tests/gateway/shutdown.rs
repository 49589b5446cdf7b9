//! An orderly end: each client that was let in is answered, and learns that the connection ends.

use linkgate_gateway::{End, Event, Head, Step};

use crate::script::{Note, Stage, forward_then_relay, reply};
use crate::wire::{Peer, Upstream, nobody, request};

/// Requests in flight at the call to stop.
const MANY: usize = 50;

#[tokio::test]
async fn of_many_requests_in_flight_none_is_lost() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut open = Vec::new();
    for _ in 0..MANY {
        let mut client = Peer::connect(stage.address).await;
        client.send(request("POST", "/a")).await;
        let mut server = upstream.accept().await;
        server.head().await;
        stage.head().await;
        open.push((client, server));
    }
    let stopping = stage.stop();
    for (client, server) in &mut open {
        server.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc").await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("abc"), "{answer}");
    }
    let rest = stopping.rest().await;
    let finished = rest.iter().filter(|note| **note == Note::Closed(End::Finished)).count();
    assert_eq!(finished, MANY, "{rest:?}");
}

#[tokio::test]
async fn a_request_on_its_way_at_the_call_to_stop_is_served_and_told() {
    let stage = Stage::open(nobody().await, |_: &Head, _: &[Event]| -> Step { reply(200) }).await;
    let mut kept = Peer::connect(stage.address).await;
    kept.send(request("POST", "/a")).await;
    kept.until(b"said 200").await;
    let mut fresh = Peer::connect(stage.address).await;
    kept.send(request("POST", "/a")).await;
    fresh.send(request("POST", "/a")).await;
    let stopping = stage.stop();
    for client in [&mut kept, &mut fresh] {
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    }
    // None of the three is in it twice, and none is missing.
    let rest = stopping.rest().await;
    let finished = rest.iter().filter(|note| **note == Note::Closed(End::Finished)).count();
    assert_eq!(finished, 3, "{rest:?}");
}
