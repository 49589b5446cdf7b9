//! What merging links have in common, and what takes time: beyond what a case of one link can say.

use serde_json::{Value, json};

use crate::audit::decision::Decision;
use crate::config::{Abilities, Secrets};
use crate::http::message::Header;
use crate::http::outgoing::{Answer, Call};
use crate::policy::Policy;
use crate::protocol::{Acquired, Event, Step, Turn};
use crate::testing::{self, NOW};
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Fault};
use crate::verdict::outcome::End;

fn policy(patch: &str) -> Policy {
    let mut document = testing::document();
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
    driven(policy, user_id, now, answer, &mut |_| {})
}

/// The same, where something is fetched at each wait.
fn driven(
    policy: &mut Policy,
    user_id: &str,
    now: &dyn Fn(u64) -> Now,
    answer: &dyn Fn(&Call) -> Answer,
    fetching: &mut dyn FnMut(&mut Policy),
) -> Decision {
    let (mut exchange, turn) = policy.open(testing::link_head(user_id, user_id), now(0));
    let mut turn = turn;
    for nth in 0..40 {
        let Turn { sequence, step } = turn;
        let event = match step {
            Step::ReadBody { .. } => Event::Body(testing::link_body("auth0|second")),
            Step::Acquire { .. } => Event::Acquired(Acquired::Serialised),
            Step::Call(call) => Event::Called(Ok(answer(&call))),
            Step::Wait { .. } => {
                fetching(policy);
                Event::Woken
            }
            Step::Respond(_) => return policy.close(exchange, End::Finished, now(nth)),
            Step::Forward(_) | Step::Pass { .. } | Step::Relay(_) => panic!("{step:?}"),
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
fn a_service_token_is_dropped_at_a_401_alone_and_once_a_cooldown() {
    let mut document = testing::document();
    document["issuers"][0]["scopes"] = json!(["update:current_user_identities"]);
    document["metadata"] = json!({
        "credentials": "service", "include": "*",
        "service": { "token_url": "https://tenant.example/oauth/token", "client_id": "gate",
            "client_secret": "SERVICE", "audience": "https://tenant.example/api/v2/" },
    });
    let secrets: Secrets = [("SERVICE", "secret")].into_iter().collect();
    let host = Abilities { remembers: true, ..Abilities::default() };
    let mut policy = Policy::compile(&document.to_string(), &secrets, host, 1, NOW).unwrap();
    let mut asked = 0;
    // Eight links to a profile that is too large had made eight token requests.
    for (row, at_ms, status, expected) in [
        ("the first", 0, 400, 1),
        ("a refusal of something else", 1000, 400, 1),
        ("another one", 2000, 403, 1),
        ("the token's own, at which it is dropped", 3000, 401, 1),
        ("a fresh one is asked for, and refused, too", 4000, 401, 2),
        ("within the cooldown", 5000, 401, 2),
        ("after it, at which it is dropped", 40_000, 401, 2),
        ("again", 41_000, 200, 3),
    ] {
        let refused = |_: &Call| Answer { status, headers: vec![], body: b"{}".to_vec() };
        asked += links(&mut policy, later(at_ms), &refused);
        assert_eq!(asked, expected, "{row}");
    }
}

/// Begins a link, and says how many tokens were asked for.
fn links(policy: &mut Policy, now: Now, answer: &dyn Fn(&Call) -> Answer) -> u32 {
    let granted = || Answer {
        status: 200,
        headers: vec![Header::new("content-type", "application/json")],
        body: json!({ "access_token": "token", "expires_in": 3600 }).to_string().into_bytes(),
    };
    let mut asked = 0;
    let fetching = &mut |policy: &mut Policy| {
        while let Some(fetch) = policy.due(now) {
            asked += 1;
            policy.fetched(&fetch.source, Ok(granted()), now.mono_ms, now);
        }
    };
    driven(policy, "auth0|a", &|_| now, answer, fetching);
    asked
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
