//! What happens when an instance dies: everybody in it gets a 503, the next request a fresh one.

use std::num::NonZeroUsize;
use std::time::Duration;

use linkgate_gateway::{End, Event, Head, Limits, NotReady, Step, Trap};

use crate::script::{Note, Stage, UNBEARABLE, forward, reply};
use crate::wire::{Peer, Upstream, last, nobody, say};

/// Traps at `/trap`, holds `/hold` at the upstream, replies to all else.
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    match (head.target.as_slice(), events) {
        (b"/trap", _) => Err(Trap::new("a bug of the policy: secret detail")),
        (b"/hold", []) => Ok(forward(10_000)),
        (b"/later", []) => Ok(Step::Wait(0)),
        (b"/later", _) => Err(Trap::new("a bug in mid-course")),
        _ => Ok(reply(200)),
    }
}

#[tokio::test]
async fn a_trap_is_a_503_and_the_next_request_is_served() {
    let mut stage = Stage::trapping(nobody().await, Limits::default(), play).await;
    for path in ["/trap", "/later"] {
        let answer = say(stage.address, get(path)).await;
        assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
        assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
        assert!(!answer.contains("secret") && !answer.contains("bug"), "{answer}");
        stage.head().await;
        if path == "/later" {
            stage.event().await;
        }
        assert!(
            matches!(stage.note().await, Note::Fault(fault) if fault.starts_with("InstanceLost"))
        );
        stage.loses_and_replaces().await;

        assert!(say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"));
        stage.head().await;
        stage.ends(End::Finished, "/fine").await;
    }
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn a_trap_ends_every_exchange_of_the_instance() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::trapping(upstream.address, Limits::default(), play).await;
    let mut bystander = Peer::connect(stage.address).await;
    bystander.send(get("/hold")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    stage.head().await;

    assert!(say(stage.address, get("/trap")).await.starts_with("HTTP/1.1 503 "));
    assert!(
        say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"),
        "a fresh instance serves meanwhile"
    );
    server.send("HTTP/1.1 201 Created\r\nx-theirs: 1\r\ncontent-length: 2\r\n\r\n[]").await;
    let answer = bystander.rest().await;
    // Something was sent for it: no client is invited to send it again.
    assert!(answer.starts_with("HTTP/1.1 504 ") && !answer.contains("theirs"), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("retry-after"), "{answer}");

    stage.head().await;
    assert!(matches!(stage.note().await, Note::Fault(fault) if fault.starts_with("InstanceLost")));
    stage.loses_and_replaces().await;
    stage.head().await;
    stage.ends(End::Finished, "/fine").await;
    stage.hears(Note::Fault("ExchangeLost".to_owned())).await;
    // Its record, without the path, which was the policy's to show.
    stage.hears(Note::Decided(String::new())).await;
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn without_a_living_instance_and_once_it_stops_a_gateway_is_not_ready() {
    let mut stage = Stage::trapping(nobody().await, Limits::default(), play).await;
    assert_eq!((stage.readiness.check(), stage.readiness.live_instances()), (Ok(()), 1));
    stage.bears_none(true);
    assert!(say(stage.address, get("/trap")).await.starts_with("HTTP/1.1 503 "));
    let (none, readiness) = (Err(NotReady::NoInstance), stage.readiness.clone());
    assert_eq!((readiness.check(), readiness.live_instances()), (none, 0));

    stage.bears_none(false);
    while stage.note().await != Note::Made {}
    // It may take a moment to its chair; this request waits for it.
    assert!(say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!((readiness.check(), readiness.live_instances()), (Ok(()), 1));
    stage.stop().rest().await;
    assert_eq!(readiness.check(), Err(NotReady::Stopping));
}

#[tokio::test]
async fn a_sink_that_panics_stops_no_instance() {
    let mut stage = Stage::trapping(nobody().await, Limits::default(), play).await;
    for path in [UNBEARABLE, "/fine"] {
        assert!(say(stage.address, get(path)).await.starts_with("HTTP/1.1 200 OK\r\n"), "{path}");
        stage.head().await;
        stage.ends(End::Finished, path).await;
    }
    assert_eq!(stage.stop().rest().await, []);
}

/// The one thread of this test's server must not be the one that is stuck in a guest.
#[tokio::test]
async fn while_one_instance_is_stuck_the_others_serve() {
    let upstream = format!("http://{}", nobody().await).parse().expect("an upstream");
    let two = NonZeroUsize::new(2).expect("two");
    let mut stage = Stage::of(two, upstream, Limits::default(), play).await;
    let mut caught = Peer::connect(stage.address).await;
    caught.send(get("/stuck")).await;
    stage.head().await;
    for _ in 0..5 {
        assert!(say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"));
        stage.head().await;
        stage.ends(End::Finished, "/fine").await;
    }
    stage.let_go();
    assert!(caught.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.ends(End::Finished, "/stuck").await;
}

/// A call that began is seen through, with nothing to hear its outcome: the instance serves others.
#[tokio::test]
async fn a_client_that_leaves_an_instance_that_is_stuck_costs_no_other_anything() {
    let mut stage = Stage::trapping(nobody().await, Limits::default(), play).await;
    let mut caught = Peer::connect(stage.address).await;
    caught.send(get("/stuck")).await;
    stage.head().await;
    caught.reset();
    let mut waiting = Peer::connect(stage.address).await;
    waiting.send(get("/fine")).await;
    stage.let_go();
    assert!(waiting.rest().await.starts_with("HTTP/1.1 200 OK\r\n"));
    let mut ended = Vec::new();
    while ended.len() < 2 {
        if let Note::Decided(path) = stage.note().await {
            ended.push(path);
        }
    }
    ended.sort();
    assert_eq!(ended, ["/fine", "/stuck"]);
    assert_eq!(stage.stop().rest().await, []);
}

#[tokio::test]
async fn a_request_that_finds_no_room_in_time_is_turned_away() {
    let upstream = Upstream::bind().await;
    let limits = Limits { in_flight: 1, wait: Duration::from_millis(100), ..Limits::default() };
    let mut stage = Stage::trapping(upstream.address, limits, play).await;
    let mut first = Peer::connect(stage.address).await;
    first.send(get("/hold")).await;
    let mut server = upstream.accept().await;
    server.head().await;
    stage.head().await;
    let answer = say(stage.address, get("/fine")).await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"),
        "{answer}"
    );
    stage.hears(Note::Fault("TurnedAway".to_owned())).await;
    // The request that waits gets the place that the first leaves.
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    first.rest().await;
    stage.event().await;
    stage.ends(End::Finished, "/hold").await;
    assert!(say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

fn get(path: &str) -> String {
    last("GET", path)
}
