//! `forward`: exactly the bytes of the step, and nothing where HTTP cannot say them.

use linkgate_gateway::{AnswerHead, End, Event, Failure, Forward, Head, Step};

use crate::script::{Note, Stage, forward_then_relay, relay, reply};
use crate::wire::{Peer, Upstream, nobody, say};

const CLIENT: &str = "POST /whatever|it#was HTTP/1.1\r\nhost: gateway.test\r\ncookie: a=b\r\nauthorization: Bearer raw\r\n\
                      x-forwarded-for: 1.2.3.4\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc";

#[tokio::test]
async fn the_upstream_gets_the_step_and_nothing_else() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(CLIENT).await;

    let mut server = upstream.accept().await;
    let head = server.head().await;
    let mut lines: Vec<&str> = head.trim_end().split("\r\n").collect();
    assert_eq!(lines.remove(0), "POST /api/v2/users/auth0%7C1/identities HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", upstream.address);
    let expected = [
        "authorization: Bearer mine",
        "content-length: 22",
        "content-type: application/json",
        &host,
        "x-twice: 1",
        "x-twice: 2",
    ];
    assert_eq!(lines, expected);
    assert_eq!(server.take(22).await, r#"{"link_with":"theirs"}"#);
    server.send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]").await;

    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 201 Created\r\n") && answer.ends_with("\r\n\r\n[]"),
        "{answer}"
    );
    stage.head().await;
    stage
        .hears(Note::Event(Event::Forwarded(Ok(AnswerHead { status: 201, headers: vec![] }))))
        .await;
    stage.ends(End::Finished, "/whatever|it#was").await;
}

#[tokio::test]
async fn a_step_without_body_has_no_framing() {
    let upstream = Upstream::bind().await;
    let delete = |_: &Head, events: &[Event]| {
        let step = Forward {
            method: "DELETE".to_owned(),
            path: "/a".to_owned(),
            headers: vec![],
            body: None,
            timeout_ms: 10_000,
        };
        if events.is_empty() { Step::Forward(step) } else { relay() }
    };
    let stage = Stage::open(upstream.address, delete).await;
    let mut client = Peer::connect(stage.address).await;
    client
        .send("DELETE /a HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc")
        .await;
    let mut server = upstream.accept().await;
    assert_eq!(
        server.head().await,
        format!("DELETE /a HTTP/1.1\r\nhost: {}\r\n\r\n", upstream.address)
    );
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_redirect_is_relayed_not_followed() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(CLIENT).await;
    let mut server = upstream.accept().await;
    server.head().await;
    server
        .send(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 307 ") && answer.contains("location: /elsewhere\r\n"),
        "{answer}"
    );
    stage.head().await;
    stage
        .hears(Note::Event(Event::Forwarded(Ok(AnswerHead { status: 307, headers: vec![] }))))
        .await;
}

#[tokio::test]
async fn what_http_cannot_say_is_not_sent() {
    for (method, path) in [
        ("GET", "/a#b"),
        ("GET", "a"),
        ("GET", "http://evil.test/"),
        ("G T", "/"),
        ("GET", "/a b"),
        ("CONNECT", "/"),
    ] {
        let play = move |_: &Head, events: &[Event]| {
            let step = Forward {
                method: method.to_owned(),
                path: path.to_owned(),
                headers: vec![],
                body: None,
                timeout_ms: 10_000,
            };
            if events.is_empty() { Step::Forward(step) } else { reply(502) }
        };
        let mut stage = Stage::open(nobody().await, play).await;
        say(stage.address, CLIENT).await;
        stage.head().await;
        assert_eq!(stage.event().await, Event::Forwarded(Err(Failure::NotSent)), "{method} {path}");
    }
}
