//! What merging links have in common, and what takes time: beyond what a case of one link can say.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::calls::Budget;
use crate::audit::decision::Decision;
use crate::config::{Abilities, Secrets};
use crate::http::message::Header;
use crate::http::outgoing::{Answer, AnswerHead, Call};
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
            Step::Forward(_) => Event::Forwarded(Ok(AnswerHead { status: 201, headers: vec![] })),
            Step::Respond(_) | Step::Relay(_) => {
                return policy.close(exchange, End::Finished, now(nth));
            }
            Step::Pass { .. } | Step::Verify(_) => panic!("{step:?}"),
        };
        turn = policy.resume(&mut exchange, sequence, event, now(nth));
    }
    panic!("no end");
}

fn account(user_id: &str, metadata: &Value) -> Answer {
    listing(user_id, metadata, &json!([]))
}

fn listing(user_id: &str, metadata: &Value, identities: &Value) -> Answer {
    let body = json!({ "user_id": user_id, "user_metadata": metadata, "identities": identities });
    status(200, &body.to_string())
}

fn status(status: u16, body: &str) -> Answer {
    Answer { status, headers: vec![], body: body.as_bytes().to_vec() }
}

/// An upstream that merges, and answers some writes in its own way: the link is made after the second
/// read of the secondary.
#[derive(Default)]
struct Upstream {
    stored: serde_json::Map<String, Value>,
    reads_of_second: u32,
    writes: u32,
}

impl Upstream {
    fn with(stored: Value) -> RefCell<Self> {
        let Value::Object(stored) = stored else { panic!() };
        RefCell::new(Self { stored, ..Self::default() })
    }

    /// What it answers to a read.
    fn read(&mut self, call: &Call) -> Answer {
        if call.path.contains("second") {
            self.reads_of_second += 1;
            return account("auth0|second", &json!({ "b": 2 }));
        }
        let linked = json!([{ "provider": "auth0", "user_id": "second" }]);
        let identities = if self.reads_of_second < 2 { json!([]) } else { linked };
        listing("auth0|a", &json!(self.stored), &identities)
    }

    /// Carries out a write, and answers as it should.
    fn write(&mut self, members: &serde_json::Map<String, Value>) -> Answer {
        self.stored.extend(members.clone());
        self.stored.retain(|_, value| !value.is_null());
        listing("auth0|a", &json!(self.stored), &json!([]))
    }
}

/// The members of a write.
fn members(call: &Call) -> Option<serde_json::Map<String, Value>> {
    let body: Value = serde_json::from_slice(call.body.as_ref()?).unwrap();
    body["user_metadata"].as_object().cloned()
}

/// An upstream whose writes replace: the primary has what was written last.
fn replacing(user_id: &str) -> impl Fn(&Call) -> Answer {
    let stored = RefCell::new(json!({ "own": 1 }));
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

/// Each rest before the write-back had given the exchange ten more seconds and eight more calls.
#[test]
fn a_write_back_that_is_limited_ends() {
    let upstream = replacing("auth0|a");
    let writes = RefCell::new(0);
    let limited = |call: &Call| {
        if call.body.is_some() {
            *writes.borrow_mut() += 1;
            if *writes.borrow() > 1 {
                return status(429, "");
            }
        }
        upstream(call)
    };
    let mut policy = policy("observe");
    let decision = linked(&mut policy, "auth0|a", &|nth| later(nth * 500), &limited);
    assert_eq!(decision.cause, Cause::Failed(Fault::MetadataReplaced));
    assert!(*writes.borrow() < 8, "{} writes", writes.borrow());
}

/// What a read after a rest fails with says nothing of the account, which is still to be mended.
#[test]
fn a_read_that_fails_before_the_write_back_hides_no_replacement() {
    let upstream = replacing("auth0|a");
    let writes = RefCell::new(0);
    let broken = |call: &Call| {
        if call.body.is_some() {
            *writes.borrow_mut() += 1;
        }
        match *writes.borrow() {
            2.. if call.body.is_some() => status(429, ""),
            2.. => status(500, ""),
            _ => upstream(call),
        }
    };
    let decision = linked(&mut policy("observe"), "auth0|a", &|nth| later(nth * 900), &broken);
    assert_eq!(decision.cause, Cause::Failed(Fault::MetadataReplaced));
}

/// An account whose owner deletes keys at the right time looks replaced, once: the answer to the
/// write-back tells.
#[test]
fn an_upstream_that_merges_is_not_suspended_for_what_an_owner_deletes() {
    let mut policy = policy("observe");
    for user_id in ["auth0|a", "auth0|b", "auth0|c"] {
        let stored = RefCell::new(json!({ "own": 1 }));
        let deletes = |call: &Call| {
            if let Some(members) = members(call) {
                let mut stored = stored.borrow_mut();
                stored.as_object_mut().unwrap().remove("own");
                stored.as_object_mut().unwrap().extend(members);
            }
            if call.path.contains("second") {
                account("auth0|second", &json!({ "b": 2 }))
            } else {
                account(user_id, &stored.borrow())
            }
        };
        let decision = linked(&mut policy, user_id, &|_| later(0), &deletes);
        assert_eq!(decision.cause, Cause::Failed(Fault::MetadataReplaced), "{user_id}");
    }
}

/// The write took effect, its answer was lost, and the retry found the entry in place.
#[test]
fn a_write_whose_answer_is_lost_is_looked_at_for_what_it_replaced() {
    for (row, replaces, expected, stored_after) in [
        ("replaced", true, Fault::MetadataReplaced, json!({ "own": 1 })),
        ("merged", false, Fault::MetadataWriteUnknown, json!({ "own": 1 })),
    ] {
        let stored = RefCell::new(json!({ "own": 1 }));
        let writes = RefCell::new(0);
        let lost = |call: &Call| {
            if let Some(members) = members(call) {
                *writes.borrow_mut() += 1;
                if replaces {
                    *stored.borrow_mut() = json!(members);
                } else {
                    stored.borrow_mut().as_object_mut().unwrap().extend(members);
                }
                if *writes.borrow() == 1 {
                    return status(500, "");
                }
            }
            if call.path.contains("second") {
                account("auth0|second", &json!({ "b": 2 }))
            } else {
                account("auth0|a", &stored.borrow())
            }
        };
        let decision = linked(&mut policy("observe"), "auth0|a", &|_| later(0), &lost);
        assert_eq!(decision.cause, Cause::Failed(expected), "{row}");
        assert_eq!(stored.borrow()["own"], stored_after["own"], "{row}");
        assert_eq!(decision.hold_ms, 5000, "{row}: it may still come");
    }
}

/// What was linked is not "merged" because an answer from before the link shows nothing that waits.
#[test]
fn an_old_answer_does_not_show_that_everything_is_applied() {
    let upstream = Upstream::with(json!({ "own": 1 }));
    let stale = |call: &Call| {
        let mut upstream = upstream.borrow_mut();
        match members(call) {
            Some(members) if upstream.writes == 0 => {
                upstream.writes += 1;
                upstream.write(&members)
            }
            Some(_) => {
                upstream.writes += 1;
                status(200, "<html>")
            }
            None if upstream.writes == 2 => account("auth0|a", &json!({ "own": 1 })),
            None => upstream.read(call),
        }
    };
    let decision = linked(&mut policy("observe"), "auth0|a", &|_| later(0), &stale);
    assert_eq!(decision.metadata.unwrap().outcome, "staged");
}

/// An entry that somebody put there, and that the API refuses to have applied, holds up no other.
#[test]
fn a_refused_write_is_made_again_for_the_own_entry_alone() {
    let other = super::reserved_entry::about("auth0|second");
    let upstream = Upstream::with(json!({ format!("{other}z"): { "staged": { "planted": 1 } } }));
    let picky = |call: &Call| match members(call) {
        Some(members) if members.contains_key("planted") => status(400, "{}"),
        Some(members) => upstream.borrow_mut().write(&members),
        None => upstream.borrow_mut().read(call),
    };
    let decision = linked(&mut policy("observe"), "auth0|a", &|_| later(0), &picky);
    assert_eq!((decision.metadata.unwrap().outcome, decision.hold_ms), ("merged", 0));
    assert_eq!(upstream.borrow().stored["b"], json!(2));
}

fn granted_policy() -> Policy {
    let mut document = testing::document();
    document["issuers"][0]["scopes"] = json!(["update:current_user_identities"]);
    document["metadata"] = json!({
        "credentials": "service", "include": "*",
        "service": { "token_url": "https://tenant.example/oauth/token", "client_id": "gate",
            "client_secret": "SERVICE", "audience": "https://tenant.example/api/v2/" },
    });
    let secrets: Secrets = [("SERVICE", "secret")].into_iter().collect();
    let host = Abilities { remembers: true, ..Abilities::default() };
    Policy::compile(&document.to_string(), &secrets, host, 1, NOW).unwrap()
}

#[test]
fn a_service_token_is_dropped_at_a_401_alone_and_once_a_cooldown() {
    let mut policy = granted_policy();
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

#[test]
fn a_write_that_is_refused_drops_no_token() {
    let mut policy = granted_policy();
    let refused = |call: &Call| match (&call.body, call.path.contains("second")) {
        (Some(_), _) => status(403, "{}"),
        (None, true) => account("auth0|second", &json!({ "b": 2 })),
        (None, false) => account("auth0|a", &json!({})),
    };
    let asked: u32 = [0, 1000].map(|at_ms| links(&mut policy, later(at_ms), &refused)).iter().sum();
    assert_eq!(asked, 1);
}

/// Token requests are metered.
#[test]
fn a_token_that_has_ended_already_is_not_asked_for_again_at_once() {
    let mut policy = granted_policy();
    let mut asked = 0;
    for at_ms in [0, 100, 200, 300] {
        asked += links_with(&mut policy, later(at_ms), 0, &|_| status(400, "{}"));
    }
    assert_eq!(asked, 1);
}

/// Begins a link, and says how many tokens were asked for.
fn links(policy: &mut Policy, now: Now, answer: &dyn Fn(&Call) -> Answer) -> u32 {
    links_with(policy, now, 3600, answer)
}

/// The same with tokens that live for so many seconds.
fn links_with(
    policy: &mut Policy,
    now: Now,
    expires_in: u32,
    answer: &dyn Fn(&Call) -> Answer,
) -> u32 {
    let granted = || Answer {
        status: 200,
        headers: vec![Header::new("content-type", "application/json")],
        body: json!({ "access_token": "token", "expires_in": expires_in }).to_string().into_bytes(),
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

/// A reset in the past was retried every 100 ms.
#[test]
fn a_rest_has_a_floor_and_grows() {
    let mut budget = Budget::before_link(15_000, later(0));
    for (wait_ms, expected) in [
        (Some(0), Ok(1000)),
        (None, Ok(2000)),
        (Some(100), Ok(4000)),
        (Some(9000), Ok(9000)),
        (None, Err(16_000)),
    ] {
        let until = expected.map(|wait_ms| later(wait_ms).mono_ms);
        assert_eq!(budget.rest(wait_ms, later(0)), until, "{wait_ms:?}");
    }
}

/// Early answers of 429 had left none for what comes after the link.
#[test]
fn what_is_set_aside_is_left_after_the_link() {
    let mut budget = Budget::before_link(15_000, later(0));
    let mut spent = |at_ms, settles| {
        (0..20)
            .take_while(|_| {
                if settles {
                    budget.settle(later(at_ms));
                }
                let may = budget.next_ms(later(at_ms)).is_some();
                budget.spend();
                may
            })
            .count()
    };
    assert_eq!((spent(0, false), spent(60_000, true), spent(60_000, true)), (12, 8, 0));
}
