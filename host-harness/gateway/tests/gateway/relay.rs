//! `relay` and `respond`: how an exchange's last step reaches the client.

use linkgate_gateway::{End, Event, Head, HeaderEdits, Reply, Step};

use crate::script::{Stage, forward, line, pass_then_relay, reply};
use crate::wire::{Peer, Upstream, last, nobody, say};

fn forward_then_edit(_: &Head, events: &[Event]) -> Step {
    let edits = HeaderEdits {
        remove: ["access-control-*", "x-gone", "vary"].map(str::to_owned).to_vec(),
        append: vec![
            line("access-control-allow-origin", "https://a.test"),
            line("vary", "Origin"),
            line("x-kept", "2"),
        ],
    };
    if events.is_empty() { forward(10_000) } else { Step::Relay(edits) }
}

#[tokio::test]
async fn edits_remove_first_and_append_then() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, forward_then_edit).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server
        .send(
            "HTTP/1.1 201 Fine\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nX-Gone: 1\r\n\
             X-Kept: 1\r\nVary: Accept\r\nKeep-Alive: 5\r\nConnection: X-Hop\r\nX-Hop: 1\r\nUpgrade: h2c\r\nDate: today\r\n\
             Content-Length: 2\r\n\r\n[]",
        )
        .await;
    let answer = client.rest().await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines.remove(0), "HTTP/1.1 201 Created");
    lines.sort_unstable();
    let expected = [
        "access-control-allow-origin: https://a.test",
        "connection: close",
        "content-length: 2",
        "date: today",
        "vary: Origin",
        "x-kept: 1",
        "x-kept: 2",
    ];
    assert_eq!((lines.as_slice(), body), (&expected[..], "[]"));
}

#[tokio::test]
async fn an_answer_without_body_keeps_its_length() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    for (method, status) in
        [("HEAD", "200 OK"), ("GET", "304 Not Modified"), ("GET", "204 No Content")]
    {
        let mut client = Peer::connect(stage.address).await;
        client.send(last(method, "/a")).await;
        let mut server = upstream.accept().await;
        assert!(server.head().await.starts_with(method));
        let length = if method == "HEAD" { "content-length: 77\r\n" } else { "" };
        server.send(format!("HTTP/1.1 {status}\r\n{length}\r\n")).await;
        let answer = client.rest().await;
        assert!(
            answer.contains(length) && answer.ends_with("\r\n\r\n"),
            "{method} {status}: {answer}"
        );
        stage.head().await;
        stage.event().await;
        stage.ends(End::Finished, "/a").await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_edit).await;
    for framed in ["content-length: 9\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"]
    {
        let mut client = Peer::connect(stage.address).await;
        client.send(last("POST", "/a")).await;
        let mut server = upstream.accept().await;
        server.head().await;
        server.take(22).await;
        server.send(format!("HTTP/1.1 200 OK\r\n{framed}")).await;
        client.until(b"abc").await;
        drop(server);
        let rest = client.rest().await;
        assert!(!rest.contains("0\r\n\r\n"), "a broken body must not look whole: {rest:?}");
        stage.head().await;
        stage.event().await;
        stage.ends(End::Finished, "/a").await;
    }
}

#[tokio::test]
async fn a_reply_drops_the_upstreams_answer() {
    let upstream = Upstream::bind().await;
    let play = |_: &Head, events: &[Event]| {
        if events.is_empty() { forward(10_000) } else { reply(503) }
    };
    let stage = Stage::open(upstream.address, play).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.take(22).await;
    server.send("HTTP/1.1 200 OK\r\nx-theirs: 1\r\ncontent-length: 9\r\n\r\nabc").await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ")
            && answer.ends_with("said 503")
            && !answer.contains("theirs"),
        "{answer}"
    );
    assert_eq!(server.rest().await, "", "the upstream's connection is closed");
}

#[tokio::test]
async fn a_reply_is_framed_by_the_host() {
    let play = |_: &Head, _: &[Event]| {
        let headers = vec![
            line("content-length", "99"),
            line("transfer-encoding", "chunked"),
            line("x-a", "1"),
            line("x-a", "2"),
        ];
        Step::Respond(Reply { status: 403, headers, body: b"{}".to_vec() })
    };
    let mut stage = Stage::open(nobody().await, play).await;
    let answer = say(stage.address, last("POST", "/a")).await;
    assert!(answer.contains("content-length: 2\r\n") && !answer.contains("chunked"), "{answer}");
    assert!(
        answer.contains("x-a: 1\r\n")
            && answer.contains("x-a: 2\r\n")
            && answer.ends_with("\r\n\r\n{}"),
        "{answer}"
    );
    let answer = say(stage.address, last("HEAD", "/a")).await;
    assert!(answer.contains("content-length: 2\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    for _ in 0..2 {
        stage.head().await;
        stage.ends(End::Finished, "/a").await;
    }
}
