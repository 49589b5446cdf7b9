//! Clients that leave: what was begun for them is ended, nothing is made whole that was not, and the
//! record says how it ended.
//!
//! That they left, a host tells the component when it has something to give to them. A reply that
//! is short may be handed over before the host knows.

use linkgate_policy::LogLine;

use crate::stage::{IS_CHAIN, OF_A_BROKEN_BODY, Stage, request};
use linkgate_tests::peer::Ended;

#[tokio::test]
async fn a_client_that_leaves_within_the_link_body_has_nothing_sent() {
    let mut stage = Stage::set();
    let request = request("link");
    for (row, missing) in [("no byte of the body", 10_000), ("all but a byte", 1)] {
        let at = request.len().saturating_sub(missing).max(end_of_head(&request));
        let mut client = stage.client().await;
        client.send(&request[..at]).await;
        client.reset();
        let record = stage.record();
        assert_eq!((record.outcome.name(), record.cause.as_str()), ("denied", "body-failed"));
        assert!(!record.upstream_called && ends_for_a_departed(&record), "{row}: {record:?}");
        stage.upstream.has_no_more(row);
    }
}

/// Once it is sent it may have been done, so what came of it is waited for and recorded.
#[tokio::test]
async fn a_client_that_leaves_while_the_upstream_works_is_recorded_with_its_answer() {
    let mut stage = Stage::set();
    let mut client = stage.client().await;
    client.send(request("link")).await;
    let mut upstream = stage.upstream.accept().await;
    upstream.message().await;
    client.reset();
    upstream.send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]").await;
    let record = stage.record();
    assert_eq!((record.cause.as_str(), record.upstream_status), ("granted", Some(201)));
    assert!(ends_for_a_departed(&record), "{record:?}");
    stage.upstream.has_no_more("link");
}

#[tokio::test]
async fn a_client_that_leaves_within_a_passed_body_leaves_no_whole_request() {
    let mut stage = Stage::set();
    for (row, framing, begun) in [
        ("length", "content-length: 9", "abc"),
        ("chunks", "transfer-encoding: chunked", "3\r\nabc\r\n"),
    ] {
        let mut client = stage.client().await;
        let head = format!("POST /app/upload HTTP/1.1\r\nhost: gate.example\r\n{framing}\r\n\r\n");
        client.send(head + begun).await;
        let mut upstream = stage.upstream.accept().await;
        let head = upstream.head().await;
        upstream.until("abc").await;
        client.reset();
        let (rest, ended) = upstream.rest().await;
        let is_announced = head.contains("content-length: 9");
        assert!(
            is_announced || !rest.contains("0\r\n\r\n") || ended == Ended::Reset,
            "{row}: it looks whole: {head}{rest:?}"
        );
        let record = stage.record();
        let ended = (record.outcome.name(), record.cause.as_str());
        assert_eq!(ended, OF_A_BROKEN_BODY, "{row}");
        assert!(record.upstream_called && ends_for_a_departed(&record), "{row}: {record:?}");
        stage.upstream.has_no_more(row);
    }
}

/// The proxy edition sends nothing before the first byte is there. The middleware edition hands the
/// request over as it is, and what the next handler had done with it by then is unknown.
#[tokio::test]
async fn a_client_that_leaves_before_a_passed_body_has_nothing_sent() {
    let mut stage = Stage::set();
    let mut client = stage.client().await;
    client
        .send("POST /app/upload HTTP/1.1\r\nhost: gate.example\r\ncontent-length: 9\r\n\r\n")
        .await;
    client.reset();
    let record = stage.record();
    assert!(ends_for_a_departed(&record), "{record:?}");
    assert_eq!((record.outcome.name(), record.cause.as_str()), OF_A_BROKEN_BODY);
    if !IS_CHAIN {
        stage.upstream.has_no_more("no byte");
    }
}

#[tokio::test]
async fn a_client_that_leaves_within_the_answer_ends_the_answer() {
    let mut stage = Stage::set();
    let mut client = stage.client().await;
    client.send(request("page")).await;
    let mut upstream = stage.upstream.accept().await;
    upstream.message().await;
    upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await;
    client.head().await;
    client.reset();
    upstream.send_until_refused(vec![b'x'; 64 << 10]).await;
    let record = stage.record();
    assert_eq!((record.cause.as_str(), record.upstream_status), ("passed", Some(200)));
    assert_eq!(record.end.name(), "client-gone");
    stage.upstream.has_no_more("page");
}

fn ends_for_a_departed(record: &LogLine) -> bool {
    ["client-gone", "finished"].contains(&record.end.name())
}

fn end_of_head(request: &[u8]) -> usize {
    let mark = b"\r\n\r\n";
    let at = request.windows(mark.len()).position(|window| window == mark);
    at.expect("a request has a head") + mark.len()
}
