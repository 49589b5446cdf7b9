//! Verification by the host: what it is asked, and what its answers are worth.

use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::{ISSUER, NOW};
use crate::config::{Abilities, Secrets};
use crate::exchange::Exchange;
use crate::http::message::{Head, Header};
use crate::http::outgoing::{Answer, AnswerHead};
use crate::jose::verification::{
    SignatureAlgorithm, SignatureAlgorithms, Verification, VerifiedBy, Verify,
};
use crate::policy::Policy;
use crate::protocol::{Event, Step, Turn};
use crate::testing;
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Denial, Fault, TokenFlaw};
use crate::verdict::outcome::End;

/// A verifier of Ed25519 that works, in the place of a host's.
fn honest(verify: &Verify) -> Verification {
    let key = verify.key.last_chunk::<32>().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let Some(key) = key.filter(|_| verify.key.len() == 44) else { return Verification::Unable };
    let signature = Signature::from_slice(&verify.signature);
    let holds = signature.is_ok_and(|signed| key.verify_strict(&verify.message, &signed).is_ok());
    if holds { Verification::Yes } else { Verification::No }
}

fn compiled(document: &Value, secrets: &Secrets) -> Policy {
    let host = Abilities { verifies: SignatureAlgorithms::ALL, ..Abilities::default() };
    Policy::compile(&document.to_string(), secrets, host, 1, NOW).unwrap()
}

/// A policy under a host that has shown what it can.
fn trusting(document: &Value) -> Policy {
    let mut policy = compiled(document, &Secrets::default());
    let answers: Vec<Verification> = policy.probes().iter().map(honest).collect();
    assert_eq!(policy.probed(&answers), Vec::<String>::new());
    policy
}

fn link_head(token: &str) -> Head {
    Head {
        method: "POST".to_owned(),
        target: b"/api/v2/users/auth0%7Ca/identities".to_vec(),
        headers: vec![
            Header::new("authorization", &format!("Bearer {token}")),
            Header::new("content-type", "application/json"),
        ],
        peer: None,
    }
}

/// A bearer of the user, signed with a numbered key.
fn bearer(key: u8) -> String {
    let claims = testing::access_claims(ISSUER, "auth0|a", 600);
    testing::signed(&json!({ "alg": "EdDSA" }), &claims, key)
}

fn opened(policy: &mut Policy, token: &str) -> (Exchange, Turn) {
    policy.open(link_head(token), NOW)
}

fn asked(turn: &Turn) -> &Verify {
    let Step::Verify(verify) = &turn.step else { panic!("expected a question, found {turn:?}") };
    verify
}

fn closed(policy: &mut Policy, exchange: Exchange) -> (Cause, Option<VerifiedBy>) {
    let decision = policy.close(exchange, End::Finished, NOW);
    (decision.cause, decision.verification)
}

const FORGED: Cause = Cause::Denied(Denial::Bearer(TokenFlaw::SignatureInvalid));
const OUT_OF_ORDER: Cause = Cause::Failed(Fault::OutOfOrder);

#[test]
fn a_host_is_asked_what_the_token_says() {
    let mut policy = trusting(&testing::document());
    let token = bearer(7);
    let (mut exchange, turn) = opened(&mut policy, &token);
    let verify = asked(&turn);
    assert_eq!(verify.algorithm.name(), "EdDSA");
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verify.message.as_slice(), message.as_bytes());
    assert_eq!(honest(verify), Verification::Yes);

    let turn = policy.resume(&mut exchange, 1, Event::Verified(Verification::Yes), NOW);
    assert!(matches!(turn.step, Step::ReadBody { .. }), "{turn:?}");
    let body = Event::Body(testing::link_body("auth0|b"));
    let turn = policy.resume(&mut exchange, 2, body, NOW);
    assert_eq!(honest(asked(&turn)), Verification::Yes, "the secondary is asked about by itself");
    let turn = policy.resume(&mut exchange, 3, Event::Verified(Verification::Yes), NOW);
    assert!(matches!(turn.step, Step::Forward(_)), "{turn:?}");
    let answer = Event::Forwarded(Ok(AnswerHead::of(201, [])));
    policy.resume(&mut exchange, 4, answer, NOW);
    assert_eq!(closed(&mut policy, exchange), (Cause::Granted, Some(VerifiedBy::Host)));
}

/// What a bearer comes to, by the host's answer.
#[test]
fn an_answer_is_taken_for_what_it_says() {
    use Verification::{No, Unable, Yes};
    for (row, key, answer, passes, by) in [
        ("good, yes", 7, Yes, true, VerifiedBy::Host),
        ("good, no", 7, No, false, VerifiedBy::Host),
        ("good, unable", 7, Unable, true, VerifiedBy::Component),
        ("forged, no", 8, No, false, VerifiedBy::Host),
        ("forged, unable: no yes", 8, Unable, false, VerifiedBy::Component),
        ("forged, yes: a host could always have lied", 8, Yes, true, VerifiedBy::Host),
    ] {
        let mut policy = trusting(&testing::document());
        let (mut exchange, turn) = opened(&mut policy, &bearer(key));
        asked(&turn);
        let turn = policy.resume(&mut exchange, 1, Event::Verified(answer), NOW);
        assert_eq!(matches!(turn.step, Step::ReadBody { .. }), passes, "{row}: {turn:?}");
        let expected = if passes { Cause::Unfinished } else { FORGED };
        assert_eq!(closed(&mut policy, exchange), (expected, Some(by)), "{row}");
    }
}

#[test]
fn a_yes_for_one_token_is_none_for_the_other() {
    let mut policy = trusting(&testing::document());
    let (mut exchange, _) = opened(&mut policy, &bearer(7));
    policy.resume(&mut exchange, 1, Event::Verified(Verification::Yes), NOW);
    let body = Event::Body(testing::link_body("auth0|b"));
    let turn = policy.resume(&mut exchange, 2, body, NOW);
    asked(&turn);
    policy.resume(&mut exchange, 3, Event::Verified(Verification::No), NOW);
    let expected = Cause::Denied(Denial::Secondary(TokenFlaw::SignatureInvalid));
    assert_eq!(closed(&mut policy, exchange).0, expected);
}

#[test]
fn an_event_that_is_no_answer_to_the_question_ends_the_exchange() {
    type Row = (&'static str, u32, fn() -> Event);
    let yes = || Event::Verified(Verification::Yes);
    let rows: [Row; 7] = [
        ("an earlier number", 0, yes),
        ("a later number", 2, yes),
        ("a waking", 1, || Event::Woken),
        ("a body", 1, || Event::Body(testing::link_body("auth0|b"))),
        ("a body that failed", 1, || Event::BodyFailed),
        ("an answer of the upstream", 1, || Event::Forwarded(Ok(AnswerHead::of(201, [])))),
        ("held accounts", 1, || Event::Acquired(crate::protocol::Acquired::Serialised)),
    ];
    for (row, sequence, event) in rows {
        let mut policy = trusting(&testing::document());
        let (mut exchange, turn) = opened(&mut policy, &bearer(7));
        asked(&turn);
        let turn = policy.resume(&mut exchange, sequence, event(), NOW);
        assert!(matches!(&turn.step, Step::Respond(reply) if reply.status == 503), "{row}");
        let again = policy.resume(&mut exchange, turn.sequence, yes(), NOW);
        assert!(matches!(&again.step, Step::Respond(reply) if reply.status == 503), "{row}");
        assert_eq!(closed(&mut policy, exchange), (OUT_OF_ORDER, None), "{row}");
    }
}

/// A late or made-up answer reaches no step that asks for something else.
#[test]
fn an_answer_that_was_not_asked_for_ends_the_exchange() {
    let yes = || Event::Verified(Verification::Yes);
    for (row, answers) in [("at the body", 1), ("at the upstream", 3)] {
        let mut policy = trusting(&testing::document());
        let (mut exchange, mut turn) = opened(&mut policy, &bearer(7));
        let body = || Event::Body(testing::link_body("auth0|b"));
        for event in [yes(), body(), yes()].into_iter().take(answers) {
            turn = policy.resume(&mut exchange, turn.sequence, event, NOW);
        }
        assert!(!matches!(turn.step, Step::Verify(_)), "{row}");
        let turn = policy.resume(&mut exchange, turn.sequence, yes(), NOW);
        assert!(matches!(&turn.step, Step::Respond(reply) if reply.status == 503), "{row}");
        assert_eq!(closed(&mut policy, exchange).0, OUT_OF_ORDER, "{row}");
    }
    let mut policy = compiled(&remote(), &Secrets::default());
    let (mut exchange, turn) = opened(&mut policy, &bearer(7));
    assert!(matches!(turn.step, Step::Wait { .. }), "{turn:?}");
    policy.resume(&mut exchange, 1, yes(), NOW);
    assert_eq!(closed(&mut policy, exchange).0, OUT_OF_ORDER, "while its key is fetched");
}

/// What the host said yes to is known like what the component verified; what it said no to is not.
#[test]
fn a_known_bearer_is_not_asked_about_again() {
    let mut policy = trusting(&testing::document());
    for (row, answer, is_known) in
        [("refused", Verification::No, false), ("verified", Verification::Yes, true)]
    {
        let (mut exchange, turn) = opened(&mut policy, &bearer(7));
        asked(&turn);
        policy.resume(&mut exchange, 1, Event::Verified(answer), NOW);
        policy.close(exchange, End::Finished, NOW);
        let (exchange, turn) = opened(&mut policy, &bearer(7));
        assert_eq!(matches!(turn.step, Step::ReadBody { .. }), is_known, "{row}: {turn:?}");
        let by = is_known.then_some(VerifiedBy::Cache);
        assert_eq!(closed(&mut policy, exchange), (Cause::Unfinished, by), "{row}");
    }
}

/// The key and the claims are those of the moment of the answer, not of the question.
#[test]
fn an_answer_counts_for_the_key_that_was_asked_about() {
    let later = |ms| Now { unix_ms: NOW.unix_ms + ms, mono_ms: NOW.mono_ms + ms };
    for (row, second, expected) in [
        ("the same key", Some(7), None),
        ("another key of that name", Some(8), Some(FORGED)),
        ("no key of that name", None, Some(Cause::Denied(Denial::Bearer(TokenFlaw::KeyUnknown)))),
    ] {
        let mut policy = trusting(&remote());
        let set = |key: Option<u8>| {
            let keys: Vec<Value> = match key {
                Some(number) => vec![testing::jwk(number, "k")],
                None => vec![testing::jwk(7, "other")],
            };
            let body = json!({ "keys": keys }).to_string().into_bytes();
            Ok(Answer { status: 200, headers: vec![], body })
        };
        let source = policy_source(&mut policy);
        policy.fetched(&source, set(Some(7)), NOW.mono_ms, NOW);
        let claims = testing::access_claims(ISSUER, "auth0|a", 600);
        let token = testing::signed(&json!({ "alg": "EdDSA", "kid": "k" }), &claims, 7);
        let (mut exchange, turn) = opened(&mut policy, &token);
        asked(&turn);
        policy.fetched(&source, set(second), later(5).mono_ms, later(5));
        let mut turn =
            policy.resume(&mut exchange, 1, Event::Verified(Verification::Yes), later(10));
        if let Step::Wait { .. } = turn.step {
            policy.due(later(10)).unwrap();
            policy.fetched(&source, set(second), later(20).mono_ms, later(20));
            turn = policy.resume(&mut exchange, turn.sequence, Event::Woken, later(30));
        }
        let decision = policy.close(exchange, End::Finished, later(40));
        match expected {
            None => assert!(matches!(turn.step, Step::ReadBody { .. }), "{row}: {turn:?}"),
            Some(cause) => assert!(
                decision.cause == cause || decision.cause == Cause::Failed(Fault::KeyUndecided),
                "{row}: {decision:?}"
            ),
        }
        assert!(expected.is_none() || !matches!(turn.step, Step::ReadBody { .. }), "{row}");
    }
}

#[test]
fn a_token_that_expires_meanwhile_is_expired() {
    let mut policy = trusting(&testing::document());
    let (mut exchange, turn) = opened(&mut policy, &bearer(7));
    asked(&turn);
    let late = Now { unix_ms: NOW.unix_ms + 3_600_000, ..NOW };
    policy.resume(&mut exchange, 1, Event::Verified(Verification::Yes), late);
    let expired = Cause::Denied(Denial::Bearer(TokenFlaw::Expired));
    assert_eq!(closed(&mut policy, exchange), (expired, None));
}

/// What is refused by its form alone is no host's business.
#[test]
fn a_signature_of_no_form_is_never_asked_about() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = bearer(7);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with_scalar = |scalar: [u8; 32]| [&good[..32], &scalar].concat();
    // The order of the group, lowest byte first, and one below it.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut below = order;
    below[0] -= 1;
    let mut points = (0..).map(|first| [&[first][..], &[0; 31]].concat());
    let is_none = |point: &Vec<u8>| VerifyingKey::try_from(point.as_slice()).is_err();
    let no_point = points.find(is_none).unwrap();
    let mut neutral = [0; 64];
    neutral[0] = 1;
    for (row, signature, is_asked) in [
        ("as it is", good.clone(), true),
        ("one byte short", good[..63].to_vec(), false),
        ("one byte long", [&good[..], &[0]].concat(), false),
        ("a number that is the order", with_scalar(order), false),
        ("the largest number below it", with_scalar(below), true),
        ("a number of ones", with_scalar([0xff; 32]), false),
        ("a weak point", neutral.to_vec(), false),
        ("no point", [&no_point[..], &good[32..]].concat(), false),
    ] {
        let mut policy = trusting(&testing::document());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
        let (exchange, turn) = opened(&mut policy, &token);
        assert_eq!(matches!(turn.step, Step::Verify(_)), is_asked, "{row}: {turn:?}");
        if !is_asked {
            let by = Some(VerifiedBy::Component);
            assert_eq!(closed(&mut policy, exchange), (FORGED, by), "{row}");
        }
    }
}

#[test]
fn a_host_that_was_not_tried_is_not_asked() {
    let by_component = |policy: &mut Policy, row: &str| {
        let mut claims = testing::access_claims(ISSUER, "auth0|a", 600);
        // A token that is not known yet.
        claims["jti"] = json!(row);
        let (exchange, turn) = opened(policy, &testing::token(&claims));
        assert!(matches!(turn.step, Step::ReadBody { .. }), "{row}: {turn:?}");
        let by = Some(VerifiedBy::Component);
        assert_eq!(closed(policy, exchange), (Cause::Unfinished, by), "{row}");
        assert_eq!(policy.key_sources(NOW)[0].host_algorithms, [], "{row}");
    };
    let mut policy = compiled(&testing::document(), &Secrets::default());
    assert_eq!(policy.probes().len(), 7, "EdDSA alone is used");
    by_component(&mut policy, "no answers");
    let wrong: Vec<Verification> = policy.probes().iter().map(|_| Verification::Yes).collect();
    assert_eq!(policy.probed(&wrong).len(), 1);
    by_component(&mut policy, "wrong answers");
    // It does not get a second chance.
    let right: Vec<Verification> = policy.probes().iter().map(honest).collect();
    assert_eq!(right, []);
    assert_eq!(policy.probed(&right), Vec::<String>::new());
    by_component(&mut policy, "right answers after wrong ones");

    let mut document = testing::document();
    document["verification"] = json!("component");
    let mut policy = compiled(&document, &Secrets::default());
    assert_eq!(policy.probes(), [], "the policy says so");
    policy.probed(&[]);
    by_component(&mut policy, "the policy says so");
    document["verification"] = json!("host");
    let mut policy = trusting(&document);
    assert_eq!(policy.key_sources(NOW)[0].host_algorithms, [SignatureAlgorithm::EdDsa]);
    assert!(matches!(opened(&mut policy, &bearer(7)).1.step, Step::Verify(_)));
}

#[test]
fn a_shared_secret_is_never_a_hosts() {
    let mut document = testing::document();
    document["issuers"][0]["algorithms"] = json!(["EdDSA", "HS256"]);
    document["issuers"][0]["hmac_secret"] = json!("S");
    let mut policy = compiled(&document, &Secrets::from_iter([("S", [7; 32])]));
    let answers: Vec<Verification> = policy.probes().iter().map(honest).collect();
    policy.probed(&answers);
    assert_eq!(policy.key_sources(NOW)[0].host_algorithms, [SignatureAlgorithm::EdDsa]);
    let claims = testing::access_claims(ISSUER, "auth0|a", 600);
    let token = testing::signed(&json!({ "alg": "HS256" }), &claims, 7);
    let (exchange, turn) = opened(&mut policy, &token);
    assert!(!matches!(turn.step, Step::Verify(_)), "{turn:?}");
    assert_eq!(closed(&mut policy, exchange), (FORGED, Some(VerifiedBy::Component)));
}

/// A document whose keys are fetched.
fn remote() -> Value {
    let mut document = testing::document();
    document["issuers"][0]["keys"] = json!({ "jwks_uri": "https://tenant.example/keys" });
    document
}

fn policy_source(policy: &mut Policy) -> String {
    policy.warm();
    policy.due(NOW).unwrap().source
}
