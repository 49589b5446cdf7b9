//! Bodies go through as they come, and never stand in memory whole.

use crate::stage::{Stage, request};
use linkgate_tests::peer::Peer;

/// Both framings that a client may choose.
const FRAMINGS: [(&str, &str, &str, &str); 2] = [
    ("length", "content-length: 11", "first", "second"),
    ("chunks", "transfer-encoding: chunked", "5\r\nfirst\r\n", "6\r\nsecond\r\n0\r\n\r\n"),
];

#[tokio::test]
async fn a_passed_body_is_there_before_it_is_whole() {
    let mut stage = Stage::set();
    for (row, framing, first, second) in FRAMINGS {
        let mut client = stage.client().await;
        client.send(upload(framing) + first).await;
        let mut upstream = stage.upstream.accept().await;
        upstream.until("first").await;
        client.send(second).await;
        upstream.until("second").await;
        upstream.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 204 "), "{row}: {reply}");
        assert_eq!(stage.record().cause, "passed", "{row}");
        stage.upstream.has_no_more(row);
    }
}

#[tokio::test]
async fn an_answer_is_there_before_it_is_whole() {
    let mut stage = Stage::set();
    for name in ["link", "unlink", "page"] {
        for (row, framing, first, second) in FRAMINGS {
            let at = format!("{name}, {row}");
            let mut client = stage.client().await;
            client.send(request(name)).await;
            let mut upstream = stage.upstream.accept().await;
            upstream.message().await;
            upstream.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{first}")).await;
            client.until("first").await;
            upstream.send(second).await;
            client.until("second").await;
            assert_eq!(stage.record().end.name(), "finished", "{at}");
            stage.upstream.has_no_more(&at);
        }
    }
}

/// An upstream may answer a request that it has not read to the end. The client goes on sending.
#[tokio::test]
async fn an_answer_may_come_before_the_passed_body_is_whole() {
    let mut stage = Stage::set();
    for (row, framing, first, second) in FRAMINGS {
        let mut client = stage.client().await;
        client.send(upload(framing) + first).await;
        let mut upstream = stage.upstream.accept().await;
        upstream.until("first").await;
        upstream.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc").await;
        client.until("abc").await;
        client.send(second).await;
        upstream.until("second").await;
        upstream.send("def").await;
        client.until("def").await;
        assert_eq!(stage.record().upstream_status, Some(200), "{row}");
    }
}

/// Through an instance that may have a sixteenth of it in memory.
#[tokio::test]
async fn a_large_body_goes_through_a_small_instance() {
    let limit = format!("max-memory-size={}", LARGE / 16);
    let mut stage = Stage::set_with(&[], &["-W", &limit, "-W", "trap-on-grow-failure=y"]);
    let before = peak_of(stage.serving.process.id());
    let framing = format!("content-length: {LARGE}");
    let mut client = stage.client().await;
    client.send(upload(&framing)).await;
    let (mut client, mut upstream) = {
        let fill = tokio::spawn(filled(client));
        let mut upstream = stage.upstream.accept().await;
        upstream.head().await;
        upstream.swallow(FILLING, LARGE).await;
        (fill.await.expect("all was sent"), upstream)
    };
    upstream.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n")).await;
    client.head().await;
    let fill = tokio::spawn(filled(upstream));
    client.swallow(FILLING, LARGE).await;
    drop(fill.await.expect("all was sent"));
    let record = stage.record();
    assert_eq!((record.status, record.end.name()), (Some(200), "finished"));
    // The host's own buffers are bounded too: two bodies of that size went through.
    if let (Some(before), Some(after)) = (before, peak_of(stage.serving.process.id())) {
        assert!(after - before < LARGE / 4, "the host grew from {before} to {after} bytes");
    }
}

/// Bytes of a body that would be missed in memory.
const LARGE: usize = 64 << 20;

const FILLING: u8 = b'x';

/// Sends a large body.
async fn filled(mut peer: Peer) -> Peer {
    let chunk = vec![FILLING; 64 << 10];
    for _ in 0..LARGE / chunk.len() {
        peer.send(&chunk).await;
    }
    peer
}

/// The most memory that a process has had, in bytes, where the system tells (proc(5)).
fn peak_of(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kilobytes| kilobytes << 10)
}

fn upload(framing: &str) -> String {
    format!("POST /app/upload HTTP/1.1\r\nhost: gate.example\r\n{framing}\r\n\r\n")
}
