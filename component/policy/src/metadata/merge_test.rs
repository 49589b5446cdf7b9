//! What merging links have in common, and what takes time: beyond what a case of one link can say.

use serde_json::{Value, json};

use crate::decision::Decision;
use crate::denial::{Cause, Fault};
use crate::minted::{self, NOW};
use crate::policy::Policy;
use crate::protocol::{Abilities, Acquired, Answer, Call, End, Event, Now, Secrets, Step, Turn};

fn policy(patch: &str) -> Policy {
    let mut document = minted::document();
    document["issuers"][0]["scopes"] = json!(["update:current_user_identities"]);
    document["metadata"] = json!({
        "credentials": "service", "service": { "token": "SERVICE" }, "include": "*", "patch": patch,
    });
    let secrets: Secrets = [("SERVICE", "token")].into_iter().collect();
    Policy::compile(&document.to_string(), &secrets, Abilities::default(), 1, NOW).unwrap()
}

fn later(ms: u64) -> Now {
    Now { unix_ms: NOW.unix_ms + ms, mono_ms: NOW.mono_ms + ms }
}

/// Links a second account to one of these, with answers to its calls, and gives what came of it.
fn linked(
    policy: &mut Policy,
    user_id: &str,
    now: &dyn Fn(u64) -> Now,
    answer: &dyn Fn(&Call) -> Answer,
) -> Decision {
    let (mut exchange, turn) = policy.open(minted::link_head(user_id, user_id), now(0));
    let mut turn = turn;
    for nth in 0..40 {
        let Turn { sequence, step } = turn;
        let event = match step {
            Step::ReadBody { .. } => Event::Body(minted::link_body("auth0|second")),
            Step::Acquire { .. } => Event::Acquired(Acquired::Serialised),
            Step::Call(call) => Event::Called(Ok(answer(&call))),
            Step::Wait { .. } => Event::Woken,
            Step::Respond(_) => return policy.close(exchange, End::Finished, now(nth)),
            other => panic!("{other:?}"),
        };
        turn = policy.resume(&mut exchange, sequence, event, now(nth));
    }
    panic!("no end");
}

fn account(user_id: &str, metadata: &Value) -> Answer {
    let body = json!({ "user_id": user_id, "user_metadata": metadata, "identities": [] });
    Answer { status: 200, headers: vec![], body: body.to_string().into_bytes() }
}

/// An upstream whose writes replace: the primary has what was written last.
fn replacing(user_id: &str) -> impl Fn(&Call) -> Answer {
    let stored = std::cell::RefCell::new(json!({ "own": 1 }));
    let user_id = user_id.to_owned();
    move |call| {
        if let Some(body) = &call.body {
            let body: Value = serde_json::from_slice(body).unwrap();
            *stored.borrow_mut() = body["user_metadata"].clone();
        }
        if call.path.contains("second") {
            account("auth0|second", &json!({ "b": 2 }))
        } else {
            account(&user_id, &stored.borrow())
        }
    }
}

#[test]
fn an_upstream_that_replaces_is_sent_no_link_after_two_accounts() {
    let mut observing = policy("observe");
    let cause = |policy: &mut Policy, user_id: &str, at: u64| {
        linked(policy, user_id, &|_| later(at), &replacing(user_id)).cause
    };
    for (user_id, at, expected) in [
        ("auth0|a", 0, Fault::MetadataReplaced),
        ("auth0|a", 1000, Fault::MetadataReplaced),
        ("auth0|b", 2000, Fault::MetadataReplaced),
        ("auth0|c", 3000, Fault::MergingSuspended),
        ("auth0|c", 500_000, Fault::MergingSuspended),
    ] {
        let found = cause(&mut observing, user_id, at);
        assert_eq!(found, Cause::Failed(expected), "{user_id} at {at}");
    }
    let mut vouched = policy("merges");
    for user_id in ["auth0|a", "auth0|b", "auth0|c"] {
        assert_eq!(cause(&mut vouched, user_id, 0), Cause::Failed(Fault::MetadataReplaced));
    }
}

#[test]
fn what_takes_too_long_before_the_link_ends_there() {
    let mut policy = policy("observe");
    let slow = |call: &Call| {
        if call.path.contains("second") {
            account("auth0|second", &json!({ "b": 2 }))
        } else {
            account("auth0|a", &json!({}))
        }
    };
    let decision = linked(&mut policy, "auth0|a", &|nth| later(nth * 9000), &slow);
    assert_eq!(decision.cause, Cause::Failed(Fault::MetadataLate));
    assert!(!decision.upstream_called);
}
