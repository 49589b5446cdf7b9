//! `read-body`: whole or not at all, and asked for only then.

use linkgate_gateway::{End, Event, Head, ReadBody, Step};

use crate::script::{Note, Stage, reply};
use crate::wire::{Peer, nobody, say};

/// Read at most eight bytes, then reply.
fn read_then_reply(_: &Head, events: &[Event]) -> Step {
    let step = ReadBody { max_bytes: 8, timeout_ms: 10_000 };
    if events.is_empty() { Step::ReadBody(step) } else { reply(200) }
}

#[tokio::test]
async fn a_body_is_reported_whole_or_too_large() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    for (framed, expected) in [
        ("\r\n", Event::Body(vec![])),
        ("content-length: 8\r\n\r\n12345678", Event::Body(b"12345678".to_vec())),
        (
            "transfer-encoding: chunked\r\n\r\n4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n",
            Event::Body(b"12345678".to_vec()),
        ),
        ("content-length: 9\r\n\r\n123456789", Event::BodyTooLarge),
        ("content-length: 999999999999\r\n\r\n", Event::BodyTooLarge),
        ("transfer-encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n", Event::BodyTooLarge),
        ("transfer-encoding: chunked\r\n\r\nnonsense\r\n", Event::BodyFailed),
    ] {
        let answer = say(
            stage.address,
            format!("POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{framed}"),
        )
        .await;
        stage.head().await;
        assert_eq!(stage.event().await, expected, "{framed:?}: {answer}");
        stage.hears(Note::Closed(End::Finished)).await;
        stage.hears(Note::Decided("/a".to_owned())).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{framed:?}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_does_not_come_has_failed() {
    let play = |_: &Head, events: &[Event]| {
        let step = ReadBody { max_bytes: 8, timeout_ms: 300 };
        if events.is_empty() { Step::ReadBody(step) } else { reply(408) }
    };
    let mut stage = Stage::open(nobody().await, play).await;
    for framed in ["content-length: 8\r\n\r\n1234", "transfer-encoding: chunked\r\n\r\n8\r\n1234"] {
        for breaks_off in [true, false] {
            let mut client = Peer::connect(stage.address).await;
            client.send(format!("POST /a HTTP/1.1\r\nhost: x\r\n{framed}")).await;
            if breaks_off {
                client.finish().await;
            } else {
                assert!(
                    client.head().await.starts_with("HTTP/1.1 408 "),
                    "a client that waits gets it"
                );
            }
            stage.head().await;
            assert_eq!(stage.event().await, Event::BodyFailed, "{framed:?}");
            let Note::Closed(_) = stage.note().await else { panic!("not closed") };
            stage.hears(Note::Decided("/a".to_owned())).await;
        }
    }
}

#[tokio::test]
async fn a_client_is_told_to_continue_only_when_its_body_is_read() {
    let request =
        "POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request).await;
    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc").await;
    assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.head().await;
    stage.hears(Note::Event(Event::Body(b"abc".to_vec()))).await;

    let too_large =
        "POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    assert!(
        say(stage.address, too_large).await.starts_with("HTTP/1.1 200 OK\r\n"),
        "too large a body is not asked for"
    );

    let stage = Stage::open(nobody().await, |_, _| reply(401)).await;
    assert!(
        say(stage.address, request).await.starts_with("HTTP/1.1 401 "),
        "a refused body is not asked for"
    );
}

/// RFC 9112 section 9.6: a client that does not know sends its next request on a connection that ends.
#[tokio::test]
async fn who_is_refused_before_the_body_is_there_is_told_that_the_connection_ends() {
    let stage = Stage::open(nobody().await, |_: &Head, _: &[Event]| reply(403)).await;
    let head = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n";
    let mut client = Peer::connect(stage.address).await;
    for sent in [format!("{head}body"), format!("{head}bo")] {
        let is_whole = sent.ends_with("body");
        client.send(sent).await;
        let answer = client.until(b"said 403").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert_eq!(!answer.contains("connection: close\r\n"), is_whole, "{answer}");
    }
    assert_eq!(client.rest().await, "", "the connection has ended");
}
