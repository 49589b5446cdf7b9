//! Connections to the upstream that are kept: how many there are, and what makes one the last of its requests.
//!
//! Two requests on a connection are of different users: no test here lets the second see what is the first's.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use linkgate_gateway::{Dropped, Event, Failure, Head, Limits, Step};

use crate::script::{
    Note, Stage, call, forward, forward_then_relay, pass, pass_then_relay, relay, reply,
};
use crate::wire::{Peer, Upstream, last, request, say};

const CLIENTS: usize = 8;
const REQUESTS: usize = 250;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// An upstream that answers each request on as many connections as are made. Gives their number.
fn answering(upstream: Upstream) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let made = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let mut server = upstream.accept_ever().await;
            made.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                while server.request().await.is_some() {
                    server.send(OK).await;
                }
            });
        }
    });
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_requests_take_no_more_connections_than_may_be_open() {
    let few = NonZeroUsize::new(3).expect("three");
    let many = NonZeroUsize::new(CLIENTS).expect("eight");
    for (name, most) in [("as many as there are clients", many), ("fewer", few)] {
        let idle = Duration::from_mins(1);
        let limits =
            Limits { upstream_connections: most, upstream_idle: idle, ..Limits::default() };
        let upstream = Upstream::bind().await;
        let address = upstream.address;
        let count = answering(upstream);
        let stage = Stage::with(address, limits, pass_then_relay).await;
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| tokio::spawn(asks_and_asks(stage.address))).collect();
        for client in clients {
            client.await.expect("a client");
        }
        let count = count.load(Ordering::Relaxed);
        assert!(
            count <= most.get(),
            "{name}: {count} connections, {:?}",
            stage.readiness.upstream_connections()
        );
    }
}

async fn asks_and_asks(stage: std::net::SocketAddr) {
    let mut client = Peer::connect(stage).await;
    for _ in 0..REQUESTS {
        client.send(request("GET", "/a")).await;
        assert!(client.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
        assert_eq!(client.take(2).await, "ok");
    }
}

/// The first user's request is answered so. Gives what the second user gets, whose own answer is `OK`: on a
/// connection of its own, or nothing where it was sent on the first's.
async fn after(answer: &str, method: &str, upstream: &Upstream, stage: &Stage) -> Option<String> {
    let answering = async {
        let mut made = upstream.accept().await;
        made.request().await.expect("a request");
        made.send(answer).await;
        made
    };
    let (_answer, mut made) = tokio::join!(say(stage.address, last(method, "/first")), answering);
    stage.in_use(0).await;
    let mut second = Peer::connect(stage.address).await;
    second.send(last("GET", "/second")).await;
    if made.request().await.is_some() {
        made.send(OK).await;
        second.rest().await;
        return None;
    }
    let mut own = upstream.accept().await;
    own.request().await.expect("a request");
    own.send(OK).await;
    Some(second.rest().await)
}

/// Response splitting, and servers that are out of step: what comes after the end of an answer is no answer to
/// the next user's request, whatever it looks like.
#[tokio::test]
async fn a_second_answer_to_one_request_is_seen_by_no_other_user() {
    const SECOND: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
    for (method, first) in [
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        ("GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\nsecret"),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 6\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret"),
        ("GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ] {
        let upstream = Upstream::bind().await;
        let stage = Stage::open(upstream.address, pass_then_relay).await;
        let answers = format!("{first}{SECOND}");
        let seen = after(&answers, method, &upstream, &stage).await;
        let seen = seen.unwrap_or_else(|| panic!("{method} {first:?}: the connection was kept"));
        assert!(seen.ends_with("\r\n\r\nok"), "{method} {first:?}: {seen}");
        stage.idle(0).await;
        assert_eq!(stage.dropped(Dropped::UnaskedBytes), 1, "{method} {first:?}");
    }
}

/// The same where the bytes come while the connection is idle. The second user asks at once: nothing has had the
/// time to notice them, but for the system.
#[tokio::test]
async fn bytes_on_an_idle_connection_end_it_however_late_they_come() {
    for (bytes, why) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret", Dropped::UnaskedBytes),
        ("HTTP/1.1 100 Continue\r\n\r\n", Dropped::UnaskedBytes),
        ("\r\n", Dropped::UnaskedBytes),
        ("", Dropped::Ended),
    ] {
        for (row, play) in [
            ("forward", forward_then_relay as fn(&Head, &[Event]) -> Step),
            ("pass", pass_then_relay),
        ] {
            let upstream = Upstream::bind().await;
            let mut stage = Stage::open(upstream.address, play).await;
            let mut server = stage.warm(&upstream).await;
            let mut second = Peer::connect(stage.address).await;
            server.send(bytes).await;
            if bytes.is_empty() {
                server.finish().await;
            }
            second.send(last("POST", "/second")).await;
            let mut own = upstream.accept().await;
            own.request().await.expect("a request");
            own.send(OK).await;
            let seen = second.rest().await;
            assert!(seen.ends_with("\r\n\r\nok"), "{row} {bytes:?}: {seen}");
            assert_eq!(server.request().await, None, "{row} {bytes:?}: it was sent there, too");
            assert_eq!(stage.dropped(why), 1, "{row} {bytes:?}");
            assert!(upstream.is_left_alone(), "{row} {bytes:?}: it was sent twice");
        }
    }
}

/// A body that streams from its client is not lost with the connection that had ended.
#[tokio::test]
async fn a_body_that_is_still_to_come_goes_on_a_fresh_connection_whole() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut server = stage.warm(&upstream).await;
    let mut second = Peer::connect(stage.address).await;
    server.finish().await;
    second
        .send("POST /second HTTP/1.1\r\nhost: x\r\ncontent-length: 22\r\nconnection: close\r\n\r\n")
        .await;
    let mut own = upstream.accept().await;
    own.head().await;
    second.send("0123456789012345678901").await;
    assert_eq!(own.take(22).await, "0123456789012345678901");
    own.send(OK).await;
    assert!(second.rest().await.ends_with("\r\n\r\nok"));
}

#[tokio::test]
async fn an_answer_may_be_the_last_of_its_connection() {
    let rows = [
        ("plain", "GET", OK, None),
        ("no body", "GET", "HTTP/1.1 204 No Content\r\n\r\n", None),
        ("a head alone", "HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n", None),
        ("not modified", "GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n", None),
        (
            "chunked",
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n",
            None,
        ),
        ("interim", "GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", None),
        (
            "1.0",
            "GET",
            "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
            Some(Dropped::Close),
        ),
        (
            "close",
            "GET",
            "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n",
            Some(Dropped::Close),
        ),
        (
            "two lengths",
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            Some(Dropped::AmbiguousLength),
        ),
        (
            "NTLM",
            "GET",
            "HTTP/1.1 401 No\r\nwww-authenticate: NTLM\r\ncontent-length: 0\r\n\r\n",
            Some(Dropped::SignsIn),
        ),
        (
            "Negotiate",
            "GET",
            "HTTP/1.1 401 No\r\nwww-authenticate: Basic, negotiate\r\ncontent-length: 0\r\n\r\n",
            Some(Dropped::SignsIn),
        ),
        (
            "switched",
            "GET",
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
            Some(Dropped::SwitchedProtocols),
        ),
        ("no HTTP", "GET", "SSH-2.0\r\n\r\n", Some(Dropped::Failed)),
        (
            "announced to end",
            "GET",
            "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n",
            Some(Dropped::Idle),
        ),
    ];
    for (row, method, answer, expected) in rows {
        let upstream = Upstream::bind().await;
        let stage = Stage::open(upstream.address, pass_then_relay).await;
        let seen = after(answer, method, &upstream, &stage).await;
        assert_eq!(seen.is_none(), expected.is_none(), "{row}: {seen:?}");
        if let Some(why) = expected {
            assert_eq!(
                stage.dropped(why),
                1,
                "{row}: {:?}",
                stage.readiness.upstream_connections()
            );
        }
    }
}

/// RFC 4559: with one leg, the answer says nothing of it.
#[tokio::test]
async fn a_request_that_signs_its_connection_in_is_the_last_on_it() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("GET /a HTTP/1.1\r\nhost: x\r\nauthorization: Negotiate YII=\r\n\r\n").await;
    let mut server = upstream.accept().await;
    server.request().await.expect("a request");
    server.send(OK).await;
    client.until(b"ok").await;
    assert_eq!(server.request().await, None);
    assert_eq!(stage.dropped(Dropped::SignsIn), 1);
}

/// An upstream that answers by the head alone takes such a body for a request of its own.
#[tokio::test]
async fn a_request_with_a_body_that_is_not_expected_is_the_last_on_its_connection() {
    for (head, interim) in [
        ("POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n", true),
        ("GET /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n", false),
        ("DELETE /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n", false),
    ] {
        let upstream = Upstream::bind().await;
        let stage = Stage::open(upstream.address, pass_then_relay).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(head).await;
        if interim {
            assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n", "{head}");
        }
        client.send("ab").await;
        let mut server = upstream.accept().await;
        server.request().await.expect("a request");
        server.send(OK).await;
        client.until(b"ok").await;
        assert_eq!(server.request().await, None, "{head}");
        assert_eq!(stage.dropped(Dropped::OddBody), 1, "{head}");
    }
}

/// The upstream may be ending it at this moment, and the outcome would be unknown.
#[tokio::test]
async fn a_request_that_must_not_go_twice_takes_no_connection_that_was_idle_for_long() {
    for (method, is_reused) in [("POST", false), ("PATCH", false), ("GET", true), ("DELETE", true)]
    {
        let upstream = Upstream::bind().await;
        let (upstream_idle, upstream_recent) = (Duration::from_mins(1), Duration::ZERO);
        let limits = Limits { upstream_idle, upstream_recent, ..Limits::default() };
        let mut stage = Stage::with(upstream.address, limits, pass_then_relay).await;
        let mut kept = stage.warm(&upstream).await;
        let mut second = Peer::connect(stage.address).await;
        second.send(last(method, "/second")).await;
        let (mut server, found) = tokio::select! {
            fresh = upstream.accept_ever() => (fresh, false),
            _request = kept.request() => (kept, true),
        };
        server.send(OK).await;
        assert!(second.rest().await.ends_with("\r\n\r\nok"), "{method}");
        assert_eq!(found, is_reused, "{method}");
    }
}

/// The rest of its body would be taken for another user's request.
#[tokio::test]
async fn an_answer_before_the_requests_end_is_the_last_on_its_connection() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.take(3).await;
    server.send("HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno").await;
    client.until(b"no").await;
    assert_eq!(server.rest().await, "", "the connection is closed");
    assert_eq!(stage.dropped(Dropped::EarlyAnswer), 1);
}

/// The same where the rest goes out while the answer is being read.
#[tokio::test]
async fn an_answer_that_began_before_the_requests_end_is_the_last_on_its_connection() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    let mut server = upstream.accept().await;
    server.head().await;
    server.take(3).await;
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n<").await;
    client.until(b"<").await;
    client.send("defghi").await;
    server.take(6).await;
    server.send("ok>").await;
    client.until(b">").await;
    assert_eq!(server.rest().await, "", "the connection is closed");
    assert_eq!(stage.dropped(Dropped::EarlyAnswer), 1);
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_is_the_last_on_its_connection() {
    let upstream = Upstream::bind().await;
    let stage = Stage::open(upstream.address, pass_then_relay).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(request("GET", "/a")).await;
    let mut server = upstream.accept().await;
    server.request().await.expect("a request");
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    client.until(b"abc").await;
    client.reset();
    assert_eq!(server.rest().await, "", "the connection is closed");
    assert_eq!(stage.dropped(Dropped::Unfinished), 1);
}

/// Who may choose the bytes of one kind cannot put another out of step.
#[tokio::test]
async fn kinds_of_requests_share_no_connection() {
    let play = |head: &Head, events: &[Event]| match (events, &*head.target) {
        ([], b"/forward") => forward(10_000),
        ([], b"/call") => call(None, 10_000),
        ([], _) => pass(),
        ([Event::Forwarded(Ok(_))], _) => relay(),
        _ => reply(200),
    };
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, play).await;
    let mut servers = Vec::new();
    for round in 0..2 {
        for (nth, kind) in ["forward", "call", "pass"].into_iter().enumerate() {
            let mut client = Peer::connect(stage.address).await;
            client.send(last("POST", &format!("/{kind}"))).await;
            if round == 0 {
                servers.push(upstream.accept().await);
            }
            let server = &mut servers[nth];
            server.request().await.expect("a request");
            server.send(OK).await;
            assert!(client.rest().await.starts_with("HTTP/1.1 200 "), "{kind}");
            while !matches!(stage.note().await, Note::Decided(_)) {}
            stage.idle(servers.len()).await;
        }
    }
    for kind in stage.readiness.upstream_connections() {
        assert_eq!((kind.opened, kind.reused, kind.idle, kind.in_use), (1, 1, 1, 0), "{kind:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time_and_at_the_end() {
    let upstream = Upstream::bind().await;
    let idle = Duration::from_millis(50);
    let limits = Limits { upstream_idle: idle, ..Limits::default() };
    let mut stage = Stage::with(upstream.address, limits, forward_then_relay).await;
    assert_eq!(stage.answered(&upstream).await.rest().await, "");
    assert_eq!(stage.dropped(Dropped::Idle), 1);

    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let mut server = stage.warm(&upstream).await;
    let readiness = stage.readiness.clone();
    stage.stop().rest().await;
    assert_eq!(server.rest().await, "");
    let kinds = readiness.upstream_connections();
    let stopped = kinds[0].dropped.iter().find(|(why, _)| *why == Dropped::Stopped);
    assert_eq!(stopped, Some(&(Dropped::Stopped, 1)));
}

#[tokio::test]
async fn without_an_idle_time_each_request_has_a_connection_of_its_own() {
    let upstream = Upstream::bind().await;
    let limits = Limits { upstream_idle: Duration::ZERO, ..Limits::default() };
    let stage = Stage::with(upstream.address, limits, forward_then_relay).await;
    assert!(after(OK, "POST", &upstream, &stage).await.is_some());
}

/// Where no more may be open.
fn one_connection(connect_timeout: Duration) -> Limits {
    let long = Duration::from_mins(1);
    Limits {
        upstream_connections: NonZeroUsize::MIN,
        connect_timeout,
        upstream_recent: long,
        upstream_idle: long,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_request_beyond_the_connections_waits_for_one() {
    let upstream = Upstream::bind().await;
    let limits = one_connection(Duration::from_mins(1));
    let mut stage = Stage::with(upstream.address, limits, forward_then_relay).await;
    let mut first = Peer::connect(stage.address).await;
    first.send(last("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.request().await.expect("a request");
    let mut second = Peer::connect(stage.address).await;
    second.send(last("POST", "/a")).await;
    stage.head().await;
    stage.head().await;
    server.send(OK).await;
    assert!(first.rest().await.ends_with("ok"));
    server.request().await.expect("the second request");
    server.send(OK).await;
    assert!(second.rest().await.ends_with("ok"));
    assert!(upstream.is_left_alone(), "another connection");
}

#[tokio::test]
async fn a_request_that_waits_for_a_connection_for_too_long_is_not_sent() {
    let upstream = Upstream::bind().await;
    let limits = one_connection(Duration::from_millis(300));
    let mut stage = Stage::with(upstream.address, limits, forward_then_relay).await;
    let mut first = Peer::connect(stage.address).await;
    first.send(last("POST", "/a")).await;
    let mut server = upstream.accept().await;
    server.request().await.expect("a request");
    stage.head().await;
    let refused = say(stage.address, last("POST", "/a")).await;
    assert!(refused.starts_with("HTTP/1.1 502 "), "{refused}");
    stage.head().await;
    assert_eq!(stage.event().await, Event::Forwarded(Err(Failure::NotSent)));
    assert!(upstream.is_left_alone(), "another connection");
}
