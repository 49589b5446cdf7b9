//! How long a body is: what two readers could see differently goes no further.

use linkgate_gateway::{End, Event};

use crate::script::{Stage, pass_then_relay, read_then_reply};
use crate::wire::{Peer, Upstream, nobody, say};

/// A POST with these header lines and the smallest chunked body.
fn post(lines: &str) -> String {
    format!("POST /a HTTP/1.1\r\nhost: x\r\n{lines}\r\n1\r\na\r\n0\r\n\r\n")
}

#[tokio::test]
async fn a_length_that_can_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    for lines in [
        "content-length: 1\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 1\r\n",
        "TRANSFER-ENCODING: chunked\r\nCONTENT-LENGTH: 0\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: , chunked\r\n",
        "transfer-encoding: chunked,\r\n",
        "transfer-encoding: \r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding:\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: Chunked\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer-encoding: chunked;q=1\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        "transfer-encoding: gzip,\r\n chunked\r\n",
        "transfer-encoding: chunked\ntransfer-encoding: chunked\r\n",
    ] {
        // Were the connection kept, the second request would be answered, too.
        let answers =
            say(stage.address, post(lines) + &post("transfer-encoding: chunked\r\n")).await;
        assert!(answers.starts_with("HTTP/1.1 400 "), "{lines:?}: {answers}");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{lines:?}: {answers}");
        assert!(stage.heard().is_none(), "{lines:?}: a policy was asked");
    }
    let blanks = format!("transfer-encoding: chunked{}, gzip\r\n", " ".repeat(100));
    assert!(say(stage.address, post(&blanks)).await.starts_with("HTTP/1.1 400 "));
    assert!(stage.heard().is_none(), "a long line: a policy was asked");
}

#[tokio::test]
async fn a_length_that_is_said_once_is_fine() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    for lines in [
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding:chunked\r\n",
        "transfer-encoding: \t chunked \t\r\n",
        "x-transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\ncontent-length-x: 1\r\n",
    ] {
        let answer = say(stage.address, post(lines)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{lines:?}: {answer}");
        stage.head().await;
        assert_eq!(stage.event().await, Event::Body(b"a".to_vec()), "{lines:?}");
        stage.ends(End::Finished, "/a").await;
    }
}

/// What the upstream has of it is no whole request, and that it gave no answer is not its failure.
#[tokio::test]
async fn a_passed_body_that_is_badly_framed_is_its_clients_failure() {
    for chunks in ["zz\r\n", "1\r\nab\r\n0\r\n\r\n", "1\r\na\r\n-1\r\n", "fffffffffffffffff\r\n"] {
        let upstream = Upstream::bind().await;
        let mut stage = Stage::open(upstream.address, pass_then_relay).await;
        let mut client = Peer::connect(stage.address).await;
        client.send("POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut server = upstream.accept().await;
        server.head().await;
        client.send(chunks).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "the script's word for it: {answer}");
        assert!(!server.rest().await.ends_with("0\r\n\r\n"), "{chunks:?}: it looks whole");
        stage.head().await;
        assert_eq!(stage.event().await, Event::BodyFailed, "{chunks:?}");
        stage.ends(End::Finished, "/a").await;
    }
}

/// A client that sends no more, and one that is gone.
#[tokio::test]
async fn a_passed_body_that_breaks_off_is_its_clients_failure() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.take(3).await;
    client.finish().await;
    stage.head().await;
    assert_eq!(stage.event().await, Event::BodyFailed);
}
