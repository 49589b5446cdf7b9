//! HTTP/2 with prior knowledge: what reaches the policy, and what never gets that far.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use linkgate_gateway::{End, Event, Head};
use tokio::net::TcpStream;

use crate::script::{Note, Stage, pass_then_relay, read_then_reply, reply};
use crate::wire::{Peer, Upstream, nobody, soon};

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

/// A connection whose frames are written by hand, greeted.
async fn greeted(stage: &Stage) -> Peer {
    let mut client = Peer::connect(stage.address).await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    client
}

/// HEADERS that begin and end a stream.
fn headers(stream: u8, block: &[u8]) -> Vec<u8> {
    let length = u8::try_from(block.len()).expect("a short block");
    [&[0, 0, length, 1, 5, 0, 0, 0, stream], block].concat()
}

#[tokio::test]
async fn what_is_no_request_reaches_no_policy() {
    let mut stage = Stage::open(nobody().await, |_: &Head, _: &[Event]| reply(200)).await;
    for (name, block) in [
        ("no path beside an authority", &b"\x82\x86\x01\x01x"[..]),
        ("empty path", b"\x82\x86\x04\x00"),
        ("two paths", b"\x82\x86\x84\x84"),
        ("white space in the path", b"\x82\x86\x04\x04/a b"),
        ("connection line", b"\x82\x86\x84\x00\x0aconnection\x05close"),
        ("upper case", b"\x82\x86\x84\x00\x01X\x01a"),
        ("extended connect", b"\x02\x07CONNECT\x86\x84\x00\x09:protocol\x09websocket"),
    ] {
        let mut client = greeted(&stage).await;
        client.send(headers(1, block)).await;
        // A good one after it: had the policy seen the first, it would have been asked before.
        client.send(headers(3, b"\x82\x86\x04\x03/ok")).await;
        client.until_or_end(b"said 200").await;
        while let Some(note) = stage.heard() {
            let Note::Opened(head) = note else { continue };
            assert_eq!(head.target, b"/ok", "{name}");
        }
    }
}

/// h2 drops a `#` and all after it, and makes up a path where none is. The policy judges what is left,
/// and the upstream gets that and no more.
#[tokio::test]
async fn a_path_that_h2_mends_is_judged_and_sent_as_mended() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    for (name, block, seen) in [
        ("nothing to mend", &b"\x82\x86\x04\x06/a?b=c"[..], "/a?b=c"),
        ("fragment", b"\x82\x86\x04\x0f/a#/../../users", "/a"),
        ("fragment in a query", b"\x82\x86\x04\x06/a?b#c", "/a?b"),
        ("literal name", b"\x82\x86\x00\x05:path\x05/a#?b", "/a"),
        ("encoded", b"\x82\x86\x04\x06/a%23b", "/a%23b"),
        ("nothing but a fragment", b"\x82\x86\x04\x02#a", "/"),
        ("no path", b"\x82\x86", "/"),
    ] {
        let mut client = greeted(&stage).await;
        client.send(headers(1, block)).await;
        let mut server = upstream.accept().await;
        let sent = server.head().await;
        assert_eq!(sent.lines().next(), Some(&*format!("GET {seen} HTTP/1.1")), "{name}");
        server.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        client.until(b"ok").await;
        assert_eq!(stage.head().await.target, seen.as_bytes(), "{name}");
        stage.event().await;
        stage.ends(End::Finished, seen).await;
    }
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
