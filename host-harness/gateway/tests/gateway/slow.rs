//! Peers that stand still or creep, while a head or a body is waited for: none holds its exchange.

use std::time::{Duration, Instant};

use http::Request;
use linkgate_gateway::{AnswerHead, End, Event, Head, Limits};
use tokio::net::TcpStream;

use crate::failures::{COLD_AND_WARM, kept};
use crate::pass::LARGE;
use crate::script::{Note, Stage, forward_then_relay, pass_then_relay, reply};
use crate::wire::{Peer, Upstream, last, nobody, post_of, request, soon};

const SHORT: Duration = Duration::from_millis(300);

/// A bound on each silence, or only on all of them together.
fn bounds() -> [(&'static str, Limits); 2] {
    let long = Duration::from_mins(1);
    let kept = Limits { upstream_idle: long, upstream_recent: long, ..Limits::default() };
    [
        ("still", Limits { stall_timeout: SHORT, ..kept.clone() }),
        ("creeping", Limits { body_grace: SHORT, ..kept }),
    ]
}

/// These, on a connection to the upstream of its own, and on one that was kept.
fn cold_and_warm() -> impl Iterator<Item = (bool, &'static str, Limits)> {
    let rows = COLD_AND_WARM.into_iter();
    rows.flat_map(|warm| bounds().map(|(name, limits)| (warm, name, limits)))
}

#[tokio::test]
async fn a_head_that_creeps_is_not_waited_for() {
    let limits = Limits { head_timeout: SHORT, ..Limits::default() };
    let stage = Stage::with(nobody().await, limits, |_: &Head, _: &[Event]| reply(200)).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("GET /a HTTP/1.1\r\nhost: x\r\nx-wanted: ").await;
    client.creep().await;
    assert_eq!(client.rest().await.matches("200").count(), 0);
    assert_eq!(stage.stop().rest().await, []);
}

/// What was sent of it may have been acted upon.
#[tokio::test]
async fn a_client_whose_body_does_not_come_is_cut_off() {
    for (warm, name, limits) in cold_and_warm() {
        let upstream = Upstream::bind().await;
        let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        let began = Instant::now();
        client.send(post_of(9999)).await;
        client.send("abc").await;
        let mut server = upstream.serves(kept).await;
        server.head().await;
        server.take(3).await;
        if name == "creeping" {
            client.creep().await;
        }
        let rest = server.rest().await;
        assert!(rest.chars().all(|byte| byte == 'x'), "{name}: {rest}");
        stage.head().await;
        assert_eq!(stage.event().await, Event::BodyFailed, "{name}: not the upstream's doing");
        // The step itself gives the upstream ten seconds.
        assert!(began.elapsed() < Duration::from_secs(8), "{name}: not cut off by its slowness");
        assert!(upstream.is_left_alone(), "{name}: something was sent again");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_broken_off() {
    for (warm, name, limits) in cold_and_warm() {
        let upstream = Upstream::bind().await;
        let mut stage = Stage::with(upstream.address, limits, forward_then_relay).await;
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(request("GET", "/a")).await;
        let mut server = upstream.serves(kept).await;
        server.head().await;
        server.send("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nabc").await;
        if name == "creeping" {
            server.creep().await;
        }
        assert!(client.rest().await.contains("\r\n\r\nabc"), "{name}");
        stage.head().await;
        stage.event().await;
        stage.ends(End::Finished, "/a").await;
    }
}

/// An event stream says little for as long as its client listens.
#[tokio::test]
async fn a_passed_answer_may_creep_but_not_fall_silent() {
    let grace = Duration::from_millis(1);
    let limits = Limits { stall_timeout: grace, body_grace: grace, ..Limits::default() };
    let upstream = Upstream::bind().await;
    let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("GET", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await;
    client.head().await;
    for _ in 0..20 {
        // Each comes after the one before was seen: longer than the grace that any other peer has.
        server.send(":\n\n").await;
        client.take(3).await;
    }
    drop(server);
    stage.head().await;
    stage.event().await;
    stage.ends(End::Finished, "/a").await;

    let limits = Limits { idle_timeout: SHORT, ..Limits::default() };
    let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("GET", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\nabc").await;
    assert!(client.rest().await.contains("\r\n\r\nabc"), "silent for too long");
    stage.head().await;
    stage.event().await;
    stage.ends(End::Finished, "/a").await;
}

/// It is asked for a body of `LARGE`, and pours as much as it gets rid of.
async fn poured(upstream: &Upstream) {
    let mut server = upstream.accept().await;
    server.head().await;
    server.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n")).await;
    server.pour_until_cut_off().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_off() {
    let limits = Limits { stall_timeout: SHORT, ..Limits::default() };
    let upstream = Upstream::bind().await;
    let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("GET", "/a")).await;
    poured(&upstream).await;
    stage.head().await;
    stage
        .hears(Note::Event(Event::Forwarded(Ok(AnswerHead { status: 200, headers: vec![] }))))
        .await;
    stage.ends(End::ClientGone, "/a").await;
}

/// Its connection is well: it would answer a ping, and other streams on it go on.
#[tokio::test]
async fn a_client_that_takes_no_answer_on_a_stream_of_its_own_is_cut_off_there() {
    let limits = Limits { stall_timeout: SHORT, ..Limits::default() };
    let upstream = Upstream::bind().await;
    let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
    let socket = TcpStream::connect(stage.address).await.expect("a connection");
    let (mut client, connection) = h2::client::handshake(socket).await.expect("a handshake");
    tokio::spawn(connection);
    let ask = || Request::get("http://x/a").body(()).expect("a request");
    let (answer, _) = client.send_request(ask(), true).expect("a stream");
    let poured = poured(&upstream);
    let (answer, ()) = tokio::join!(soon("an answer", answer), poured);
    let mut body = answer.expect("an answer").into_body();
    // The window is full and stays so, for what comes is not given back.
    let broken = loop {
        match soon("a chunk or the end", body.data()).await {
            Some(Ok(_chunk)) => {}
            ended => break ended,
        }
    };
    assert!(matches!(broken, Some(Err(_))), "{broken:?}");
    stage.head().await;
    stage.event().await;
    stage.ends(End::ClientGone, "/a").await;

    client = soon("a stream", client.ready()).await.expect("a stream");
    let (answer, _) = client.send_request(ask(), true).expect("a stream");
    let server = async {
        let mut server = upstream.accept().await;
        server.head().await;
        server.send("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
    };
    let (answer, ()) = tokio::join!(soon("an answer", answer), server);
    assert_eq!(answer.expect("an answer").status(), 201);
}
