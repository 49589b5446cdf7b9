//! How an upstream can fail: what the policy hears of it, and that nothing is ever sent twice.
//!
//! `not-sent` is for what happens before a byte of the request left, `unknown` for all after it.

use std::num::NonZeroUsize;
use std::time::Duration;

use linkgate_gateway::{End, Event, Failure, Head, Limits, Pass, Step};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::pass::LARGE;
use crate::script::{Stage, forward, forward_then_relay, no_edits, pass_then_relay, relay, reply};
use crate::wire::{Peer, Upstream, last, nobody, post_of, say, soon};

/// On a connection of its own, and on one that was kept after another request.
pub(crate) const COLD_AND_WARM: [bool; 2] = [false, true];

/// A connection that is kept, if `warm`.
pub(crate) async fn kept(warm: bool, stage: &mut Stage, upstream: &Upstream) -> Option<Peer> {
    if warm { Some(stage.warm(upstream).await) } else { None }
}

const SHORT: Duration = Duration::from_millis(300);
const SHORT_MS: u32 = 300;

/// The one event of an exchange for `/a` is `failure`, and then it ends.
async fn fails(stage: &mut Stage, failure: Failure, name: &str) {
    stage.head().await;
    assert_eq!(stage.event().await, Event::Forwarded(Err(failure)), "{name}");
    stage.ends(End::Finished, "/a").await;
}

#[tokio::test]
async fn a_refused_connection_is_not_sent() {
    let mut stage = Stage::open(nobody().await, forward_then_relay).await;
    assert!(say(stage.address, last("POST", "/a")).await.starts_with("HTTP/1.1 502 "));
    fails(&mut stage, Failure::NotSent, "refused").await;
}

/// An upstream whose backlog is full answers no handshake at all.
#[tokio::test]
async fn a_connection_that_nobody_answers_is_not_sent() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let mut fillers = Vec::new();
    while let Ok(filler) = timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        fillers.push(filler.expect("a place in the backlog"));
        assert!(fillers.len() < 100, "the backlog does not fill");
    }

    let limits = Limits { connect_timeout: SHORT, ..Limits::default() };
    let mut stage = Stage::with(address, limits, forward_then_relay).await;
    assert!(say(stage.address, last("POST", "/a")).await.starts_with("HTTP/1.1 502 "));
    fails(&mut stage, Failure::NotSent, "unanswered").await;
    let count = fillers.len();
    drop(fillers);
    // All that ever connected are the fillers, and none of them said a word.
    for _ in 0..count {
        let (filler, _) = soon("a filler", listener.accept()).await.expect("a filler");
        let mut word = [0];
        assert_eq!(filler.try_read(&mut word).ok().filter(|read| *read > 0), None);
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_not_sent() {
    let upstream = "http://nonexistent.invalid".parse().expect("an upstream");
    let limits = Limits { connect_timeout: Duration::from_secs(1), ..Limits::default() };
    let play = |head: &Head, events: &[Event]| Ok(forward_then_relay(head, events));
    let mut stage = Stage::of(NonZeroUsize::MIN, upstream, limits, play).await;
    assert!(say(stage.address, last("POST", "/a")).await.starts_with("HTTP/1.1 502 "));
    fails(&mut stage, Failure::NotSent, "no such name").await;
}

/// An upstream that takes the request, says something, and then breaks off.
#[tokio::test]
async fn once_sent_every_end_is_unknown_and_nothing_is_sent_again() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let rows = [
        ("", true),
        ("", false),
        ("H", true),
        ("HTTP/1.1 20", true),
        ("HTTP/1.1 201 Created\r\n", false),
        ("nonsense\r\n\r\n", false),
    ];
    let rows = COLD_AND_WARM.into_iter().flat_map(|warm| rows.map(|row| (warm, row)));
    for (warm, (last_words, reset)) in rows {
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(last("POST", "/a")).await;
        let mut server = upstream.serves(kept).await;
        assert!(server.head().await.starts_with("POST /api/v2/"));
        server.take(22).await;
        server.send(last_words).await;
        if reset {
            server.reset();
        } else {
            drop(server);
        }
        assert!(client.rest().await.starts_with("HTTP/1.1 502 "), "{last_words:?}");
        fails(&mut stage, Failure::Unknown, last_words).await;
        assert!(upstream.is_left_alone(), "{last_words:?}: something was sent again");
    }
    assert_eq!(stage.stop().rest().await, []);
}

/// An upstream that takes the request, says something, and then nothing more.
#[tokio::test]
async fn an_answer_that_is_not_there_in_time_is_unknown_and_nothing_is_sent_again() {
    let upstream = Upstream::bind().await;
    let play = |_: &Head, events: &[Event]| match events.last() {
        None => forward(SHORT_MS),
        Some(Event::Forwarded(Ok(_))) => relay(),
        Some(_) => reply(504),
    };
    let mut stage = Stage::open(upstream.address, play).await;
    let rows = ["", "H", "HTTP/1.1 201 Created\r\nx-half: a"];
    let rows = COLD_AND_WARM.into_iter().flat_map(|warm| rows.map(|row| (warm, row)));
    for (warm, last_words) in rows {
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(last("POST", "/a")).await;
        let mut server = upstream.serves(kept).await;
        server.head().await;
        server.take(22).await;
        server.send(last_words).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 504 "), "{last_words:?}");
        assert_eq!(server.rest().await, "", "the connection is closed at the timeout");
        fails(&mut stage, Failure::Unknown, last_words).await;
        assert!(upstream.is_left_alone(), "{last_words:?}: something was sent again");
    }
}

/// It accepts, and reads nothing: the request fits into no buffer on the way.
#[tokio::test]
async fn a_request_that_the_upstream_does_not_take_is_unknown_and_not_sent_again() {
    let upstream = Upstream::bind().await;
    let play = |_: &Head, events: &[Event]| match events.last() {
        None => Step::Pass(Pass { edits: no_edits(), timeout_ms: 2 * SHORT_MS }),
        Some(Event::Forwarded(Ok(_))) => relay(),
        Some(_) => reply(504),
    };
    let mut stage = Stage::open(upstream.address, play).await;
    for warm in COLD_AND_WARM {
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(post_of(LARGE)).await;
        let server = upstream.serves(kept).await;
        client.pour_until_cut_off().await;
        fails(&mut stage, Failure::Unknown, "not taken").await;
        assert!(upstream.is_left_alone(), "something was sent again");
        drop(server);
    }
}

/// It reads some of the request and goes away: what it has read it may have acted upon.
#[tokio::test]
async fn a_request_that_was_taken_in_part_is_unknown_and_not_sent_again() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, pass_then_relay).await;
    for warm in COLD_AND_WARM {
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(post_of(LARGE)).await;
        let server = async {
            let mut server = upstream.serves(kept).await;
            server.head().await;
            server.swallow(1).await;
            server.reset();
        };
        tokio::join!(server, client.pour_until_cut_off());
        fails(&mut stage, Failure::Unknown, "taken in part").await;
        assert!(upstream.is_left_alone(), "something was sent again");
    }
}

#[tokio::test]
async fn an_answer_with_too_large_a_head_is_unknown() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, forward_then_relay).await;
    let long = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "a".repeat(Limits::HEAD_BYTES));
    for warm in COLD_AND_WARM {
        let kept = kept(warm, &mut stage, &upstream).await;
        let mut client = Peer::connect(stage.address).await;
        client.send(last("POST", "/a")).await;
        let mut server = upstream.serves(kept).await;
        server.head().await;
        server.send(&long).await;
        assert!(client.rest().await.starts_with("HTTP/1.1 502 "));
        fails(&mut stage, Failure::Unknown, "too large a head").await;
        assert!(upstream.is_left_alone(), "something was sent again");
    }
}
