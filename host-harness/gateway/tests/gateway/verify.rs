//! `verify`: answered in the task of the instance, before anything else of the gateway sees the turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use linkgate_gateway::{
    End, Event, Head, ReadBody, SignatureAlgorithm, Step, Verification, Verify,
};

use crate::script::{Note, Stage, reply};
use crate::wire::{nobody, say};

/// A question whose answer is yes.
fn good() -> Verify {
    let key = Ed25519KeyPair::generate().expect("a key");
    let spki: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a key");
    Verify {
        algorithm: SignatureAlgorithm::Eddsa,
        key: spki.as_ref().to_vec(),
        message: b"message".to_vec(),
        signature: key.sign(b"message").as_ref().to_vec(),
    }
}

/// A question, and its answer.
fn questions() -> Vec<(Verify, Verification)> {
    let good = good();
    let other = Verify { message: b"another".to_vec(), ..good.clone() };
    let empty = Verify { signature: vec![], ..good.clone() };
    let garbage = Verify { key: b"no key".to_vec(), ..good.clone() };
    vec![
        (good, Verification::Yes),
        (other, Verification::No),
        (empty, Verification::No),
        (garbage, Verification::Unable),
    ]
}

async fn post(stage: &Stage, body: &str) -> String {
    let head = "POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length:";
    say(stage.address, format!("{head} {}\r\n\r\n{body}", body.len())).await
}

#[tokio::test]
async fn a_question_of_the_head_gets_its_own_answer() {
    for (question, expected) in questions() {
        let asked = question.clone();
        let play = move |_: &Head, events: &[Event]| match events {
            [] => Step::Verify(asked.clone()),
            _ => reply(200),
        };
        let mut stage = Stage::open(nobody().await, play).await;
        let answer = post(&stage, "").await;
        stage.head().await;
        assert_eq!(stage.event().await, Event::Verified(expected), "{question:?}");
        stage.ends(End::Finished, "/a").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn two_questions_in_a_row_and_one_after_the_body_are_answered_in_order() {
    let asked = questions();
    let expected: Vec<Event> =
        asked.iter().take(3).map(|(_, answer)| Event::Verified(*answer)).collect();
    let play = move |_: &Head, events: &[Event]| match events {
        [] => Step::Verify(asked[0].0.clone()),
        [_] => Step::Verify(asked[1].0.clone()),
        [_, _] => Step::ReadBody(ReadBody { max_bytes: 8, timeout_ms: 10_000 }),
        [_, _, _] => Step::Verify(asked[2].0.clone()),
        _ => reply(200),
    };
    let mut stage = Stage::open(nobody().await, play).await;
    let answer = post(&stage, "body").await;
    stage.head().await;
    assert_eq!([stage.event().await, stage.event().await], expected[..2]);
    assert_eq!(stage.event().await, Event::Body(b"body".to_vec()));
    assert_eq!(stage.event().await, expected[2]);
    stage.ends(End::Finished, "/a").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn an_evaluator_that_asks_without_end_is_stopped() {
    let question = good();
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let play = move |_: &Head, _: &[Event]| {
        count.fetch_add(1, Ordering::Relaxed);
        Step::Verify(question.clone())
    };
    let mut stage = Stage::open(nobody().await, play).await;
    let answer = post(&stage, "").await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    stage.head().await;
    for _ in 0..4 {
        assert_eq!(stage.event().await, Event::Verified(Verification::Yes));
    }
    let rest = [stage.note().await, stage.note().await];
    let breach = r#"Breach("verify more often than needed")"#;
    assert!(rest.contains(&Note::Fault(breach.to_owned())), "{rest:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 5, "once for the head, once for each answer");
}
