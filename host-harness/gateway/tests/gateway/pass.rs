//! `pass`: the client's own request, untouched and streamed, both ways.

use linkgate_gateway::{AnswerHead, End, Event, Failure, Head, HeaderEdits, Pass, ReadBody, Step};

use crate::script::{Note, Stage, line, pass, pass_then_relay, relay};
use crate::wire::{Peer, Upstream, last, nobody, post_of, say};

/// Far more than any buffer on the way.
pub(crate) const LARGE: usize = 48 << 20;

#[tokio::test]
async fn a_request_goes_on_untouched_but_for_its_hop() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send(
            "PATCH /a|b/../c\\?q=`x HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer one\r\nauthorization: Bearer two\r\n\
             Cookie: a=b\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nUpgrade: websocket\r\n\
             Proxy-Connection: close\r\nContent-Length: 3\r\n\r\nabc",
        )
        .await;
    let mut server = upstream.accept().await;
    let head = server.head().await;
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "PATCH /a|b/../c\\?q=`x HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", upstream.address);
    assert_eq!(
        lines,
        [
            "authorization: Bearer one",
            "authorization: Bearer two",
            "content-length: 3",
            "cookie: a=b",
            &host
        ]
    );
    assert_eq!(server.take(3).await, "abc");
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_request_goes_on_with_the_edits_of_its_step_and_the_policy_knows_its_peer() {
    let upstream = Upstream::bind().await;
    let play = |_: &Head, events: &[Event]| {
        let edits = HeaderEdits {
            remove: vec!["x-mine".to_owned(), "x-all-*".to_owned()],
            append: vec![line("x-mine", "ours"), line("content-length", "7")],
        };
        if events.is_empty() { Step::Pass(Pass { edits, timeout_ms: 10_000 }) } else { relay() }
    };
    let mut stage = Stage::open(upstream.address, play).await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send("POST /a HTTP/1.1\r\nhost: x\r\nX-Mine: 1\r\nx-mine: 2\r\nX-All-A: 3\r\nx-other: 4\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc")
        .await;
    let mut server = upstream.accept().await;
    let head = server.head().await;
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").skip(1).collect();
    lines.sort_unstable();
    let host = format!("host: {}", upstream.address);
    assert_eq!(lines, ["content-length: 3", &host, "x-mine: ours", "x-other: 4"]);
    server
        .send("HTTP/1.1 429 Too Many Requests\r\nX-RateLimit-Reset: 12\r\nserver: s\r\ncontent-length: 0\r\n\r\n")
        .await;
    client.rest().await;
    assert_eq!(stage.head().await.peer.as_deref(), Some("127.0.0.1"));
    let headers = vec![line("x-ratelimit-reset", "12")];
    stage.hears(Note::Event(Event::Forwarded(Ok(AnswerHead { status: 429, headers })))).await;
}

#[tokio::test]
async fn chunks_and_trailers_travel_before_the_end_in_both_directions() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\nte: trailers\r\nconnection: te\r\n\r\n")
        .await;
    client.send("5\r\nfirst\r\n").await;
    let mut server = upstream.accept().await;
    let head = server.head().await;
    assert!(
        head.contains("transfer-encoding: chunked\r\n") && head.contains("te: trailers\r\n"),
        "{head}"
    );
    server.until(b"first\r\n").await;

    // The upstream answers while the client is still sending.
    server
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\none\r\n")
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    client.until(b"one\r\n").await;
    client.send("6\r\nsecond\r\n0\r\nx-sum: 11\r\n\r\n").await;
    assert!(server.until(b"x-sum: 11\r\n\r\n").await.contains("second\r\n0\r\n"));
    server.send("3\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n").await;
    assert_eq!(client.rest().await, "3\r\ntwo\r\n0\r\nx-sum: 6\r\n\r\n");
    stage.head().await;
    stage
        .hears(Note::Event(Event::Forwarded(Ok(AnswerHead { status: 200, headers: vec![] }))))
        .await;
    stage.ends(End::Finished, "/a").await;
}

#[tokio::test]
async fn bodies_larger_than_every_buffer_are_streamed() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    let server = async {
        let mut server = upstream.accept().await;
        server.head().await;
        server.swallow(LARGE).await;
        server.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n")).await;
        pour(&mut server).await;
    };
    let user = async {
        client.send(post_of(LARGE)).await;
        pour(&mut client).await;
        client.head().await;
        client.swallow(LARGE).await;
    };
    tokio::join!(server, user);
    stage.head().await;
    stage.event().await;
    stage.ends(End::Finished, "/a").await;
}

#[tokio::test]
async fn a_body_the_policy_read_is_passed_on_whole() {
    let upstream = Upstream::bind().await;
    let play = |_: &Head, events: &[Event]| {
        match events.len() {
            // The second time the limit is beyond the body: what was read is not lost.
            0 => Step::ReadBody(ReadBody { max_bytes: 4, timeout_ms: 10_000 }),
            1 => Step::ReadBody(ReadBody { max_bytes: 100, timeout_ms: 10_000 }),
            2 => pass(),
            _ => relay(),
        }
    };
    let mut stage = Stage::open(upstream.address, play).await;
    for (framing, body, sent) in [
        ("content-length: 9", "abcdefghi", "abcdefghi"),
        (
            "transfer-encoding: chunked",
            "6\r\nabcdef\r\n3\r\nghi\r\n0\r\n\r\n",
            // Its pieces are copied together when they are read.
            "9\r\nabcdefghi\r\n0\r\n\r\n",
        ),
    ] {
        let mut client = Peer::connect(stage.address).await;
        client
            .send(format!(
                "POST /a HTTP/1.1\r\nhost: x\r\n{framing}\r\nconnection: close\r\n\r\n{body}"
            ))
            .await;
        let mut server = upstream.accept().await;
        let head = server.head().await;
        assert!(head.contains(framing), "{head}");
        assert_eq!(server.take(sent.len()).await, sent);
        server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        client.rest().await;
        stage.head().await;
        assert_eq!(stage.event().await, Event::BodyTooLarge);
        assert_eq!(stage.event().await, Event::Body(b"abcdefghi".to_vec()));
        stage.event().await;
        stage.ends(End::Finished, "/a").await;
    }
}

#[tokio::test]
async fn what_cannot_go_on_untouched_is_not_sent() {
    let mut stage = Stage::open(nobody().await, pass_then_relay).await;
    for (method, target) in [
        ("CONNECT", "evil.test:443"),
        ("CONNECT", "/a"),
        ("GET", "/a#b"),
        ("GET", "/a?b#"),
        ("GET", "http://evil.test/"),
        ("GET", "evil.test"),
    ] {
        let answer = say(stage.address, last(method, target)).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{method} {target}: {answer}");
        stage.head().await;
        assert_eq!(
            stage.event().await,
            Event::Forwarded(Err(Failure::NotSent)),
            "{method} {target}"
        );
        stage.note().await;
        stage.note().await;
    }
}

#[tokio::test]
async fn nobody_switches_protocols() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send("GET /chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        .await;
    let mut server = upstream.accept().await;
    let head = server.head().await;
    assert!(!head.contains("upgrade"), "{head}");
    server.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nframes").await;
    let answer = client.head().await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(
        stage.head().await.headers.iter().any(|line| line.name == "upgrade"),
        "the policy sees what was asked"
    );
    stage.hears(Note::Event(Event::Forwarded(Err(Failure::Unknown)))).await;
}

pub(crate) async fn pour(peer: &mut Peer) {
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..LARGE / chunk.len() {
        peer.send(&chunk).await;
    }
}
