//! Where the gateway says that the time of an exchange went.

use std::time::Duration;

use linkgate_gateway::{Event, Head, Phase, ReadBody, Step};

use crate::script::{Stage, forward, relay};
use crate::wire::{Peer, Upstream, last, nobody, say};

/// Short, and far above what any phase takes here of itself.
const PAUSE: Duration = Duration::from_millis(300);

fn all_steps(_: &Head, events: &[Event]) -> Step {
    match events.len() {
        0 => Step::Wait(0),
        1 => Step::ReadBody(ReadBody { max_bytes: 100, timeout_ms: 10_000 }),
        2 => forward(10_000),
        _ => relay(),
    }
}

#[tokio::test]
async fn a_slow_peer_shows_in_the_phase_that_waits_for_it() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, all_steps).await;
    for slow in [Phase::Body, Phase::Upstream, Phase::Answer] {
        let pause = |phase| if phase == slow { PAUSE } else { Duration::ZERO };
        let mut client = Peer::connect(stage.address).await;
        let head = "POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\n";
        client.send(head).await;
        // Not to wait for something: the time itself is what is measured.
        tokio::time::sleep(pause(Phase::Body)).await;
        client.send("abc").await;
        let mut server = upstream.accept().await;
        server.head().await;
        tokio::time::sleep(pause(Phase::Upstream)).await;
        server.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[").await;
        client.until(b"\r\n\r\n[").await;
        tokio::time::sleep(pause(Phase::Answer)).await;
        server.send("]").await;
        assert_eq!(client.rest().await, "]");

        let timings = stage.timings().await;
        // The pause may begin a moment before the phase.
        assert!(timings.of(slow) >= Some(PAUSE / 2), "{slow:?}: {timings:?}");
    }
}

#[tokio::test]
async fn a_phase_that_an_exchange_was_never_in_has_no_time() {
    let play = |_: &Head, _: &[Event]| crate::script::reply(200);
    let mut stage = Stage::open(nobody().await, play).await;
    say(stage.address, last("GET", "/a")).await;
    let timings = stage.timings().await;
    let met = Phase::ALL.map(|phase| timings.of(phase).is_some());
    assert_eq!(met, [true, true, false, false, false, true], "{timings:?}");
}
