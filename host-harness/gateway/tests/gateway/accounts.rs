//! `acquire`: exchanges on the same accounts take turns.

use linkgate_gateway::{Acquired, End, Event, Head, Step};

use crate::script::{Note, Stage, acquire, call, reply};
use crate::wire::{Peer, Upstream, request};

/// Two accounts, named by the target `/one/other`; then a call, where the target begins with `/call`.
fn hold(head: &Head, events: &[Event]) -> Step {
    let target = String::from_utf8_lossy(&head.target).into_owned();
    let names: Vec<&str> = target.split('/').skip(2).collect();
    match events {
        [] => acquire(names[0], names[1], if target.starts_with("/short") { 50 } else { 10_000 }),
        [Event::Acquired(Acquired::Serialised)] if target.starts_with("/call") => {
            call(None, 10_000)
        }
        [Event::Acquired(Acquired::Busy)] => reply(503),
        _ => reply(200),
    }
}

async fn asks(stage: &mut Stage, target: &str) -> Peer {
    let mut client = Peer::connect(stage.address).await;
    client.send(request("POST", target)).await;
    stage.head().await;
    client
}

#[tokio::test]
async fn who_comes_second_waits_until_the_first_is_over() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, hold).await;
    let mut first = asks(&mut stage, "/call/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    let mut server = upstream.accept().await;
    server.head().await;
    // The other way round: the policy names them in the same order.
    let mut second = asks(&mut stage, "/hold/a/c").await;
    let mut other = asks(&mut stage, "/hold/d/e").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    assert!(other.head().await.starts_with("HTTP/1.1 200 OK\r\n"), "others do not wait");
    stage.ends(End::Finished, "/hold/d/e").await;
    assert_eq!(stage.heard(), None, "the second waits");
    server.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(first.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(second.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn who_waits_too_long_is_told() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, hold).await;
    let _first = asks(&mut stage, "/call/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    let mut second = asks(&mut stage, "/short/b/c").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Busy))).await;
    assert!(second.head().await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn accounts_stay_held_for_as_long_as_the_decision_says() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, hold).await;
    let mut first = asks(&mut stage, "/linger/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    assert!(first.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
    stage.ends(End::Finished, "/linger/a/b").await;
    let mut second = asks(&mut stage, "/short/b/c").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Busy))).await;
    assert!(second.head().await.starts_with("HTTP/1.1 503 "));
}

#[tokio::test]
async fn who_leaves_holds_nothing() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, hold).await;
    let first = asks(&mut stage, "/call/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    // Kept: closed, it would end the call before the client leaves.
    let mut server = upstream.accept().await;
    server.head().await;
    first.reset();
    stage.hears(Note::MustFinish).await;
    stage.ends(End::ClientGone, "/call/a/b").await;
    let mut second = asks(&mut stage, "/hold/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    assert!(second.head().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn who_leaves_the_queue_is_not_waited_for() {
    let upstream = Upstream::bind().await;
    let mut stage = Stage::open(upstream.address, hold).await;
    let _first = asks(&mut stage, "/call/a/b").await;
    stage.hears(Note::Event(Event::Acquired(Acquired::Serialised))).await;
    let second = asks(&mut stage, "/hold/a/b").await;
    second.reset();
    stage.hears(Note::MustFinish).await;
    stage.ends(End::ClientGone, "/hold/a/b").await;
}
