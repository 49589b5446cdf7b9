//! How exchanges end: each is closed exactly once, whatever ends it.

use std::time::{Duration, Instant};

use linkgate_gateway::{End, Event, Head, Limits, Reply, Step};

use crate::script::{Note, Stage, forward_then_relay, line, relay, reply};
use crate::wire::{Peer, Upstream, last, nobody, request, say};

/// A step that the contract does not allow where it comes.
type Breach = fn() -> Step;

#[tokio::test]
async fn a_client_that_leaves_while_the_upstream_works_is_gone_once() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    client.reset();
    stage.head().await;
    stage.ends(End::ClientGone, "/a").await;
    server.take(22).await;
    assert_eq!(server.rest().await, "", "the upstream's connection is closed");
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn a_client_that_leaves_during_the_answer_is_gone_once() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    client.until(b"abc").await;
    client.reset();
    stage.head().await;
    stage.event().await;
    stage.ends(End::ClientGone, "/a").await;
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn a_wait_ends_with_woken() {
    let play = |_: &Head, events: &[Event]| match events.last() {
        None => Step::Wait(0),
        Some(Event::Woken) => reply(200),
        Some(_) => reply(500),
    };
    let mut stage = Stage::open(nobody().await, play).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.head().await;
    stage.hears(Note::Event(Event::Woken)).await;
}

/// As when an API says that it takes no calls for a while: nothing is fetched, and nothing comes to wake it.
#[tokio::test]
async fn a_wait_for_nothing_but_time_lasts_until_then() {
    let play = |_: &Head, events: &[Event]| match events.len() {
        0 | 1 => Step::Wait(UNTIL_MS),
        _ => reply(200),
    };
    let before = Instant::now();
    let mut stage = Stage::open(nobody().await, play).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.head().await;
    stage.hears(Note::Event(Event::Woken)).await;
    stage.hears(Note::Event(Event::Woken)).await;
    // The gateway's clock begins later than this one.
    assert!(before.elapsed() >= Duration::from_millis(UNTIL_MS), "{:?}", before.elapsed());
}

/// Longer than a request takes on a busy machine, or the test shows nothing.
const UNTIL_MS: u64 = 1_000;

#[tokio::test]
async fn an_evaluator_that_breaks_the_contract_gets_a_503() {
    let rows: [(&str, Breach); 5] = [
        ("relay without an answer", relay),
        ("a status below 200", || reply(101)),
        ("a status HTTP has not", || reply(1000)),
        ("no header line", || {
            Step::Respond(Reply { status: 200, headers: vec![line("a b", "c")], body: vec![] })
        }),
        ("no end", || Step::Wait(0)),
    ];
    for (name, step) in rows {
        let mut stage = Stage::open(nobody().await, move |_: &Head, _: &[Event]| step()).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(request("POST", "/a")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 503 "), "{name}");
        stage.head().await;
        let mut note = stage.note().await;
        while let Note::Event(Event::Woken) = note {
            note = stage.note().await;
        }
        assert!(
            matches!(&note, Note::Fault(fault) if fault.starts_with("Breach")),
            "{name}: {note:?}"
        );
        stage.ends(End::Shutdown, "/a").await;
        assert_eq!(stage.stop().rest().await, [], "{name}");
    }
}

#[tokio::test]
async fn shutdown_lets_an_open_exchange_finish() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut idle = Peer::connect(stage.address).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    stage.head().await;
    let stopping = stage.stop();
    assert_eq!(idle.rest().await, "", "idle connections are closed");
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(client.rest().await.ends_with("abc"));
    let rest = stopping.rest().await;
    assert!(rest.contains(&Note::Closed(End::Finished)), "{rest:?}");
    assert_eq!(rest.len(), 3, "{rest:?}");
}

#[tokio::test]
async fn shutdown_breaks_off_what_does_not_end() {
    let upstream = Upstream::bind().await;
    let limits = Limits { drain_timeout: Duration::from_millis(50), ..Limits::default() };
    let mut stage = Stage::with(upstream.address, limits, forward_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    stage.head().await;
    let (rest, broken_off) = stage.stop().end().await;
    assert_eq!(rest, [Note::Closed(End::Shutdown), Note::Decided("/a".to_owned())]);
    assert_eq!(broken_off, 1);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let stage = Stage::with(nobody().await, limits, |_: &Head, _: &[Event]| reply(200)).await;
    let mut first = Peer::connect(stage.address).await;
    first.send(request("POST", "/a")).await;
    first.until(b"said 200").await;
    let second = say(stage.address, last("GET", "/b"));
    let ((), answer) = tokio::join!(first.finish(), second);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
