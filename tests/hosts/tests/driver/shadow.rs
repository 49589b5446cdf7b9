//! A policy in shadow: what was read of a body for the decision goes on unchanged, and the rest after it.

use linkgate_tests::hosts::Running as _;
use serde_json::json;

use crate::stage::{OF_A_BROKEN_BODY, Stage, request, scene};
use linkgate_tests::peer::Ended;

fn stage() -> Stage {
    let line =
        scene(r#"request: { like: page, add: [until: "{{date now+10d}}"] }"#).request.headers.pop();
    let until = String::from_utf8(line.expect("a line").value).expect("text");
    Stage::set_with(&[("shadow", &json!({ "until": until }).to_string())], &[])
}

/// The head of a link request whose body comes in chunks, and the body.
fn chunked() -> (String, String) {
    let whole = String::from_utf8(request("link")).expect("text");
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head");
    let lines = head.lines().filter(|line| !line.starts_with("content-length"));
    let lines: Vec<&str> = lines.chain(["transfer-encoding: chunked", "trailer: x-sum"]).collect();
    (lines.join("\r\n") + "\r\n\r\n", body.to_owned())
}

fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// What a body that is too large is filled with.
const FILLING: &str = "xxxxxxxxxx";

/// The data in chunks, and what comes after the last.
fn joined(mut rest: &str) -> (String, &str) {
    let mut data = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a size");
        let size = usize::from_str_radix(size, 16).expect("hex");
        if size == 0 {
            return (data, after);
        }
        let (chunk, after) = after.split_at(size);
        data.push_str(chunk);
        rest = after.strip_prefix("\r\n").expect("an end");
    }
}

#[tokio::test]
async fn a_body_that_was_read_goes_on_with_its_trailers() {
    let mut stage = stage();
    let (head, body) = chunked();
    let (first, second) = body.split_at(100);
    let mut client = stage.client().await;
    client.send(head + &chunk(first) + &chunk(second) + "0\r\nx-sum: 7\r\n\r\n").await;
    let mut upstream = stage.upstream.accept().await;
    upstream.head().await;
    let sent = upstream.until("\r\n\r\n").await;
    let (data, after) = joined(&sent);
    assert_eq!(data, body);
    assert_eq!(after, "x-sum: 7\r\n\r\n", "trailers travel on `pass`");
    upstream.send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n[]").await;
    let reply = client.message().await;
    assert!(reply.starts_with("HTTP/1.1 201 ") && reply.ends_with("[]"), "{reply}");
    let record = stage.record();
    assert_eq!((record.outcome.name(), record.cause.as_str()), ("passed", "shadowed"));
    assert_eq!(record.shadow.expect("a decision").cause, "granted");
    stage.upstream.has_no_more("link");
}

/// The policy has read until it was too much. The rest is there before the client has sent it all.
#[tokio::test]
async fn of_a_body_that_was_too_large_the_rest_is_streamed() {
    let mut stage = stage();
    let (head, body) = chunked();
    let filling = FILLING.repeat(4_000);
    let mut client = stage.client().await;
    client.send(head + &chunk(&body) + &chunk(&filling)).await;
    let mut upstream = stage.upstream.accept().await;
    upstream.head().await;
    let mut sent = upstream.until(FILLING).await;
    client.send(chunk("after that") + "0\r\nx-sum: 8\r\n\r\n").await;
    sent += &upstream.until("x-sum: 8\r\n\r\n").await;
    let (data, _) = joined(&sent);
    assert!(data == format!("{body}{filling}after that"), "{} bytes", data.len());
    upstream.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.message().await.starts_with("HTTP/1.1 400 "));
    assert_eq!(stage.record().shadow.expect("a decision").cause, "body-too-large");
    stage.upstream.has_no_more("link");
}

#[tokio::test]
async fn a_client_that_leaves_within_the_rest_leaves_no_whole_request() {
    let mut stage = stage();
    let (head, body) = chunked();
    let filling = FILLING.repeat(4_000);
    let mut client = stage.client().await;
    client.send(head + &chunk(&body) + &chunk(&filling)).await;
    let mut upstream = stage.upstream.accept().await;
    upstream.until(FILLING).await;
    client.reset();
    let (rest, ended) = upstream.rest().await;
    assert!(!rest.contains("\r\n0\r\n") || ended == Ended::Reset, "it looks whole: {rest:?}");
    let record = stage.record();
    assert_eq!(record.cause, OF_A_BROKEN_BODY.1, "{record:?}");
    assert_eq!(record.shadow.expect("a decision").cause, "body-too-large");
    stage.upstream.has_no_more("link");
}

#[tokio::test]
async fn an_instance_says_loudly_that_it_enforces_nothing() {
    let mut stage = stage();
    let mut client = stage.client().await;
    client.send("GET /nowhere HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    let mut upstream = stage.upstream.accept().await;
    upstream.message().await;
    upstream.send("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    client.message().await;
    stage.record();
    let said = stage.serving.notices(&["SHADOW MODE until ".to_owned()]);
    assert!(said.iter().any(|line| line.starts_with("SHADOW MODE until ")), "{said:#?}");
}
