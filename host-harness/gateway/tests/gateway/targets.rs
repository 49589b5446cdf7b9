//! What the policy gets to see of a request, byte for byte, and what never gets that far.

use linkgate_gateway::{End, Event, Head, Limits};

use crate::script::{Note, Stage, line, read_then_reply, reply};
use crate::wire::{Peer, nobody, say};

/// Targets that reach the policy exactly as they were sent.
const SEEN: &[&[u8]] = &[
    b"/api/v2/users/auth0|1/identities",
    b"/api/v2/users/auth0%7c1/identities",
    b"/caf\xc3\xa9",
    b"/a#b",
    b"/a?b#c",
    b"/#",
    b"/a/../b/./c",
    b"//a//b",
    b"/a\\b",
    b"/a;b=c/d",
    b"/%2e%2e/%",
    b"/\"{}^[]@:",
    b"/a?b=`|\\^{}",
    b"http://evil.test/a",
    b"http://evil.test",
    b"HTTP://Evil.Test/A#b",
    b"http://user@evil.test/",
    b"*",
    b"evil.test:443",
    b"evil.test",
];

/// Targets hyper refuses by itself: they reach no policy, so none of it can be sent on.
const REFUSED: &[&[u8]] = &[
    b"/a b",
    b"/a\tb",
    b"/a\0b",
    b"/a\x7fb",
    b"/a\rb",
    b"/a<b",
    b"/a`b",
    b"/a?b=<",
    b"/a?b=\"",
    b"/a\xff",
    b"a/b",
    b"",
    b"http:///a",
];

#[tokio::test]
async fn a_target_is_seen_as_it_was_sent_or_not_at_all() {
    let mut stage = Stage::open(nobody().await, |_, _| reply(200)).await;
    for target in REFUSED {
        let answer = say(stage.address, request(b"GET", target)).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target:?}: {answer:?}");
    }
    for method in [&b"GET"[..], b"POST", b"OPTIONS"] {
        for target in SEEN {
            let answer = say(stage.address, request(method, target)).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{target:?}: {answer:?}");
            // No refused request was opened before: this is the next note.
            let head = stage.head().await;
            assert_eq!((head.method.as_bytes(), head.target.as_slice()), (method, *target));
            stage.ends(End::Finished, &String::from_utf8_lossy(target)).await;
        }
    }
}

#[tokio::test]
async fn connect_is_seen_and_opens_no_tunnel() {
    let mut stage = Stage::open(nobody().await, |_, _| reply(403)).await;
    let answer = say(
        stage.address,
        "CONNECT evil.test:443 HTTP/1.1\r\nhost: evil.test:443\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let head = stage.head().await;
    assert_eq!((head.method.as_str(), head.target.as_slice()), ("CONNECT", &b"evil.test:443"[..]));
}

#[tokio::test]
async fn only_wanted_headers_are_seen_and_repeated_ones_stay_repeated() {
    let mut stage = Stage::open(nobody().await, |_, _| reply(200)).await;
    let request = "GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer one\r\nCookie: a\r\nX-WANTED: \t caf\u{e9} \r\n\
                   AUTHORIZATION:Bearer two\r\nConnection: close\r\nauthorization: Bearer one\r\n\r\n";
    say(stage.address, request).await;
    let Head { headers, .. } = stage.head().await;
    let authorization: Vec<_> =
        headers.iter().filter(|line| line.name == "authorization").cloned().collect();
    let expected =
        ["Bearer one", "Bearer two", "Bearer one"].map(|value| line("authorization", value));
    assert_eq!(authorization, expected);
    assert!(headers.contains(&line("x-wanted", "caf\u{e9}")), "{headers:?}");
    assert!(headers.contains(&line("connection", "close")), "{headers:?}");
    assert_eq!(headers.len(), 5, "{headers:?}");
}

/// Names are compared as the laxest server behind the gateway would.
#[tokio::test]
async fn a_header_is_wanted_by_its_folded_name() {
    let mut stage = Stage::open(nobody().await, |_, _| reply(200)).await;
    let request = "GET /a HTTP/1.1\r\nHost: x\r\nX_Original_URL: /b\r\nX.Original.Path: /c\r\n\
                   X_WANTED: d\r\nX-Originals: e\r\nX-Wanted-Not: f\r\n\r\n";
    let answer =
        say(stage.address, request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let Head { headers, .. } = stage.head().await;
    let expected = [
        line("x_original_url", "/b"),
        line("x.original.path", "/c"),
        line("x_wanted", "d"),
        line("connection", "close"),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn malformed_heads_reach_no_policy() {
    let stage = Stage::open(nobody().await, |_, _| reply(200)).await;
    let heads = [
        ("folded line", "GET /a HTTP/1.1\r\nhost: x\r\nauthorization: Bearer\r\n one\r\n\r\n"),
        ("space before colon", "GET /a HTTP/1.1\r\nhost: x\r\nauthorization : Bearer\r\n\r\n"),
        ("no name", "GET /a HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n"),
        ("NUL in a value", "GET /a HTTP/1.1\r\nhost: x\r\nx-wanted: a\0b\r\n\r\n"),
        ("CR in a value", "GET /a HTTP/1.1\r\nhost: x\r\nx-wanted: a\rb\r\n\r\n"),
        (
            "two lengths",
            "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
        ("signed length", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\na"),
        ("list of lengths", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1\r\n\r\na"),
        (
            "unknown coding",
            "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked not last",
            "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked in 1.0",
            "POST /a HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("two spaces", "GET  /a HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("other version", "GET /a HTTP/1.2\r\nhost: x\r\n\r\n"),
    ];
    for (name, head) in heads {
        let answer = say(stage.address, head).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{name}: {answer:?}");
    }
    let answer = say(
        stage.address,
        format!("GET /a HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-wanted: 1\r\n".repeat(100)),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "too many lines: {answer}");
    let answer = say(
        stage.address,
        format!(
            "GET /a HTTP/1.1\r\nhost: x\r\nx-wanted: {}\r\n\r\n",
            "a".repeat(Limits::HEAD_BYTES)
        ),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "too long: {answer}");
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn every_request_of_a_connection_has_its_own_target() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    // Pipelined in one write; the bodies hold what looks like heads.
    let trap = "GET /trap HTTP/1.1\r\n\r\n";
    let post = |target| {
        let length = trap.len();
        format!("\r\nPOST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{trap}")
    };
    let mut requests = ["/1#a", "/2|b", "/3"].map(post).concat();
    requests +=
        "GET /4#d HTTP/1.1\r\nhost: x\r\n\r\nGET /5#e HTTP/1.1\nhost: x\nconnection: close\n\n";
    let answers = say(stage.address, requests).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5, "{answers}");
    for (target, body) in [("/1#a", trap), ("/2|b", trap), ("/3", trap), ("/4#d", ""), ("/5#e", "")]
    {
        assert_eq!(stage.head().await.target, target.as_bytes());
        stage.hears(Note::Event(Event::Body(body.as_bytes().to_vec()))).await;
        stage.ends(End::Finished, target).await;
    }
}

#[tokio::test]
async fn a_body_that_nobody_read_never_becomes_a_head() {
    let mut stage = Stage::open(nobody().await, |_, _| reply(200)).await;
    let mut peer = Peer::connect(stage.address).await;
    let trap = "GET /trap HTTP/1.1\r\nhost: x\r\n\r\n";
    peer.send(format!("POST /1#a HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", trap.len()))
        .await;
    assert!(peer.head().await.starts_with("HTTP/1.1 200 OK"));
    peer.send(trap).await;
    peer.finish().await;
    assert_eq!(peer.rest().await.matches("HTTP/1.1").count(), 0);
    assert_eq!(stage.head().await.target, b"/1#a");
    stage.ends(End::Finished, "/1#a").await;
    assert_eq!(stage.stop().rest().await, []);
}

fn request(method: &[u8], target: &[u8]) -> Vec<u8> {
    [method, b" ", target, b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"].concat()
}
