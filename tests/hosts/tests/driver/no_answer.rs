//! Upstreams that give no answer: what is said of the request, and that it was sent once.

use linkgate_policy::LogLine;
use linkgate_tests::hosts::{Refusing, Running as _};

use crate::stage::{self, Stage, request};
use linkgate_tests::peer::{Ended, Peer};

/// What an upstream does with the request that it got.
#[derive(Clone, Copy)]
enum Ending {
    /// Says this much and closes.
    Close(&'static str),
    /// Says this much and resets.
    Reset(&'static str),
    /// Says this much and no more.
    Silence(&'static str),
}

#[tokio::test]
async fn an_upstream_that_refuses_was_sent_nothing() {
    let refusing = Refusing::bind().expect("an address");
    let url = format!("http://{}", refusing.address);
    nothing_was_sent("refused", &url).await;
}

/// A label longer than 63 bytes (RFC 1035 section 2.3.4) is in no name that can be asked for, so no
/// resolver outside of this machine is troubled.
#[tokio::test]
async fn an_upstream_without_an_address_was_sent_nothing() {
    let url = format!("http://{}.invalid", "a".repeat(64));
    nothing_was_sent("no address", &url).await;
}

/// Hosts hand over larger heads than they let a guest write. A part of one would be another request, and wasmtime ends an
/// instance that writes too much.
#[tokio::test]
async fn a_head_that_the_host_does_not_take_whole_was_not_sent() {
    let mut stage = Stage::set_with(&[("request_id", "{}")], &[]);
    let padding = "a".repeat(140 << 10);
    for row in ["first", "again, in the same instance"] {
        let mut client = stage.client().await;
        client.send(format!("GET /app/x HTTP/1.1\r\nhost: gate\r\nx-pad: {padding}\r\n\r\n")).await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 502 "), "{row}: {reply}");
        assert_eq!(stage.record().cause, "upstream-unreachable", "{row}");
        stage.upstream.has_no_more(row);
    }
}

/// The reply is 502: the client may try again, since nothing happened.
async fn nothing_was_sent(row: &str, upstream: &str) {
    let mut serving = stage::serving(&[], upstream, &[]);
    for name in ["link", "unlink", "page"] {
        let mut client = Peer::connect(serving.address()).await;
        client.send(request(name)).await;
        let reply = client.message().await;
        assert!(reply.starts_with("HTTP/1.1 502 "), "{row}, {name}: {reply}");
        assert!(reply.contains("retry-after: 1"), "{row}, {name}: {reply}");
        let record = stage::record(&mut serving);
        assert_eq!(
            (record.outcome.name(), record.cause.as_str(), record.status),
            ("failed", "upstream-unreachable", Some(502)),
            "{row}, {name}"
        );
        assert_eq!((record.upstream_called, record.upstream_status), (true, None), "{row}, {name}");
    }
}

/// It is noticed at once: no client waits these five minutes.
#[tokio::test]
async fn an_upstream_that_breaks_off_may_have_acted() {
    let mut stage = Stage::set_with(&[("upstream_timeout", r#""5m""#)], &[]);
    for (row, ending) in [
        ("closed", Ending::Close("")),
        ("reset", Ending::Reset("")),
        ("closed within the head", Ending::Close("HTTP/1.1 201 Created\r\ncontent-le")),
        ("reset within the head", Ending::Reset("HTTP/1.1 201 Cre")),
        ("another protocol", Ending::Close("SSH-2.0-OpenSSH_9.9\r\n")),
        ("an interim answer and no more", Ending::Close("HTTP/1.1 103 Early Hints\r\n\r\n")),
    ] {
        the_outcome_is_unknown(&mut stage, row, ending).await;
    }
}

#[tokio::test]
async fn an_upstream_that_falls_silent_may_have_acted() {
    let mut stage = Stage::set_with(&[("upstream_timeout", r#""300ms""#)], &[]);
    for (row, ending) in [
        ("silent", Ending::Silence("")),
        ("silent after a byte", Ending::Silence("H")),
        ("silent within the head", Ending::Silence("HTTP/1.1 201 Created\r\ncontent-le")),
    ] {
        the_outcome_is_unknown(&mut stage, row, ending).await;
    }
}

/// The system accepts the connection, and takes the request in, for an upstream that hangs.
#[tokio::test]
async fn an_upstream_that_never_accepts_may_have_got_it() {
    let mut stage = Stage::set_with(&[("upstream_timeout", r#""300ms""#)], &[]);
    let mut client = stage.client().await;
    client.send(request("link")).await;
    let reply = client.message().await;
    unknown(&reply, &stage.record(), "link");
    let mut upstream = stage.upstream.accept().await;
    assert!(
        upstream.message().await.contains("link_with"),
        "it would have found the whole request"
    );
    stage.upstream.has_no_more("link");
}

async fn the_outcome_is_unknown(stage: &mut Stage, row: &str, ending: Ending) {
    for name in ["link", "unlink", "page"] {
        let at = format!("{row}, {name}");
        let mut client = stage.client().await;
        client.send(request(name)).await;
        let mut upstream = stage.upstream.accept().await;
        let got = upstream.message().await;
        assert_eq!(got.contains("link_with"), name == "link", "{at}: {got}");
        let silent = match ending {
            Ending::Close(said) => {
                upstream.send(said).await;
                drop(upstream);
                None
            }
            Ending::Reset(said) => {
                upstream.send(said).await;
                upstream.reset();
                None
            }
            Ending::Silence(said) => {
                upstream.send(said).await;
                Some(upstream)
            }
        };
        let reply = client.message().await;
        unknown(&reply, &stage.record(), &at);
        stage.upstream.has_no_more(&at);
        if let Some(mut upstream) = silent {
            let (more, _) = upstream.rest().await;
            // What WASI 0.3 sends without a body is chunked, and this is its end.
            let is_framing = stage::IS_CHAIN && got.contains("chunked") && more == "0\r\n\r\n";
            assert!(more.is_empty() || is_framing, "{at}: more on the same connection: {more:?}");
        }
    }
}

/// The reply is 504, and does not invite the client to try again.
fn unknown(reply: &str, record: &LogLine, at: &str) {
    assert!(reply.starts_with("HTTP/1.1 504 "), "{at}: {reply}");
    assert!(!reply.contains("retry-after"), "{at}: {reply}");
    assert_eq!(
        (record.outcome.name(), record.cause.as_str(), record.status),
        ("failed", "upstream-unknown", Some(504)),
        "{at}"
    );
    assert_eq!((record.upstream_called, record.upstream_status), (true, None), "{at}");
    assert_eq!(record.end.name(), "finished", "{at}");
}

/// The status is out by then: all that can be done is to not make the body look whole.
#[tokio::test]
async fn a_body_that_breaks_off_is_no_whole_body() {
    let mut stage = Stage::set();
    let by_length = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc";
    let by_chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let by_half_a_chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nabc";
    let by_the_end = "HTTP/1.1 200 OK\r\n\r\nabc";
    for (row, ending) in [
        ("length, closed", Ending::Close(by_length)),
        ("length, reset", Ending::Reset(by_length)),
        ("chunks, closed", Ending::Close(by_chunks)),
        ("chunks, reset", Ending::Reset(by_chunks)),
        ("half a chunk, closed", Ending::Close(by_half_a_chunk)),
        // Closed in order, this is how such a body ends.
        ("until the end, reset", Ending::Reset(by_the_end)),
    ] {
        for name in ["link", "unlink", "page"] {
            let at = format!("{row}, {name}");
            let mut client = stage.client().await;
            client.send(request(name)).await;
            let mut upstream = stage.upstream.accept().await;
            upstream.message().await;
            let (Ending::Close(said) | Ending::Reset(said) | Ending::Silence(said)) = ending;
            upstream.send(said).await;
            let head = client.head().await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{at}: {head}");
            let announced = head.contains("content-length: 9");
            // The bytes are through before the connection breaks.
            let begun = client.until("abc").await;
            match ending {
                Ending::Close(_) | Ending::Silence(_) => drop(upstream),
                Ending::Reset(_) => upstream.reset(),
            }
            let (rest, ended) = client.rest().await;
            let last_chunk = rest.contains("0\r\n\r\n");
            assert!(
                announced || !last_chunk || ended == Ended::Reset,
                "{at}: it looks whole: {begun:?} {rest:?}"
            );
            assert!(announced || head.contains("chunked"), "{at}: no end to be missed: {head}");
            let record = stage.record();
            assert_eq!((record.status, record.upstream_status), (Some(200), Some(200)), "{at}");
            assert_eq!(record.end.name(), "finished", "{at}");
            stage.upstream.has_no_more(&at);
        }
    }
}
