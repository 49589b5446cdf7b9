//! `call`: a request of the policy's own, whose answer it gets whole.

use std::net::SocketAddr;

use linkgate_gateway::{CallFailure, End, Event, Head, Step};

use crate::failures::{COLD_AND_WARM, kept};
use crate::script::{Note, Stage, call, forward, relay, reply};
use crate::wire::{Peer, Upstream, nobody, request};

/// A call, then a reply.
fn call_then_reply(_: &Head, events: &[Event]) -> Step {
    if events.is_empty() { call(None, 300) } else { reply(200) }
}

/// A write, then the link, then what came of it.
fn write_then_link(_: &Head, events: &[Event]) -> Step {
    match events {
        [] => call(Some(r#"{"a":1}"#), 10_000),
        [Event::Called(_)] => forward(10_000),
        _ => relay(),
    }
}

async fn asks(stage: SocketAddr) -> Peer {
    let mut client = Peer::connect(stage).await;
    client.send(request("POST", "/a")).await;
    client
}

async fn called(stage: &mut Stage) -> Result<(u16, Vec<(String, String)>, String), CallFailure> {
    stage.head().await;
    let event = stage.event().await;
    let Event::Called(outcome) = event else { panic!("expected `called`, found {event:?}") };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    outcome.map(|answer| {
        let lines = answer.headers.iter().map(|line| (line.name.clone(), text(&line.value)));
        (answer.status, lines.collect(), text(&answer.body))
    })
}

#[tokio::test]
async fn it_sends_what_the_step_says_and_brings_the_answer_whole() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, |_: &Head, events: &[Event]| {
        if events.is_empty() { call(Some(r#"{"a":1}"#), 10_000) } else { reply(200) }
    })
    .await;
    let mut client = asks(stage.address).await;
    let mut server = upstream.accept().await;
    let head = server.head().await;
    assert!(
        head.starts_with("PATCH /api/v2/users/auth0%7C1?fields=user_id HTTP/1.1\r\n"),
        "{head}"
    );
    let host = format!("host: {}\r\n", upstream.address);
    for line in [&*host, "authorization: Bearer ours\r\n", "content-length: 7\r\n"] {
        assert!(head.contains(line), "`{line}` is not in {head}");
    }
    assert_eq!(server.take(7).await, r#"{"a":1}"#);
    server.send("HTTP/1.1 404 Not Found\r\nX-Odd: 1\r\ncontent-length: 10\r\n\r\n0123456789").await;
    let lines = [("x-odd", "1"), ("content-length", "10")];
    let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    assert_eq!(called(&mut stage).await, Ok((404, lines, "0123456789".to_owned())));
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.ends(End::Finished, "/a").await;
    assert!(upstream.is_left_alone(), "it went once");
}

#[tokio::test]
async fn without_a_byte_sent_it_was_not_sent() {
    let mut stage = Stage::open(nobody().await, call_then_reply).await;
    let mut client = asks(stage.address).await;
    assert_eq!(called(&mut stage).await, Err(CallFailure::NotSent));
    client.head().await;
}

/// The same where a connection was kept: neither there nor on a fresh one.
#[tokio::test]
async fn without_a_byte_sent_on_a_kept_connection_it_was_not_sent() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, call_then_reply).await;
    let mut server = stage.warm(&upstream).await;
    drop(upstream);
    server.finish().await;
    let mut client = asks(stage.address).await;
    assert_eq!(called(&mut stage).await, Err(CallFailure::NotSent));
    client.head().await;
    assert_eq!(server.request().await, None);
}

#[tokio::test]
async fn whatever_else_goes_wrong_it_may_have_acted() {
    let rows = [
        ("reset", "", true, CallFailure::Unknown),
        ("silent", "", false, CallFailure::Unknown),
        ("no HTTP", "SSH-2.0\r\n\r\n", true, CallFailure::Unknown),
        (
            "cut off",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
            true,
            CallFailure::NoBody(200),
        ),
        (
            "late",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
            false,
            CallFailure::NoBody(200),
        ),
        (
            "too large",
            "HTTP/1.1 429 Odd\r\ncontent-length: 11\r\n\r\n",
            false,
            CallFailure::NoBody(429),
        ),
        (
            "too large, unsaid",
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789+",
            false,
            CallFailure::NoBody(200),
        ),
    ];
    let rows = COLD_AND_WARM.into_iter().flat_map(|warm| rows.map(|row| (warm, row)));
    for (warm, (row, answer, ends, expected)) in rows {
        let upstream = Upstream::bind().await;
        let mut stage = Stage::open(upstream.address, call_then_reply).await;
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = asks(stage.address).await;
        let mut server = upstream.serves(kept).await;
        server.head().await;
        server.send(answer).await;
        let _silent = if ends {
            drop(server);
            None
        } else {
            Some(server)
        };
        assert_eq!(called(&mut stage).await, Err(expected), "{row}");
        assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"), "{row}");
        assert!(upstream.is_left_alone(), "{row}: it went once");
    }
}

#[tokio::test]
async fn an_answer_that_is_held_stays_so_during_a_call() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, |_: &Head, events: &[Event]| match events {
        [] => forward(10_000),
        [_] => call(None, 10_000),
        _ => relay(),
    })
    .await;
    let mut client = asks(stage.address).await;
    let mut linked = upstream.accept().await;
    linked.head().await;
    linked.send("HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\n").await;
    let mut asked = upstream.accept().await;
    asked.head().await;
    asked.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.head().await.starts_with("HTTP/1.1 201 Created\r\n"));
    linked.send("[1]").await;
    assert_eq!(client.take(3).await, "[1]");
    stage.head().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_a_write_ends_it() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, |_: &Head, _: &[Event]| call(None, 10_000)).await;
    let client = asks(stage.address).await;
    let mut server = upstream.accept().await;
    server.head().await;
    client.reset();
    stage.head().await;
    stage.hears(Note::MustFinish).await;
    stage.ends(End::ClientGone, "/a").await;
    assert_eq!(server.rest().await, "", "the upstream's connection is closed");
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn from_a_write_on_it_is_seen_through_without_its_client() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, write_then_link).await;
    let client = asks(stage.address).await;
    let mut written = upstream.accept().await;
    written.head().await;
    stage.head().await;
    client.reset();
    stage.hears(Note::MustFinish).await;
    written.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    stage.event().await;
    let mut linked = upstream.accept().await;
    assert!(linked.head().await.starts_with("POST /api/v2/users/auth0%7C1/identities HTTP/1.1"));
    linked.send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]").await;
    stage.event().await;
    stage.ends(End::ClientGone, "/a").await;
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn at_the_call_to_stop_it_is_seen_through_as_well() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, write_then_link).await;
    let client = asks(stage.address).await;
    let mut written = upstream.accept().await;
    written.head().await;
    stage.head().await;
    client.reset();
    let stopping = stage.stop();
    written.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let mut linked = upstream.accept().await;
    linked.head().await;
    linked.send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]").await;
    let (rest, broken_off) = stopping.end().await;
    assert_eq!(broken_off, 0);
    assert!(rest.contains(&Note::Closed(End::ClientGone)), "{rest:?}");
}
