//! What is spoken with an upstream over TLS, as it chooses, and how requests look to an HTTP/2 server of another's.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, server};
use http::{HeaderMap, Request, Response};
use linkgate_gateway::{Event, Head, Limits, Step, Trap, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::frames::Listener;
use crate::script::{Stage, forward_then_relay, pass_then_relay};
use crate::wire::{Peer, last, say};

#[expect(clippy::unnecessary_wraps, reason = "the form of a script that may trap")]
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    let is_forward = head.target == b"/forward";
    Ok(if is_forward { forward_then_relay(head, events) } else { pass_then_relay(head, events) })
}

#[tokio::test]
async fn http_1_is_spoken_where_http_2_is_not_agreed_upon() {
    let (both, one): (&[&[u8]], &[&[u8]]) = (&[b"h2", b"http/1.1"], &[b"http/1.1"]);
    let both_ways = |upstream: Upstream| upstream;
    for (row, protocols, spoken, is_http2) in [
        ("both", both, both_ways as fn(Upstream) -> Upstream, true),
        ("HTTP/1.1 alone", one, both_ways, false),
        ("no ALPN", &[], both_ways, false),
        ("both, but the operator says otherwise", both, Upstream::http1_only, false),
    ] {
        let listener = Listener::bind(protocols).await;
        let upstream = spoken(listener.upstream.clone());
        let stage = Stage::of(NonZeroUsize::MIN, upstream, Limits::default(), play).await;
        let answering = async {
            let mut stream = listener.tls().await;
            let mut start = [0; 4];
            stream.read_exact(&mut start).await.expect("a start");
            if &start == b"PRI " {
                return;
            }
            let mut head = start.to_vec();
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut head).await.expect("a head");
            }
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none";
            stream.write_all(answer.as_bytes()).await.expect("room");
        };
        let (answer, ()) = tokio::join!(say(stage.address, last("GET", "/a")), answering);
        assert_eq!(answer.contains("one"), !is_http2, "{row}: {answer}");
    }
}

/// A server of h2's own: it answers with the body that it gets, its trailers, and what it saw in header lines.
async fn serve(listener: Listener) {
    let socket = listener.tls().await;
    let mut connection = server::handshake(socket).await.expect("a handshake");
    while let Some(accepted) = connection.accept().await {
        let Ok((request, answer)) = accepted else { return };
        tokio::spawn(echo(request, answer));
    }
}

async fn echo(request: Request<RecvStream>, mut answer: SendResponse<Bytes>) {
    let (head, mut body) = request.into_parts();
    let mut response =
        Response::builder().header("x-uri", head.uri.to_string()).header("trailer", "x-sum");
    for (name, value) in &head.headers {
        response = response.header(format!("x-saw-{name}"), value);
    }
    let mut sent = answer.send_response(response.body(()).expect("a head"), false).expect("room");
    while let Some(data) = body.data().await {
        let mut data = data.expect("data");
        body.flow_control().release_capacity(data.len()).expect("room");
        while !data.is_empty() {
            sent.reserve_capacity(data.len());
            while sent.capacity() == 0 {
                let room = std::future::poll_fn(|cx| sent.poll_capacity(cx)).await;
                room.expect("a stream").expect("room");
            }
            let room = sent.capacity().min(data.len());
            sent.send_data(data.split_to(room), false).expect("room");
        }
    }
    let trailers = body.trailers().await.expect("trailers").unwrap_or_else(HeaderMap::new);
    sent.send_trailers(trailers).expect("room");
}

async fn stage() -> (Stage, String) {
    let listener = Listener::bind(&[b"h2"]).await;
    let upstream = listener.upstream.to_string();
    let stage = listener.stage(play).await;
    tokio::spawn(serve(listener));
    (stage, upstream)
}

/// RFC 9113 section 8.2.2 and 8.3.1: nothing of the client's connection, and `:authority` in place of `Host`.
#[tokio::test]
async fn a_request_is_seen_as_http_2_has_it() {
    let (stage, upstream) = stage().await;
    let answer = say(
        stage.address,
        "POST /a/%7C?b=c%23 HTTP/1.1\r\nhost: evil.test\r\ncookie: a=1\r\ncookie: b=2\r\n\
         te: trailers, gzip\r\nupgrade: websocket\r\nx-mine: 1\r\nkeep-alive: timeout=5\r\n\
         proxy-connection: close\r\nconnection: close, upgrade, x-mine\r\ncontent-length: 2\r\n\r\nab",
    )
    .await;
    let mut saw: Vec<&str> = answer.lines().filter(|line| line.starts_with("x-")).collect();
    saw.sort_unstable();
    let uri = format!("x-uri: {upstream}/a/%7C?b=c%23");
    let expected = [
        "x-saw-content-length: 2",
        "x-saw-cookie: a=1",
        "x-saw-cookie: b=2",
        "x-saw-te: trailers",
        &uri,
    ];
    assert_eq!(saw, expected, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn the_asterisk_form_is_sent_on() {
    let (stage, _) = stage().await;
    let answer = say(stage.address, last("OPTIONS", "*")).await;
    let uri = answer.lines().find(|line| line.starts_with("x-uri: ")).expect("a line");
    assert!(uri.ends_with('*'), "{uri}");
}

#[tokio::test]
async fn a_guarded_request_goes_whole() {
    let (stage, _) = stage().await;
    for _ in 0..3 {
        let answer = say(stage.address, last("POST", "/forward")).await;
        assert!(answer.contains("x-saw-content-length: 22\r\n"), "{answer}");
        assert!(answer.contains("x-saw-authorization: Bearer mine\r\n"), "{answer}");
        assert!(answer.contains(r#"{"link_with":"theirs"}"#), "{answer}");
    }
}

/// Larger than any window.
#[tokio::test]
async fn large_bodies_go_both_ways_with_their_trailers() {
    const LENGTH: usize = 2 << 20;
    let (stage, _) = stage().await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send("POST /a HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: te\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    client.head().await;
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let mut received = 0;
    for _ in 0..LENGTH / 0x4000 {
        client.send(&chunk).await;
    }
    client.send("0\r\nx-sum: 9\r\n\r\n").await;
    let rest = client.until_or_end(b"0\r\nx-sum: 9\r\n\r\n").await;
    received += rest.matches('x').count();
    assert!(received >= LENGTH, "{received}");
    assert!(rest.ends_with("0\r\nx-sum: 9\r\n\r\n"), "no trailers");
}

const CLIENTS: usize = 8;
const REQUESTS: usize = 60;

/// Takes few requests at once, and goes away after some. Counts how often each was begun with.
async fn come_and_go(listener: Listener, seen: Arc<Mutex<BTreeMap<String, usize>>>) {
    loop {
        let socket = listener.tls().await;
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let few = server::Builder::new().max_concurrent_streams(3).handshake(socket).await;
            let mut connection: server::Connection<_, Bytes> = few.expect("a handshake");
            let mut count = 0;
            while let Some(Ok((request, mut answer))) = connection.accept().await {
                let path = request.uri().path().to_owned();
                *seen.lock().expect("a lock").entry(path).or_default() += 1;
                answer.send_response(Response::new(()), true).expect("room");
                count += 1;
                if count == 7 {
                    connection.graceful_shutdown();
                }
            }
        });
    }
}

/// Gives how many were answered.
async fn asks(stage: SocketAddr, client: usize) -> usize {
    let mut answered = 0;
    for request in 0..REQUESTS {
        let answer = say(stage, last("POST", &format!("/{client}/{request}"))).await;
        answered += usize::from(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    answered
}

/// An upstream that closes a connection right after its farewell may take the farewell along: then the outcome is unknown,
/// and nothing is sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_connections_go_away_requests_are_answered_and_none_is_sent_twice() {
    let listener = Listener::bind(&[b"h2"]).await;
    let stage = listener.stage(play).await;
    let seen = Arc::default();
    let upstream = tokio::spawn(come_and_go(listener, Arc::clone(&seen)));
    let clients: Vec<_> =
        (0..CLIENTS).map(|client| tokio::spawn(asks(stage.address, client))).collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.expect("a client");
    }
    upstream.abort();
    let seen = seen.lock().expect("a lock");
    assert!(seen.values().all(|count| *count == 1), "{seen:?}");
    assert!(answered > CLIENTS * REQUESTS * 9 / 10, "{answered}");
    assert!(answered <= seen.len(), "{answered}");
}
