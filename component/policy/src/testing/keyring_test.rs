//! Keys over hours of virtual time: rotation, outages, and callers who want fetches made.

use serde_json::{Value, json};

use super::{ISSUER, NOW};
use crate::config::{Abilities, Secrets};
use crate::exchange::Exchange;
use crate::http::message::{Head, Header};
use crate::http::outgoing::{Answer, Fetch};
use crate::policy::Policy;
use crate::protocol::{Event, Step, Turn};
use crate::testing;
use crate::time::clock::Now;
use crate::verdict::cause::{Cause, Denial, Fault, TokenFlaw};
use crate::verdict::outcome::End;

/// An issuer that publishes keys, a policy, and a clock.
struct World {
    policy: Policy,
    now: Now,
    /// What the key endpoint answers.
    endpoint: Result<Answer, String>,
    /// URLs that were fetched.
    fetched: Vec<String>,
    notices: Vec<String>,
}

/// The outcome of a request.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Forwarded,
    Refused { status: u16, cause: Cause, retry_after_s: Option<u64> },
}

const URL: &str = "https://tenant.example/keys";

const SECOND: u64 = 1000;

const MINUTE: u64 = 60 * SECOND;

fn document(keys: &Value) -> Value {
    let mut document = testing::document();
    document["issuers"][0]["keys"] = keys.clone();
    document
}

fn set(keys: &[Value]) -> Answer {
    Answer { status: 200, headers: vec![], body: json!({ "keys": keys }).to_string().into_bytes() }
}

fn compiled(document: &Value) -> Policy {
    Policy::compile(&document.to_string(), &Secrets::default(), Abilities::default(), 1, NOW)
        .unwrap()
}

/// A request that forwards as soon as its bearer, signed by key `number` called `kid`, verifies.
fn unlink(issuer: &str, number: u8, kid: &str) -> Head {
    let claims = testing::access_claims(issuer, "auth0|a", 100 * 3600);
    let token = testing::signed(&json!({ "alg": "EdDSA", "kid": kid }), &claims, number);
    Head {
        method: "DELETE".to_owned(),
        target: b"/api/v2/users/auth0%7Ca/identities/google-oauth2/1".to_vec(),
        headers: vec![Header::new("authorization", &format!("Bearer {token}"))],
        peer: None,
    }
}

impl World {
    fn new(keys: &Value) -> Self {
        let policy = compiled(&document(keys));
        let endpoint = Ok(set(&[testing::jwk(1, "one")]));
        Self { policy, now: NOW, endpoint, fetched: Vec::new(), notices: Vec::new() }
    }

    fn by_url() -> Self {
        Self::new(&json!({ "jwks_uri": URL }))
    }

    /// A world in which the keys are at hand.
    fn warm() -> Self {
        let mut world = Self::by_url();
        world.policy.warm();
        world.fetch_what_is_due();
        assert_eq!(world.fetched.len(), 1);
        world
    }

    fn publish(&mut self, keys: &[Value]) {
        self.endpoint = Ok(set(keys));
    }

    fn break_down(&mut self) {
        self.endpoint = Err("expected a connection, found none".to_owned());
    }

    fn pass(&mut self, ms: u64) {
        self.now = Now { unix_ms: self.now.unix_ms + ms, mono_ms: self.now.mono_ms + ms };
    }

    fn answer(&mut self, fetch: &Fetch) {
        self.fetched.push(fetch.url.clone());
        let notices =
            self.policy.fetched(&fetch.source, self.endpoint.clone(), self.now.mono_ms, self.now);
        self.notices.extend(notices);
    }

    /// What a driver does when it is woken, by a waiter or by the clock.
    fn fetch_what_is_due(&mut self) {
        while let Some(fetch) = self.policy.due(self.now) {
            self.answer(&fetch);
        }
    }

    /// Lets time pass as a driver sees it that looks at its clock every second.
    fn run(&mut self, ms: u64) {
        for _ in 0..ms / SECOND {
            self.pass(SECOND);
            self.fetch_what_is_due();
        }
    }

    fn request(&mut self, number: u8, kid: &str) -> Ended {
        self.request_of(ISSUER, number, kid)
    }

    fn request_of(&mut self, issuer: &str, number: u8, kid: &str) -> Ended {
        let (mut exchange, mut turn) = self.policy.open(unlink(issuer, number, kid), self.now);
        while matches!(turn.step, Step::Wait { .. }) {
            self.fetch_what_is_due();
            turn = self.policy.resume(&mut exchange, turn.sequence, Event::Woken, self.now);
        }
        self.end(exchange, &turn)
    }

    fn end(&mut self, exchange: Exchange, turn: &Turn) -> Ended {
        let cause = self.policy.close(exchange, End::Finished, self.now).cause;
        if matches!(turn.step, Step::Forward(_)) {
            return Ended::Forwarded;
        }
        let Step::Respond(reply) = &turn.step else { panic!("{:?}", turn.step) };
        let line = reply.headers.iter().find(|line| line.name == "retry-after");
        let retry_after_s = line.and_then(|line| String::from_utf8_lossy(&line.value).parse().ok());
        Ended::Refused { status: reply.status, cause, retry_after_s }
    }
}

fn unknown() -> Ended {
    let cause = Cause::Denied(Denial::Bearer(TokenFlaw::KeyUnknown));
    Ended::Refused { status: 401, cause, retry_after_s: None }
}

/// Clients are asked to wait 10 s at most, however long it takes.
fn failed(fault: Fault, left_s: u64) -> Ended {
    let retry_after_s = Some(left_s.min(10));
    Ended::Refused { status: 503, cause: Cause::Failed(fault), retry_after_s }
}

#[test]
fn ten_thousand_unknown_kids_cost_one_fetch_a_cooldown() {
    let mut world = World::warm();
    let began = world.now.mono_ms;
    let mut told_to_wait = 0;
    for number in 0..10_000 {
        world.pass(30);
        let end = world.request(9, &format!("kid-{number}"));
        let waits = matches!(end, Ended::Refused { status: 503, retry_after_s: Some(1..=30), .. });
        assert!(waits || end == unknown(), "{end:?}");
        told_to_wait += usize::from(waits);
        assert_eq!(world.request(1, "one"), Ended::Forwarded, "a known key is not held up");
    }
    let cooldowns = (world.now.mono_ms - began).div_ceil(30 * SECOND);
    assert_eq!(cooldowns, 10);
    // The first one came with the start; each of the ten cooldowns since may have had one.
    assert!(world.fetched.len() <= 11, "{} fetches", world.fetched.len());
    assert!(told_to_wait > 9000, "{told_to_wait}");
}

#[test]
fn an_outage_within_the_stale_bound_refuses_nobody() {
    let mut world = World::warm();
    world.break_down();
    // Fresh for ten minutes, then stale for an hour.
    for _ in 0..69 {
        world.run(MINUTE);
        assert_eq!(world.request(1, "one"), Ended::Forwarded);
    }
    let attempts = world.fetched.len() - 1;
    assert!((50..=150).contains(&attempts), "{attempts} attempts in an hour of outage");
    world.run(2 * MINUTE);
    let Ended::Refused { status: 503, cause, retry_after_s: Some(_) } = world.request(1, "one")
    else {
        panic!("beyond the bound no key is believed");
    };
    assert_eq!(cause, Cause::Failed(Fault::KeysUnavailable));

    world.publish(&[testing::jwk(1, "one")]);
    world.run(MINUTE);
    assert_eq!(world.request(1, "one"), Ended::Forwarded, "it recovers by itself");
}

#[test]
fn rotation_with_overlap_refuses_nobody() {
    let mut world = World::warm();
    world.publish(&[testing::jwk(1, "one"), testing::jwk(2, "two")]);
    world.run(10 * MINUTE);
    assert_eq!(world.request(2, "two"), Ended::Forwarded, "it was fetched ahead");
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
    assert_eq!(world.fetched.len(), 2);
}

#[test]
fn rotation_without_overlap_costs_one_more_fetch() {
    let mut world = World::warm();
    world.run(MINUTE);
    world.publish(&[testing::jwk(2, "two")]);
    for _ in 0..100 {
        assert_eq!(world.request(2, "two"), Ended::Forwarded);
    }
    assert_eq!(world.fetched.len(), 2);
    let Ended::Refused { status: 503, .. } = world.request(1, "one") else {
        panic!("the old key is withdrawn, and may be asked for after the cooldown");
    };
    world.run(30 * SECOND);
    assert_eq!(world.request(1, "one"), unknown());
}

#[test]
fn a_new_key_waits_while_others_keep_the_cooldown_busy() {
    let mut world = World::warm();
    world.run(MINUTE);
    assert_eq!(world.request(9, "made up"), unknown());
    world.publish(&[testing::jwk(2, "two")]);
    world.pass(SECOND);
    assert_eq!(world.request(2, "two"), failed(Fault::KeyUndecided, 29));
    world.pass(29 * SECOND);
    assert_eq!(world.request(2, "two"), Ended::Forwarded);
}

#[test]
fn a_thousand_first_requests_share_one_fetch() {
    let mut world = World::by_url();
    let mut waiting = Vec::new();
    for _ in 0..1024 {
        let (exchange, turn) = world.policy.open(unlink(ISSUER, 1, "one"), world.now);
        assert!(matches!(turn.step, Step::Wait { .. }));
        waiting.push((exchange, turn.sequence));
    }
    assert_eq!(world.request(1, "one"), failed(Fault::KeysBusy, 1), "one more is turned away");
    let fetch = world.policy.due(world.now).unwrap();
    assert_eq!(world.policy.due(world.now), None, "handed out once");
    world.pass(50);
    // One client does not wait for it; its place is free again.
    let (gone, _) = waiting.pop().unwrap();
    assert_eq!(world.policy.close(gone, End::ClientGone, world.now).cause, Cause::Unfinished);
    let (late, turn) = world.policy.open(unlink(ISSUER, 1, "one"), world.now);
    waiting.push((late, turn.sequence));

    world.answer(&fetch);
    for (mut exchange, sequence) in waiting {
        let turn = world.policy.resume(&mut exchange, sequence, Event::Woken, world.now);
        assert_eq!(world.end(exchange, &turn), Ended::Forwarded);
    }
    assert_eq!(world.fetched.len(), 1);
}

#[test]
fn without_keys_nobody_is_called_unauthorised() {
    let mut world = World::by_url();
    world.break_down();
    let mut ends = Vec::new();
    // Ten minutes, ten requests a second, half of them with a kid that is made up.
    for number in 0..6000 {
        world.pass(100);
        let kid = if number % 2 == 0 { "one" } else { "made up" };
        ends.push(world.request(1, kid));
    }
    let refused = |end: &Ended| {
        matches!(
            end,
            Ended::Refused {
                status: 503,
                cause: Cause::Failed(Fault::KeysUnavailable),
                retry_after_s: Some(1..=38)
            }
        )
    };
    assert!(ends.iter().all(refused), "{:?}", ends.iter().find(|end| !refused(end)));
    let fetches = world.fetched.len();
    assert!((15..=30).contains(&fetches), "{fetches} fetches in ten minutes");
}

#[test]
fn each_issuer_has_its_own_keys() {
    let mut document = document(&json!({ "jwks": { "keys": [testing::jwk(1, "same")] } }));
    let mut other = document["issuers"][0].clone();
    other["issuer"] = json!("https://other.example/");
    other["keys"] = json!({ "jwks_uri": "https://other.example/keys" });
    document["issuers"].as_array_mut().unwrap().push(other);
    let mut world = World { policy: compiled(&document), ..World::by_url() };
    world.publish(&[testing::jwk(2, "same")]);
    let invalid = |end: &Ended| {
        matches!(
            end,
            Ended::Refused {
                status: 401,
                cause: Cause::Denied(Denial::Bearer(TokenFlaw::SignatureInvalid)),
                ..
            }
        )
    };
    for (row, issuer, key, held) in [
        ("inline", ISSUER, 1, true),
        ("the other's key", ISSUER, 2, false),
        ("published", "https://other.example/", 2, true),
        ("the first one's key", "https://other.example/", 1, false),
    ] {
        let end = world.request_of(issuer, key, "same");
        assert!(if held { end == Ended::Forwarded } else { invalid(&end) }, "{row}: {end:?}");
    }
}

/// A host may perform one fetch at a time while a client waits.
#[test]
fn what_somebody_waits_for_is_asked_for_first() {
    let mut document = document(&json!({ "jwks_uri": URL }));
    let mut other = document["issuers"][0].clone();
    other["issuer"] = json!("https://other.example/");
    other["keys"] = json!({ "jwks_uri": "https://other.example/keys" });
    document["issuers"].as_array_mut().unwrap().push(other);
    let mut world = World { policy: compiled(&document), ..World::by_url() };
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
    world.pass(20 * MINUTE);
    let waits = unlink("https://other.example/", 1, "one");
    let (_exchange, turn) = world.policy.open(waits, world.now);
    assert!(matches!(turn.step, Step::Wait { .. }), "{turn:?}");
    let urls: Vec<String> =
        std::iter::from_fn(|| world.policy.due(world.now)).map(|fetch| fetch.url).collect();
    assert_eq!(urls, ["https://other.example/keys", URL]);
}

#[test]
fn discovery_says_where_the_keys_are() {
    let mut world = World::new(&json!({ "discovery": true }));
    let discovery = json!({ "issuer": ISSUER, "jwks_uri": URL }).to_string().into_bytes();
    let (mut exchange, turn) = world.policy.open(unlink(ISSUER, 1, "one"), world.now);
    let fetch = world.policy.due(world.now).unwrap();
    assert_eq!(fetch.url, "https://tenant.example/.well-known/openid-configuration");
    let answer = Answer { status: 200, headers: vec![], body: discovery };
    world.policy.fetched(&fetch.source, Ok(answer), world.now.mono_ms, world.now);
    let turn = world.policy.resume(&mut exchange, turn.sequence, Event::Woken, world.now);
    assert!(matches!(turn.step, Step::Wait { .. }), "half-way");
    world.fetch_what_is_due();
    let turn = world.policy.resume(&mut exchange, turn.sequence, Event::Woken, world.now);
    assert_eq!(world.end(exchange, &turn), Ended::Forwarded);
    assert_eq!(world.fetched, [URL]);

    // What it said is believed until a fetch fails; then it is asked again.
    world.run(9 * MINUTE);
    assert_eq!(world.fetched, [URL, URL]);
    world.break_down();
    world.run(12 * MINUTE);
    let last = world.fetched.last().map(String::as_str);
    assert_eq!(last, Some("https://tenant.example/.well-known/openid-configuration"));
}

#[test]
fn what_the_answer_says_of_its_freshness_counts_within_bounds() {
    for (row, max_age, refreshed_by) in [
        ("nothing", None, 10 * MINUTE),
        ("five minutes", Some("max-age=300"), 5 * MINUTE),
        ("no time at all", Some("max-age=0"), MINUTE),
        ("a year", Some("max-age=31536000"), 10 * MINUTE),
    ] {
        let mut world = World::by_url();
        let mut answer = set(&[testing::jwk(1, "one")]);
        answer.headers.extend(max_age.map(|value| Header::new("cache-control", value)));
        world.endpoint = Ok(answer);
        world.policy.warm();
        world.fetch_what_is_due();
        world.run(refreshed_by * 7 / 10);
        assert_eq!(world.fetched.len(), 1, "{row}: too early");
        world.run(refreshed_by * 3 / 10);
        assert_eq!(world.fetched.len(), 2, "{row}: too late");
    }
}

#[test]
fn a_withdrawn_key_stops_working_in_time() {
    let mut world = World::warm();
    world.publish(&[testing::jwk(2, "two")]);
    world.run(10 * MINUTE);
    assert_ne!(world.request(1, "one"), Ended::Forwarded, "the next refresh takes it away");

    let mut world = World::warm();
    let bound = world.policy.key_sources(world.now).first().and_then(|source| source.withdrawal_ms);
    assert_eq!(bound, Some(70 * MINUTE));
    world.break_down();
    world.run(70 * MINUTE);
    assert_ne!(world.request(1, "one"), Ended::Forwarded, "and the bound at the latest");
}

#[test]
fn an_operator_sees_how_keys_stand() {
    let keys = json!({ "discovery": true });
    let mut world = World::new(&keys);
    let well_known = "https://tenant.example/.well-known/openid-configuration";
    let source = |world: &World| world.policy.key_sources(world.now).remove(0);
    let seen = source(&world);
    assert_eq!((seen.url.as_deref(), seen.jwks_uri, seen.usable), (Some(well_known), None, false));
    assert_eq!((seen.fresh_for_ms, seen.expires_in_ms), (None, None));

    world.endpoint = Ok(Answer {
        status: 200,
        headers: vec![],
        body: json!({ "issuer": ISSUER, "jwks_uri": URL }).to_string().into_bytes(),
    });
    world.policy.warm();
    let fetch = world.policy.due(world.now).unwrap();
    world.answer(&fetch);
    let bad = json!({ "kty": "RSA", "kid": "two", "n": "AQAB", "e": "AQAB" });
    world.publish(&[testing::jwk(1, "one"), bad]);
    world.fetch_what_is_due();
    world.pass(MINUTE);
    let seen = source(&world);
    assert_eq!((seen.jwks_uri.as_deref(), seen.usable), (Some(URL), true));
    assert_eq!(seen.age_ms, Some(MINUTE));
    assert_eq!((seen.fresh_for_ms, seen.expires_in_ms), (Some(9 * MINUTE), Some(69 * MINUTE)));
    assert_eq!(
        seen.keys.iter().map(|row| row.refused.is_some()).collect::<Vec<_>>(),
        [false, true]
    );
    assert!(seen.keys.iter().all(|row| row.thumbprint.is_some()), "{:?}", seen.keys);
    assert!(seen.algorithms_without_key.is_empty() && seen.secret_algorithms.is_empty());

    world.pass(30 * MINUTE);
    let seen = source(&world);
    assert_eq!((seen.fresh_for_ms, seen.expires_in_ms), (Some(0), Some(39 * MINUTE)));

    let mut both = document(&keys);
    both["issuers"][0]["algorithms"] = json!(["EdDSA", "ES256", "HS256"]);
    both["issuers"][0]["hmac_secret"] = json!("S");
    let secrets = Secrets::from_iter([("S", [7; 32])]);
    let policy =
        Policy::compile(&both.to_string(), &secrets, Abilities::default(), 1, NOW).unwrap();
    let seen = policy.key_sources(world.now).remove(0);
    assert_eq!(seen.secret_algorithms, ["HS256"]);
    assert_eq!(seen.algorithms_without_key, ["EdDSA", "ES256"]);
}

#[test]
fn a_set_that_is_pushed_takes_effect_at_once() {
    let mut world = World::warm();
    let source = World::by_url().policy;
    let name = {
        let mut source = source;
        source.warm();
        source.due(NOW).unwrap().source
    };
    world.pass(MINUTE);
    let asked = world.now.mono_ms;
    world.policy.fetched(&name, Ok(set(&[testing::jwk(2, "two")])), asked, world.now);
    assert_eq!(world.request(2, "two"), Ended::Forwarded);
    assert_ne!(world.request(1, "one"), Ended::Forwarded);
    // An answer that was under way before is not believed any more.
    world.policy.fetched(&name, Ok(set(&[testing::jwk(1, "one")])), asked - 1, world.now);
    assert_ne!(world.request(1, "one"), Ended::Forwarded);
    assert_eq!(world.policy.fetched("keys of no issuer", Ok(set(&[])), asked, world.now), [""; 0]);
    assert_eq!(world.request(2, "two"), Ended::Forwarded);
}

#[test]
fn a_set_without_a_key_for_us_is_the_issuers_word() {
    let mut world = World::warm();
    world.publish(&[]);
    world.run(10 * MINUTE);
    let fetches = world.fetched.len();
    for _ in 0..100 {
        let end = world.request(1, "one");
        assert!(
            matches!(
                end,
                Ended::Refused { status: 503, cause: Cause::Failed(Fault::KeysUnavailable), .. }
            ),
            "{end:?}"
        );
    }
    assert!(world.fetched.len() <= fetches + 1, "and it is not asked at every request");
}

#[test]
fn a_reload_lifts_no_limit_and_costs_no_fetch() {
    let mut world = World::warm();
    world.run(MINUTE);
    assert_eq!(world.request(9, "made up"), unknown());
    let fetches = world.fetched.len();

    let reload = |world: &mut World| {
        let kept = world.policy.kept_keys();
        world.policy = compiled(&document(&json!({ "jwks_uri": URL, "stale": "2h" })));
        world.policy.restore_keys(&kept, world.now);
        world.policy.warm();
    };
    reload(&mut world);
    world.fetch_what_is_due();
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
    assert_eq!(world.request(9, "made up"), failed(Fault::KeyUndecided, 30));
    assert_eq!(world.fetched.len(), fetches);

    // Nor does it make keys younger.
    world.break_down();
    for _ in 0..131 {
        world.run(MINUTE);
        reload(&mut world);
    }
    assert_ne!(world.request(1, "one"), Ended::Forwarded);

    world.policy.restore_keys("not what was kept", world.now);
    let mut other = compiled(&document(&json!({ "jwks_uri": "https://tenant.example/others" })));
    other.restore_keys(&world.policy.kept_keys(), world.now);
    assert!(!other.key_sources(world.now).iter().any(|source| source.usable), "another source");
}

#[test]
fn a_fetch_that_nobody_answers_for_is_free_again() {
    let mut world = World::by_url();
    let (_gone, _) = world.policy.open(unlink(ISSUER, 1, "one"), world.now);
    assert!(world.policy.due(world.now).is_some());
    world.pass(5 * SECOND);
    assert_eq!(world.policy.due(world.now), None);
    world.pass(SECOND);
    let end = world.request(1, "one");
    assert!(
        matches!(end, Ended::Refused { status: 503, retry_after_s: Some(1..=2), .. }),
        "{end:?}"
    );
    world.pass(2 * SECOND);
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
}

#[test]
fn an_endpoint_may_ask_for_a_rest() {
    let mut world = World::by_url();
    let headers = vec![Header::new("retry-after", "120")];
    world.endpoint = Ok(Answer { status: 429, headers, body: vec![] });
    assert_eq!(world.request(1, "one"), failed(Fault::KeysUnavailable, 120));
    world.publish(&[testing::jwk(1, "one")]);
    world.pass(119 * SECOND);
    assert_eq!(world.request(1, "one"), failed(Fault::KeysUnavailable, 1));
    world.pass(SECOND);
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
}

#[test]
fn what_is_wrong_with_an_endpoint_is_told_with_issuer_and_cause() {
    let said = |answer: Result<Answer, String>| {
        let mut world = World::by_url();
        world.endpoint = answer;
        world.policy.warm();
        world.fetch_what_is_due();
        world.notices.join("\n")
    };
    let body =
        |status, body: &str| Ok(Answer { status, headers: vec![], body: body.as_bytes().to_vec() });
    let rest = "; without keys, requests are answered 503, asked again in 2 s";
    for (row, answer, expected) in [
        ("HTML", body(200, "<html>"), "expected JSON, found something else"),
        ("elsewhere", body(302, ""), "expected status 200, found 302"),
        ("empty", body(200, ""), "expected JSON, found something else"),
        ("cut off", body(200, r#"{"keys":[{"kty""#), "expected JSON, found something else"),
        (
            "too large",
            Err("expected at most 262144 bytes, found more".to_owned()),
            "expected at most 262144 bytes, found more",
        ),
    ] {
        let expected = format!("keys of {ISSUER}: {URL}: {expected}{rest}");
        assert_eq!(said(answer), expected, "{row}");
    }
    let mut bad = testing::jwk(2, "two\n");
    bad["use"] = json!("enc");
    assert_eq!(
        said(Ok(set(&[testing::jwk(1, "one"), bad]))),
        format!(
            "keys of {ISSUER}: 1 in use: `one`\nkeys of {ISSUER}: `two\\u{{a}}` is not used: expected `use` to be `sig`, found `enc`"
        )
    );
}

/// A policy with keys that are baked in, until two hours after [`NOW`].
fn baked(keys: &[Value]) -> World {
    let mut world = World::by_url();
    let set = json!({ "keys": keys }).to_string();
    world.policy.bake_keys(ISSUER, &set, NOW.unix_ms + 120 * MINUTE).unwrap();
    world.policy.warm();
    world
}

#[test]
fn baked_keys_are_used_until_their_end_and_nothing_is_fetched() {
    let mut world = baked(&[testing::jwk(1, "one")]);
    for _ in 0..119 {
        world.run(MINUTE);
        assert_eq!(world.request(1, "one"), Ended::Forwarded);
        assert_eq!(world.request(2, "two"), failed(Fault::KeyUndecided, 60));
    }
    world.pass(MINUTE - 1);
    assert_eq!(world.request(1, "one"), Ended::Forwarded, "to the last millisecond");
    world.pass(1);
    world.fetch_what_is_due();
    for (number, kid) in [(1, "one"), (2, "two")] {
        assert_eq!(world.request(number, kid), failed(Fault::KeysUnavailable, 60), "{kid}");
    }
    assert_eq!((world.fetched.len(), world.policy.next_due()), (0, None));
    // A clock that was set back makes them good again: the wall clock is the host's to tell.
    world.now.unix_ms = NOW.unix_ms;
    assert_eq!(world.request(1, "one"), Ended::Forwarded);
}

#[test]
fn a_forged_signature_by_a_baked_kid_is_refused() {
    let mut world = baked(&[testing::jwk(1, "one")]);
    let Ended::Refused { status, .. } = world.request(2, "one") else { panic!("forwarded") };
    assert_eq!(status, 401);
}

#[test]
fn baked_keys_take_no_other_in() {
    let mut fetching = World::warm();
    fetching.publish(&[testing::jwk(2, "two")]);
    let mut world = baked(&[testing::jwk(1, "one")]);
    world.policy.restore_keys(&fetching.policy.kept_keys(), world.now);
    let name = format!("keys of {ISSUER} by {URL}");
    let notices = world.policy.fetched(&name, Ok(set(&[testing::jwk(2, "two")])), 0, world.now);
    assert_eq!(notices, Vec::<String>::new());
    assert_eq!(world.request(2, "two"), failed(Fault::KeyUndecided, 60));
    assert_eq!(world.policy.kept_keys(), "[]");
}

#[test]
fn how_baked_keys_stand_is_told() {
    let mut world = baked(&[testing::jwk(1, "one")]);
    let [source] = world.policy.key_sources(world.now).try_into().unwrap();
    assert_eq!(source.url.as_deref(), Some(URL));
    assert_eq!((source.usable, source.keys.len(), source.age_ms), (true, 1, None));
    assert_eq!(source.expires_in_ms, Some(120 * MINUTE));
    assert_eq!(source.baked_until_unix_ms, Some(NOW.unix_ms + 120 * MINUTE));
    world.pass(120 * MINUTE);
    let [source] = world.policy.key_sources(world.now).try_into().unwrap();
    assert_eq!((source.usable, source.expires_in_ms), (false, Some(0)));
    assert!(source.last_failure.unwrap().contains("end date"));
}

#[test]
fn what_cannot_be_baked_in_is_said() {
    let mut world = World::by_url();
    let mut bad = testing::jwk(1, "one");
    bad["use"] = json!("enc");
    let bad = json!({ "keys": [bad] }).to_string();
    for (issuer, set, expected) in [
        ("https://other.example/", r#"{"keys":[]}"#, "expected keys of an issuer that publishes"),
        (ISSUER, "<html>", "expected JSON, found something else"),
        (ISSUER, r#"{"keys":[]}"#, "expected a key that can be used, found none"),
        (ISSUER, &bad, "expected a key that can be used, found none"),
    ] {
        let notices = world.policy.bake_keys(issuer, set, 1).unwrap_err();
        assert!(notices.starts_with(expected), "{set}: {notices}");
        assert_eq!(world.request(1, "one"), Ended::Forwarded, "nothing was changed");
    }
}

/// What goes into a component of a fetched set: no more than is read of it.
#[test]
fn of_a_fetched_set_the_used_keys_are_told_and_their_public_members_alone() {
    let mut world = World::by_url();
    let mut one = testing::jwk(1, "one");
    one["x5c"] = json!(["MII"]);
    one["note"] = json!("y");
    let mut other = testing::jwk(2, "two");
    other["use"] = json!("enc");
    world.publish(&[other, one]);
    assert_eq!(world.policy.published_keys().collect::<Vec<_>>(), [(ISSUER, None)]);
    world.policy.warm();
    world.fetch_what_is_due();
    let used = world.policy.published_keys().find_map(|(_, used)| used).unwrap();
    let expected = json!({ "keys": [testing::jwk(1, "one")] });
    assert_eq!(serde_json::from_str::<Value>(&used).unwrap(), expected);
}
