//! What happens when an instance dies: everybody in it gets a 503, the next request a fresh one.

use linkgate_gateway::{End, Event, Head, Limits, Step, Trap};

use crate::script::{Note, Stage, forward, reply};
use crate::wire::{Peer, Upstream, nobody, say};

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
        stage.hears(Note::Fault("ExchangeLost".to_owned())).await;

        assert!(say(stage.address, get("/fine")).await.starts_with("HTTP/1.1 200 OK\r\n"));
        stage.hears(Note::Made).await;
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
    assert!(answer.starts_with("HTTP/1.1 503 ") && !answer.contains("theirs"), "{answer}");

    stage.head().await;
    assert!(matches!(stage.note().await, Note::Fault(fault) if fault.starts_with("InstanceLost")));
    stage.hears(Note::Fault("ExchangeLost".to_owned())).await;
    stage.hears(Note::Made).await;
    stage.head().await;
    stage.ends(End::Finished, "/fine").await;
    stage.hears(Note::Fault("ExchangeLost".to_owned())).await;
    assert_eq!(stage.stop().rest().await, []);
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}
