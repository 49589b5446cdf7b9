//! HTTP/2 with prior knowledge: what reaches the policy, and what never gets that far.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use linkgate_gateway::{End, Event, Head, ReadBody, Step};
use tokio::net::TcpStream;

use crate::script::{Note, Stage, reply};
use crate::wire::{Peer, nobody, soon};

fn read_then_reply(_: &Head, events: &[Event]) -> Step {
    let step = ReadBody { max_bytes: 1000, timeout_ms: 10_000 };
    if events.is_empty() { Step::ReadBody(step) } else { reply(200) }
}

async fn connect(stage: &Stage) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(stage.address).await.expect("a connection");
    let (client, connection) = h2::client::handshake(socket).await.expect("a handshake");
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn a_path_is_seen_as_it_was_sent() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    let mut client = connect(&stage).await;
    // More than once each, so that the header table is used.
    for path in ["/a", "/a/../b/./c", "//a//b", "/a\\b", "/a%2e%2e/%7c|x?y=#"] {
        let path = path.trim_end_matches('#');
        for body in ["", "abc"] {
            client = soon("a stream", client.ready()).await.expect("a stream");
            let request = Request::post(format!("http://evil.test{path}"))
                .header("authorization", "Bearer one")
                .header("cookie", "a=b")
                .header("cookie", "c=d")
                .body(())
                .expect("a request");
            let (answer, mut stream) =
                client.send_request(request, body.is_empty()).expect("a stream");
            if !body.is_empty() {
                stream.send_data(Bytes::from_static(body.as_bytes()), true).expect("a body");
            }
            assert_eq!(soon("an answer", answer).await.expect("an answer").status(), 200);
            let head = stage.head().await;
            assert_eq!((head.method.as_str(), head.target.as_slice()), ("POST", path.as_bytes()));
            assert_eq!(stage.event().await, Event::Body(body.as_bytes().to_vec()));
            stage.ends(End::Finished, path).await;
        }
    }
    let connect = Request::builder().method(Method::CONNECT).uri("evil.test:443").body(());
    let (answer, _) = client.send_request(connect.expect("a request"), true).expect("a stream");
    assert_eq!(soon("an answer", answer).await.expect("an answer").status(), 400);
    assert_eq!(stage.stop().rest().await, [], "no policy is asked about a CONNECT");
}

#[tokio::test]
async fn what_would_be_read_in_two_ways_reaches_no_policy() {
    let mut stage = Stage::open(nobody().await, |_: &Head, _: &[Event]| reply(200)).await;
    for (name, block) in [
        ("fragment", &b"\x82\x86\x04\x04/a#b"[..]),
        ("fragment in a query", b"\x82\x86\x04\x06/a?b#c"),
        ("no path", b"\x82\x86"),
        ("empty path", b"\x82\x86\x04\x00"),
        ("two paths", b"\x82\x86\x84\x84"),
        ("white space in the path", b"\x82\x86\x04\x04/a b"),
        ("connection line", b"\x82\x86\x84\x00\x0aconnection\x05close"),
        ("upper case", b"\x82\x86\x84\x00\x01X\x01a"),
        ("extended connect", b"\x02\x07CONNECT\x86\x84\x00\x09:protocol\x09websocket"),
    ] {
        let mut client = Peer::connect(stage.address).await;
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
        let length = u8::try_from(block.len()).expect("a short block");
        client.send([&[0, 0, length, 1, 5, 0, 0, 0, 1], block].concat()).await;
        // A good one after it: had the policy seen the first, it would have been asked before.
        client.send(b"\0\0\x07\x01\x05\0\0\0\x03\x82\x86\x04\x03/ok").await;
        client.until_or_end(b"said 200").await;
        while let Some(note) = stage.heard() {
            let Note::Opened(head) = note else { continue };
            assert_eq!(head.target, b"/ok", "{name}");
        }
    }
    // The same by hand, with nothing wrong in it: what is refused above is refused for its block.
    let mut client = Peer::connect(stage.address).await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    client.send(b"\0\0\x03\x01\x05\0\0\0\x01\x82\x86\x84").await;
    client.until(b"said 200").await;
    drop(client);
    let rest = stage.stop().rest().await;
    let opened = |note: &Note| matches!(note, Note::Opened(head) if head.target == b"/");
    assert!(rest.iter().any(opened), "{rest:?}");
}

#[tokio::test]
async fn shutdown_finishes_open_streams() {
    let mut stage = Stage::open(nobody().await, read_then_reply).await;
    let mut client = connect(&stage).await;
    let request = Request::post("http://x/a").body(()).expect("a request");
    let (answer, mut stream) = client.send_request(request, false).expect("a stream");
    stage.head().await;
    let stopping = stage.stop();
    stream.send_data(Bytes::from_static(b"abc"), true).expect("a body");
    assert_eq!(soon("an answer", answer).await.expect("an answer").status(), 200);
    assert!(stopping.rest().await.contains(&Note::Closed(End::Finished)));
}
