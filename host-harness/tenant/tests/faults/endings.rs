//! Each kind of fault that lets the exchange end by itself.

use std::time::{Duration, Instant};

use linkgate_tenant::faults::{Fault, FaultRule};
use linkgate_tenant::{Answer, NO_ANSWER, Operation};
use serde_json::json;

use crate::wire::*;

#[tokio::test]
async fn a_reset_before_the_effect_prevents_it_and_one_after_does_not() {
    for (at, linked, status) in [(BEFORE, false, NO_ANSWER), (AFTER, true, 201)] {
        let served = Served::new().await;
        served.on_link(Fault::Reset { at });
        let received = served.send(served.link()).await.unwrap();
        assert!(received.is_reset(), "{at:?}: {received:?}");
        assert_eq!(served.is_linked(), linked, "{at:?}");
        let requests = served.handle.requests();
        assert_eq!(requests.len(), 1, "{at:?}: it was received all the same");
        assert_eq!(requests[0].status, status, "{at:?}");
    }
}

#[tokio::test]
async fn a_status_takes_the_place_of_the_answer_and_perhaps_of_the_effect() {
    for (at, linked) in [(BEFORE, false), (AFTER, true)] {
        let served = Served::new().await;
        let answer = Answer::json(429, &json!({"errorCode": "too_many_requests"}))
            .with_header("x-ratelimit-reset", "1750000001")
            .with_header("retry-after", "1");
        served.on_link(Fault::Status { at, answer });
        let received = served.send(served.link()).await.unwrap();
        assert_eq!((received.status(), received.end), (429, Ok(())), "{at:?}");
        for part in ["x-ratelimit-reset: 1750000001\r\n", "retry-after: 1\r\n", "too_many_requests"]
        {
            assert!(received.text.contains(part), "{at:?}: no {part} in {}", received.text);
        }
        assert!(!received.text.contains("x-ratelimit-limit"), "{at:?}: nothing is the tenant's");
        assert_eq!(served.is_linked(), linked, "{at:?}");
    }
}

#[tokio::test]
async fn a_delay_only_delays() {
    for at in [BEFORE, AFTER] {
        let served = Served::new().await;
        served.on_link(Fault::Delay { at, ms: 120 });
        let started = Instant::now();
        let received = served.send(served.link()).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(120), "{at:?}");
        assert_eq!((received.status(), served.is_linked()), (201, true), "{at:?}");
    }
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_announced() {
    let whole = {
        let served = Served::new().await;
        served.send(served.link()).await.unwrap().body().1.to_owned()
    };
    for (name, after_bytes, sent, announced) in [
        ("the head alone", Some(0), 0, whole.len()),
        ("a part", Some(10), 10, whole.len()),
        ("all but one", Some(whole.len() - 1), whole.len() - 1, whole.len()),
        ("all", Some(whole.len()), whole.len(), whole.len() + 1),
        ("more than there is", Some(usize::MAX), whole.len(), whole.len() + 1),
        ("without a place", None, whole.len(), whole.len() + 1),
    ] {
        let served = Served::new().await;
        served.on_link(Fault::CutBody { after_bytes });
        let received = served.send(served.link()).await.unwrap();
        assert_eq!((received.status(), received.end), (201, Ok(())), "{name}");
        assert_eq!(received.body(), (announced, whole.get(..sent).unwrap()), "{name}");
        assert!(served.is_linked(), "{name}");
    }
}

/// Twice what loopback sockets buffer: hyper cannot be rid of it at once.
#[tokio::test]
async fn a_large_body_is_cut_where_it_was_to_be() {
    const CUT: usize = 16 * 1024 * 1024;
    let served = Served::new().await;
    let answer = Answer { status: 200, headers: Vec::new(), body: vec![b'x'; CUT + 1_000] };
    served.on_link(Fault::Status { at: BEFORE, answer });
    served.on_link(Fault::CutBody { after_bytes: Some(CUT) });
    let received = served.send(served.link()).await.unwrap();
    let (announced, body) = received.body();
    assert_eq!((announced, body.len(), received.end), (CUT + 1_000, CUT, Ok(())));
}

#[tokio::test]
async fn only_the_nth_request_of_the_operation_is_hit() {
    let served = Served::new().await;
    let rule = |fault| FaultRule::new(Operation::Jwks, fault);
    let first = rule(Fault::Reset { at: BEFORE }).on_occurrence(2);
    served.handle.add_fault(first);
    served.on_link(Fault::Reset { at: BEFORE });
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(served.send(JWKS).await.unwrap().is_reset());
    }
    assert_eq!(seen, [false, true, false]);
    let counts: Vec<_> =
        served.handle.fault_counts().iter().map(|count| (count.seen, count.fired)).collect();
    assert_eq!(counts, [(3, 1), (0, 0)], "other operations do not count");
}

#[tokio::test]
async fn a_reset_ends_a_connection_that_served_before() {
    let served = Served::new().await;
    let rule = FaultRule::new(Operation::Jwks, Fault::Reset { at: AFTER });
    served.handle.add_fault(rule.on_occurrence(2));
    let kept = JWKS.replace("Connection: close\r\n", "");
    let mut stream = served.open(kept.clone()).await;
    let after_the_first = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        stream.write_all(kept.as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).map_err(|error| error.kind())
    });
    assert_eq!(after_the_first.await.unwrap(), Err(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn the_first_ending_of_several_wins() {
    let served = Served::new().await;
    let ours = |status| Answer { status, headers: Vec::new(), body: Vec::new() };
    served.on_link(Fault::Status { at: AFTER, answer: ours(500) });
    served.on_link(Fault::Status { at: BEFORE, answer: ours(502) });
    served.on_link(Fault::Reset { at: BEFORE });
    let received = served.send(served.link()).await.unwrap();
    assert_eq!((received.status(), served.is_linked()), (502, false));
}
