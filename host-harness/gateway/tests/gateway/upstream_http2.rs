//! An upstream over HTTP/2: requests one after another on a connection, each with its own end, and none sent twice.

use std::num::NonZeroUsize;
use std::time::Duration;

use linkgate_gateway::{Dropped, End, Event, Failure, Head, Limits, Pass, Step, Trap};

use crate::frames::{CANCEL, Frames, INTERNAL_ERROR, Listener, NO_ERROR, OK, REFUSED_STREAM, Said};
use crate::script::{
    Note, Stage, call, forward, forward_then_relay, no_edits, pass_then_relay, relay, reply,
};
use crate::wire::{Peer, last, say};

const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

/// As the target says: a call of the policy's own, a guarded request, or a passed one.
#[expect(clippy::unnecessary_wraps, reason = "the form of a script that may trap")]
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    Ok(match (head.target.as_slice(), events.last()) {
        (b"/call", None) => call(Some("{}"), 10_000),
        (b"/call", Some(_)) => reply(200),
        (b"/forward", _) => forward_then_relay(head, events),
        (b"/short", None) => forward(300),
        (b"/short", Some(Event::Forwarded(Ok(_)))) => relay(),
        (b"/short", Some(_)) => reply(504),
        _ => pass_then_relay(head, events),
    })
}

/// Has one request answered. The connection that it was sent on is kept.
async fn warm(stage: &mut Stage, listener: &Listener, target: &str) -> Frames {
    let answering = async {
        let mut server = listener.accept().await;
        let stream = server.asked().await;
        server.answer(stream, "{}").await;
        server
    };
    let (_answer, server) = tokio::join!(say(stage.address, last("GET", target)), answering);
    stage.idle(1).await;
    while stage.note().await != Note::Decided(target.to_owned()) {}
    server
}

/// What the policy hears of the next exchange.
async fn hears(stage: &mut Stage) -> Event {
    loop {
        if let Note::Event(event) = stage.note().await {
            return event;
        }
    }
}

#[tokio::test]
async fn requests_of_a_kind_have_a_connection_after_each_other_and_kinds_do_not_mix() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    for target in ["/forward", "/call", "/pass"] {
        let mut server = warm(&mut stage, &listener, target).await;
        for _ in 0..3 {
            let answering = async {
                let stream = server.asked().await;
                server.answer(stream, "{}").await;
            };
            let (answer, ()) = tokio::join!(say(stage.address, last("GET", target)), answering);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{target}: {answer}");
        }
        // The connections of the other kinds must not be taken.
        server.go_away(u32::MAX >> 1, NO_ERROR).await;
        assert_eq!(server.said().await, None, "{target}: it is closed");
    }
    assert!(listener.is_left_alone());
    for kind in stage.readiness.upstream_connections() {
        assert_eq!((kind.opened, kind.opened_http2, kind.reused), (1, 1, 3), "{}", kind.kind);
    }
}

/// What one client sends, or does not read, may end a connection: no other's request is on it.
#[tokio::test]
async fn requests_at_once_have_connections_of_their_own() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut kept = warm(&mut stage, &listener, "/pass").await;
    let mut first = Peer::connect(stage.address).await;
    first.send(last("GET", "/pass")).await;
    let mut waiting = vec![(kept.asked().await, kept, first)];
    for _ in 0..3 {
        let mut client = Peer::connect(stage.address).await;
        client.send(last("GET", "/pass")).await;
        let mut server = listener.accept().await;
        waiting.push((server.asked().await, server, client));
    }
    let mut servers = Vec::new();
    for (stream, mut server, mut client) in waiting {
        server.answer(stream, "ok").await;
        assert!(client.rest().await.contains("ok"));
        servers.push(server);
    }
    stage.idle(4).await;
    assert!(listener.is_left_alone());
}

/// What the upstream does with a request that it has read to its end.
#[derive(Debug, Clone, Copy)]
enum Does {
    Refuses,
    /// GOAWAY that leaves its stream out.
    GoesAwayBefore,
    /// GOAWAY that does not, and then the end.
    GoesAwayAfter,
    /// The same where it only says that no more are taken.
    GoesAwayGracefully,
    Resets(u32),
    BreaksOff,
    Ends,
    /// After the head of an answer.
    RefusesLate,
}

impl Does {
    async fn act(self, mut server: Frames, stream: u32) {
        match self {
            Self::Refuses => server.reset(stream, REFUSED_STREAM).await,
            Self::GoesAwayBefore => server.go_away(stream - 2, NO_ERROR).await,
            Self::GoesAwayAfter => return server.go_away(stream, NO_ERROR).await,
            Self::GoesAwayGracefully => return server.go_away(u32::MAX >> 1, NO_ERROR).await,
            Self::Resets(reason) => server.reset(stream, reason).await,
            Self::BreaksOff => return server.break_off(),
            Self::Ends => return,
            Self::RefusesLate => {
                server.head(stream, OK).await;
                server.reset(stream, REFUSED_STREAM).await;
            }
        }
        // Open until the gateway closes it.
        while server.said().await.is_some() {}
    }
}

/// RFC 9113 section 8.7: only a request that the upstream says it has not begun with goes on another connection.
#[tokio::test]
async fn a_request_that_the_upstream_has_not_begun_with_goes_on_a_fresh_connection_once() {
    for does in [Does::Refuses, Does::GoesAwayBefore] {
        for target in ["/forward", "/pass", "/call"] {
            let listener = Listener::bind(BOTH).await;
            let mut stage = listener.stage(play).await;
            let mut server = warm(&mut stage, &listener, target).await;
            let mut client = Peer::connect(stage.address).await;
            client.send(last("POST", target)).await;
            let (stream, body) = server.request().await.expect("a request");
            let doing = tokio::spawn(does.act(server, stream));
            let mut own = listener.accept().await;
            let (stream, again) = own.request().await.expect("the request again");
            assert_eq!(again, body, "{does:?} {target}");
            own.answer(stream, "{}").await;
            let answer = client.rest().await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{does:?} {target}: {answer}");
            assert!(listener.is_left_alone(), "{does:?} {target}: once more");
            doing.await.expect("the upstream");
        }
    }
}

/// As over HTTP/1.1: only once, and only where a connection was kept.
#[tokio::test]
async fn a_request_that_a_fresh_connection_refuses_is_not_sent() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let answering = async {
        let mut server = listener.accept().await;
        let stream = server.asked().await;
        server.reset(stream, REFUSED_STREAM).await;
        assert_eq!(server.said().await, None);
    };
    let (answer, ()) = tokio::join!(say(stage.address, last("POST", "/forward")), answering);
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(hears(&mut stage).await, Event::Forwarded(Err(Failure::NotSent)));
    assert!(listener.is_left_alone());
}

#[tokio::test]
async fn once_sent_every_other_end_is_unknown_and_nothing_is_sent_again() {
    for does in [
        Does::GoesAwayAfter,
        Does::GoesAwayGracefully,
        Does::Resets(INTERNAL_ERROR),
        Does::Resets(CANCEL),
        Does::Resets(NO_ERROR),
        Does::BreaksOff,
        Does::Ends,
    ] {
        for is_warm in [false, true] {
            let listener = Listener::bind(BOTH).await;
            let mut stage = listener.stage(play).await;
            let kept =
                if is_warm { Some(warm(&mut stage, &listener, "/forward").await) } else { None };
            let mut client = Peer::connect(stage.address).await;
            client.send(last("POST", "/forward")).await;
            let mut server = match kept {
                Some(kept) => kept,
                None => listener.accept().await,
            };
            let (stream, body) = server.request().await.expect("a request");
            assert_eq!(body, r#"{"link_with":"theirs"}"#);
            let doing = tokio::spawn(does.act(server, stream));
            let answer = client.rest().await;
            assert!(answer.starts_with("HTTP/1.1 502 "), "{does:?}: {answer}");
            let expected = Event::Forwarded(Err(Failure::Unknown));
            assert_eq!(hears(&mut stage).await, expected, "{does:?} {is_warm}");
            assert!(listener.is_left_alone(), "{does:?}: something was sent again");
            doing.await.expect("the upstream");
        }
    }
}

/// The head of its answer is here: it was begun with, whatever is said afterwards.
#[tokio::test]
async fn a_refusal_after_the_head_of_an_answer_sends_nothing_again() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/forward").await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("POST", "/forward")).await;
    let stream = server.asked().await;
    let doing = tokio::spawn(Does::RefusesLate.act(server, stream));
    client.rest().await;
    doing.await.expect("the upstream");
    assert!(listener.is_left_alone());
}

#[tokio::test]
async fn a_request_that_takes_too_long_ends_its_connection() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/forward").await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("POST", "/short")).await;
    let silent = server.asked().await;
    assert!(client.rest().await.starts_with("HTTP/1.1 504 "));
    while let Some(said) = server.said().await {
        assert_eq!(said, Said::Reset(silent, CANCEL), "and then it is closed");
    }
    assert_eq!(stage.dropped(Dropped::Failed), 1);
    assert!(listener.is_left_alone());
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream_alone() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/pass").await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut client = Peer::connect(stage.address).await;
        client.send(last("GET", "/pass")).await;
        let stream = server.asked().await;
        server.head(stream, OK).await;
        server.data(stream, b"<", false).await;
        client.until(b"<").await;
        client.reset();
        assert_eq!(server.said().await, Some(Said::Reset(stream, CANCEL)));
        streams.push(stream);
    }
    assert!(listener.is_left_alone(), "on one connection");
    let mut client = Peer::connect(stage.address).await;
    client.send(last("GET", "/pass")).await;
    // What still comes on a stream that was reset belongs to none of the others.
    let stream = server.asked().await;
    for gone in streams {
        server.data(gone, b"secret", true).await;
    }
    server.answer(stream, "ok").await;
    let answer = client.rest().await;
    assert!(answer.contains("ok") && !answer.contains("secret"), "{answer}");
}

/// Servers end a connection on which too many streams are reset, and all requests on it.
#[tokio::test]
async fn clients_that_leave_cost_a_connection_before_the_upstream_ends_it() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/pass").await;
    for _ in 0..16 {
        let mut client = Peer::connect(stage.address).await;
        client.send(last("GET", "/pass")).await;
        let stream = server.asked().await;
        client.reset();
        assert_eq!(server.said().await, Some(Said::Reset(stream, CANCEL)));
    }
    stage.in_use(0).await;
    let mut client = Peer::connect(stage.address).await;
    client.send(last("GET", "/pass")).await;
    let mut own = listener.accept().await;
    let stream = own.asked().await;
    own.answer(stream, "ok").await;
    assert!(client.rest().await.contains("ok"));
    assert_eq!(stage.dropped(Dropped::Unfinished), 1);
}

#[tokio::test]
async fn an_answer_before_the_requests_end_resets_its_stream_alone() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/pass").await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /pass HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    let Some(Said::Request(stream, false)) = server.said().await else { panic!("no request") };
    assert_eq!(server.said().await, Some(Said::Data(stream, b"abc".to_vec(), false)));
    server.answer(stream, "no").await;
    client.until(b"no").await;
    assert_eq!(server.said().await, Some(Said::Reset(stream, CANCEL)));
    let mut second = Peer::connect(stage.address).await;
    second.send(last("GET", "/pass")).await;
    let stream = server.asked().await;
    server.answer(stream, "ok").await;
    assert!(second.rest().await.contains("ok"));
    assert!(listener.is_left_alone());
}

/// A client that sends all of its body before it reads the answer, which the upstream has begun meanwhile.
#[tokio::test]
async fn a_body_goes_on_while_its_answer_waits() {
    let listener = Listener::bind(BOTH).await;
    let stage = listener.stage(play).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /pass HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc").await;
    let mut server = listener.accept().await;
    let Some(Said::Request(stream, false)) = server.said().await else { panic!("no request") };
    assert_eq!(server.said().await, Some(Said::Data(stream, b"abc".to_vec(), false)));
    server.head(stream, OK).await;
    client.head().await;
    client.send("def").await;
    assert_eq!(server.said().await, Some(Said::Data(stream, b"def".to_vec(), true)));
    server.data(stream, b"ok", true).await;
    client.until(b"ok").await;
}

/// Between two requests the upstream closes the connection, with a farewell or without.
#[tokio::test]
async fn a_connection_that_ended_while_it_was_idle_is_not_written_to() {
    for (row, farewell) in [("a farewell", true), ("none", false)] {
        for target in ["/forward", "/pass"] {
            let listener = Listener::bind(BOTH).await;
            let mut stage = listener.stage(play).await;
            let mut server = warm(&mut stage, &listener, target).await;
            let mut client = Peer::connect(stage.address).await;
            if farewell {
                server.go_away(1, NO_ERROR).await;
            }
            drop(server);
            client.send(last("POST", target)).await;
            let mut own = listener.accept().await;
            let stream = own.asked().await;
            own.answer(stream, "ok").await;
            let answer = client.rest().await;
            assert!(answer.contains("ok"), "{row} {target}: {answer}");
            assert!(listener.is_left_alone(), "{row} {target}: it was sent twice");
        }
    }
}

/// GOAWAY lets the requests end that are on the connection.
#[tokio::test]
async fn a_connection_that_goes_away_takes_no_further_request_and_ends_those_it_has() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/pass").await;
    let mut first = Peer::connect(stage.address).await;
    first.send(last("GET", "/pass")).await;
    let slow = server.asked().await;
    server.head(slow, OK).await;
    server.go_away(u32::MAX >> 1, NO_ERROR).await;
    server.data(slow, b"<", false).await;
    first.until(b"<").await;
    let mut second = Peer::connect(stage.address).await;
    second.send(last("GET", "/pass")).await;
    let mut own = listener.accept().await;
    let stream = own.asked().await;
    own.answer(stream, "second").await;
    assert!(second.rest().await.contains("second"));
    server.data(slow, b"first>", true).await;
    first.until(b"first>").await;
}

/// RFC 9113 section 8.1.1: an answer that is not as long as it says is none.
#[tokio::test]
async fn an_answer_of_another_length_than_it_says_is_broken_off() {
    for (row, body) in [("shorter", "ab"), ("longer", "abcdef"), ("as it says", "abcde")] {
        let listener = Listener::bind(BOTH).await;
        let mut stage = listener.stage(play).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(last("GET", "/call")).await;
        let mut server = listener.accept().await;
        let stream = server.asked().await;
        // content-length: 5
        server.head(stream, b"\x88\x0f\x0d\x015").await;
        server.data(stream, body.as_bytes(), true).await;
        client.rest().await;
        let Event::Called(outcome) = hears(&mut stage).await else { panic!("no call") };
        assert_eq!(outcome.is_ok(), row == "as it says", "{row}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_answer_with_too_large_a_head_is_unknown() {
    let line = [&b"\x00\x01a\x7f\x81\x7c"[..], &[b'x'; 16_000]].concat();
    for (row, lines) in
        [("too long", vec![line; 6]), ("too many", vec![b"\x00\x01a\x01x".repeat(101)])]
    {
        let listener = Listener::bind(BOTH).await;
        let mut stage = listener.stage(play).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(last("POST", "/forward")).await;
        let mut server = listener.accept().await;
        let stream = server.asked().await;
        server.large_head(stream, OK, &lines).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 502 "), "{row}");
        assert_eq!(hears(&mut stage).await, Event::Forwarded(Err(Failure::Unknown)), "{row}");
        assert!(listener.is_left_alone(), "{row}: something was sent again");
    }
}

/// RFC 4559: such a request would sign in whatever else is on its connection.
#[tokio::test]
async fn a_request_that_signs_its_connection_in_leaves_it_to_no_other() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut kept = warm(&mut stage, &listener, "/pass").await;
    let mut client = Peer::connect(stage.address).await;
    client.send("GET /pass HTTP/1.1\r\nhost: x\r\nauthorization: Negotiate YII=\r\n\r\n").await;
    let mut own = listener.accept().await;
    let stream = own.asked().await;
    let mut other = Peer::connect(stage.address).await;
    other.send(last("GET", "/pass")).await;
    let others = kept.asked().await;
    kept.answer(others, "ok").await;
    assert!(other.rest().await.contains("ok"));
    own.answer(stream, "signed in").await;
    client.until(b"signed in").await;
    assert_eq!(own.said().await, None, "it is closed");
    assert_eq!(stage.dropped(Dropped::SignsIn), 1);
}

#[tokio::test]
async fn with_no_time_to_be_idle_each_request_has_a_connection_of_its_own() {
    let listener = Listener::bind(BOTH).await;
    let limits = Limits { upstream_idle: Duration::ZERO, ..Limits::default() };
    let stage = Stage::of(NonZeroUsize::MIN, listener.upstream.clone(), limits, play).await;
    for _ in 0..2 {
        let answering = async {
            let mut server = listener.accept().await;
            let stream = server.asked().await;
            server.answer(stream, "ok").await;
            assert_eq!(server.said().await, None);
        };
        tokio::join!(say(stage.address, last("GET", "/pass")), answering);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time() {
    let listener = Listener::bind(BOTH).await;
    let idle = Duration::from_millis(200);
    let limits = Limits { upstream_idle: idle, ..Limits::default() };
    let stage = Stage::of(NonZeroUsize::MIN, listener.upstream.clone(), limits, play).await;
    let answering = async {
        let mut server = listener.accept().await;
        let stream = server.asked().await;
        server.answer(stream, "ok").await;
        assert_eq!(server.said().await, None, "without a request");
    };
    tokio::join!(say(stage.address, last("GET", "/pass")), answering);
    stage.idle(0).await;
    assert_eq!(stage.dropped(Dropped::Idle), 1);
}

/// A body that its client does not send to its end.
#[tokio::test]
async fn a_body_that_breaks_off_resets_its_stream() {
    let listener = Listener::bind(BOTH).await;
    let play = |_: &Head, events: &[Event]| {
        Ok(match events.last() {
            None => Step::Pass(Pass { edits: no_edits(), timeout_ms: 10_000 }),
            Some(_) => reply(400),
        })
    };
    let mut stage = listener.stage(play).await;
    let mut client = Peer::connect(stage.address).await;
    client.send("POST /pass HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    let mut server = listener.accept().await;
    let Some(Said::Request(stream, false)) = server.said().await else { panic!("no request") };
    server.said().await.expect("a part of the body");
    client.finish().await;
    assert_eq!(server.said().await, Some(Said::Reset(stream, CANCEL)));
    stage.head().await;
    stage.hears(Note::Event(Event::BodyFailed)).await;
    stage.ends(End::Finished, "/pass").await;
    // The connection is kept.
    let mut second = Peer::connect(stage.address).await;
    second.send(last("GET", "/pass")).await;
    server.asked().await;
    assert!(listener.is_left_alone());
}

/// Before anything of its request was written, too.
#[tokio::test]
async fn a_body_that_breaks_off_at_once_leaves_its_connection_to_the_next() {
    let listener = Listener::bind(BOTH).await;
    let mut stage = listener.stage(play).await;
    let mut server = warm(&mut stage, &listener, "/pass").await;
    for _ in 0..8 {
        let mut client = Peer::connect(stage.address).await;
        let broken =
            "POST /pass HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n";
        client.send(broken).await;
        client.rest().await;
    }
    stage.in_use(0).await;
    let mut next = Peer::connect(stage.address).await;
    next.send(last("GET", "/pass")).await;
    let stream = loop {
        let said = server.said().await.expect("the connection is kept");
        if let Said::Request(stream, true) = said {
            break stream;
        }
    };
    server.answer(stream, "ok").await;
    assert!(next.rest().await.contains("ok"));
    assert!(listener.is_left_alone());
}
