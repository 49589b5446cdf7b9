//! Shadow mode at its edges: its end, a wrong event, a clock that lost its date.

use serde_json::json;

use super::NOW;
use crate::access::shadow::Shadow;
use crate::config::{Abilities, Secrets};
use crate::exchange::Exchange;
use crate::http::outgoing::{AnswerHead, Failure};
use crate::policy::Policy;
use crate::protocol::{Event, Step, Turn};
use crate::rules::shadow::LONGEST_MS;
use crate::testing;
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Denial, Fault, Flaw};
use crate::verdict::outcome::End;

/// The end of the shadow, ten days after [`NOW`].
const UNTIL: &str = "2023-11-24T22:13:20Z";

const TEN_DAYS_MS: u64 = 10 * 86_400_000;

fn policy() -> Policy {
    let mut document = testing::document();
    document["shadow"] = json!({ "until": UNTIL });
    document["pass"] = json!(["/app"]);
    Policy::compile(&document.to_string(), &Secrets::default(), Abilities::default(), 1, NOW)
        .unwrap()
}

fn at(unix_ms: u64) -> Now {
    Now { unix_ms, ..NOW }
}

fn opened(policy: &mut Policy, subject: &str, now: Now) -> (Exchange, Turn) {
    policy.open(testing::link_head("auth0|a", subject), now)
}

fn is_refused(turn: &Turn, status: u16) -> bool {
    matches!(&turn.step, Step::Respond(reply) if reply.status == status)
}

#[test]
fn what_was_decided_is_in_the_record_and_the_upstreams_answer_is_not_edited() {
    let mut policy = policy();
    let (mut exchange, turn) = opened(&mut policy, "auth0|stranger", NOW);
    assert!(matches!(turn.step, Step::Pass { .. }), "{turn:?}");
    let answered = Event::Forwarded(Ok(AnswerHead::of(403, [])));
    let turn = policy.resume(&mut exchange, turn.sequence, answered, NOW);
    assert_eq!(turn.step, Step::Relay(crate::http::message::HeaderEdits::default()));
    let decision = policy.close(exchange, End::Finished, NOW);
    assert_eq!((decision.cause, decision.status), (Cause::Shadowed, Some(403)));
    assert_eq!(decision.shadow, Some(Cause::Denied(Denial::Request(Flaw::SubjectMismatch))));
    assert!(decision.upstream_called);
}

#[test]
fn it_ends_at_its_end_to_the_millisecond() {
    let end = NOW.unix_ms + TEN_DAYS_MS;
    for (row, unix_ms, in_force) in [
        ("now", NOW.unix_ms, true),
        ("the last moment", end - 1, true),
        ("the end", end, false),
        ("a year later", end + 365 * 86_400_000, false),
        ("as far before it as may be", end - LONGEST_MS, true),
        ("further: the clock has lost its date", end - LONGEST_MS - 1, false),
        ("1970", 0, false),
    ] {
        let mut policy = policy();
        let (_, turn) = opened(&mut policy, "auth0|stranger", at(unix_ms));
        assert_eq!(matches!(turn.step, Step::Pass { .. }), in_force, "{row}: {turn:?}");
    }
}

#[test]
fn an_exchange_that_began_in_shadow_is_enforced_once_that_is_over() {
    let end = at(NOW.unix_ms + TEN_DAYS_MS);
    let mut policy = policy();
    let last = at(end.unix_ms - 1);
    let head = testing::link_head_at("auth0|a", last);
    let (mut exchange, turn) = policy.open(head, last);
    assert!(matches!(turn.step, Step::ReadBody { .. }), "{turn:?}");
    let turn = policy.resume(&mut exchange, turn.sequence, Event::BodyTooLarge, end);
    assert!(is_refused(&turn, 413), "{turn:?}");
    assert_eq!(policy.close(exchange, End::Finished, end).shadow, None);
}

#[test]
fn a_driver_that_breaks_the_protocol_lets_nothing_pass() {
    let answered = || Event::Forwarded(Ok(AnswerHead::of(201, [])));
    for (row, sequence, event) in [
        ("an earlier number", 0, Event::Body(testing::link_body("auth0|b"))),
        ("an event of another step", 1, answered()),
        ("an event of no step", 1, Event::Woken),
    ] {
        let mut policy = policy();
        let (mut exchange, _) = opened(&mut policy, "auth0|a", NOW);
        let turn = policy.resume(&mut exchange, sequence, event, NOW);
        assert!(is_refused(&turn, 503), "{row}: {turn:?}");
        let decision = policy.close(exchange, End::Finished, NOW);
        assert_eq!(decision.cause, Cause::Failed(Fault::OutOfOrder), "{row}");
        assert_eq!((decision.shadow, decision.upstream_called), (None, false), "{row}");
    }
}

#[test]
fn it_passes_once() {
    let mut policy = policy();
    let (mut exchange, turn) = opened(&mut policy, "auth0|stranger", NOW);
    let failed = Event::Forwarded(Err(Failure::NotSent));
    let turn = policy.resume(&mut exchange, turn.sequence, failed, NOW);
    assert!(is_refused(&turn, 502), "{turn:?}");
    let again = Event::Forwarded(Ok(AnswerHead::of(201, [])));
    let turn = policy.resume(&mut exchange, turn.sequence, again, NOW);
    assert!(is_refused(&turn, 503), "{turn:?}");
}

#[test]
fn a_policy_tells_what_it_does_not_enforce() {
    assert_eq!(testing::policy().shadow(), None);
    let until_unix_ms = Some(NOW.unix_ms + TEN_DAYS_MS);
    assert_eq!(policy().shadow(), Some(Shadow { until_unix_ms, rules: vec![] }));
    let mut document = testing::document();
    document["issuers"][0]["shadow"] = json!(["scopes"]);
    document["issuers"][0]["secondary"]["shadow"] = json!(["max_age"]);
    let policy =
        Policy::compile(&document.to_string(), &Secrets::default(), Abilities::default(), 1, NOW);
    let rules = ["issuers[0].scopes", "issuers[0].secondary.max_age"].map(str::to_owned).to_vec();
    assert_eq!(policy.unwrap().shadow(), Some(Shadow { until_unix_ms: None, rules }));
}

/// A policy is compiled again when an instance is replaced: by then its end may be past.
#[test]
fn an_end_that_is_past_compiles_and_one_too_far_ahead_does_not() {
    let compiled = |now: Now| {
        let mut document = testing::document();
        document["shadow"] = json!({ "until": UNTIL });
        Policy::compile(&document.to_string(), &Secrets::default(), Abilities::default(), 1, now)
    };
    let end = NOW.unix_ms + TEN_DAYS_MS;
    assert!(compiled(at(end + 1)).is_ok());
    assert!(compiled(at(end - LONGEST_MS)).is_ok());
    let mistakes = compiled(at(end - LONGEST_MS - 1)).err().unwrap();
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].pointer, "/shadow/until");
    assert_eq!(
        mistakes[0].message,
        "expected an end within 30 days, by 2023-11-24T22:13:19.999Z, found 2023-11-24T22:13:20.000Z"
    );
}
