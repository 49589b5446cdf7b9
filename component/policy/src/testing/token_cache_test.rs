//! A token that was verified before is judged like any other, but for its signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{ISSUER, NOW};
use crate::access::token_cache::CacheUse;
use crate::audit::decision::Decision;
use crate::config::{Abilities, Secrets};
use crate::http::message::{Head, Header};
use crate::http::outgoing::Answer;
use crate::jose::verification::VerifiedBy;
use crate::policy::Policy;
use crate::protocol::{Event, Step};
use crate::testing;
use crate::time::clock::Now;
use crate::verdict::outcome::End;

const OTHER: &str = "https://other.example/";

const SECRET: &str = "0123456789abcdef0123456789abcdef";

const MINUTE: u64 = 60 * 1000;

fn compiled(document: &Value) -> Policy {
    let secrets = Secrets::from_iter([("S".to_owned(), SECRET.to_owned())]);
    Policy::compile(&document.to_string(), &secrets, Abilities::default(), 1, NOW).unwrap()
}

/// Two issuers that publish their keys.
fn two_issuers() -> Policy {
    let mut document = testing::document();
    document["issuers"][0]["keys"] = json!({ "jwks_uri": "https://tenant.example/keys" });
    let mut other = document["issuers"][0].clone();
    other["issuer"] = json!(OTHER);
    other["keys"] = json!({ "jwks_uri": "https://other.example/keys" });
    document["issuers"].as_array_mut().unwrap().push(other);
    let mut policy = compiled(&document);
    policy.warm();
    policy
}

/// Has all that waits fetched: each host's set is a key of this number, called `k`.
fn fetch(policy: &mut Policy, now: Now, tenant: u8, other: u8) {
    while let Some(fetch) = policy.due(now) {
        let number = if fetch.url.contains("tenant") { tenant } else { other };
        let body = json!({ "keys": [testing::jwk(number, "k")] }).to_string().into_bytes();
        let answer = Answer { status: 200, headers: vec![], body };
        policy.fetched(&fetch.source, Ok(answer), now.mono_ms, now);
    }
}

/// A token signed with the shared secret.
fn hs256(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let signature = mac.chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn token(issuer: &str, subject: &str, key: u8) -> String {
    let claims = testing::access_claims(issuer, subject, 24 * 3600);
    testing::signed(&json!({ "alg": "EdDSA", "kid": "k" }), &claims, key)
}

/// The cause of the decision on an unlink of `user`.
fn unlink(policy: &mut Policy, user: &str, token: &str, now: Now) -> String {
    decided(policy, user, token, now).cause.name()
}

/// The decision on an unlink of `user`.
fn decided(policy: &mut Policy, user: &str, token: &str, now: Now) -> Decision {
    let path = ["api", "v2", "users", user, "identities", "google-oauth2", "1"];
    let head = Head {
        method: "DELETE".to_owned(),
        target: crate::http::path::encode(path).into_bytes(),
        headers: vec![Header::new("authorization", &format!("Bearer {token}"))],
        peer: None,
    };
    let (mut exchange, turn) = policy.open(head, now);
    if matches!(turn.step, Step::Forward(_)) {
        let answer = crate::http::outgoing::AnswerHead::of(200, []);
        policy.resume(&mut exchange, turn.sequence, Event::Forwarded(Ok(answer)), now);
    }
    policy.close(exchange, End::Finished, now)
}

fn after(ms: u64) -> Now {
    Now { unix_ms: NOW.unix_ms + ms, mono_ms: NOW.mono_ms + ms }
}

fn hits_and_misses(policy: &Policy) -> (u64, u64) {
    let CacheUse { hits, misses, .. } = policy.token_cache();
    (hits, misses)
}

/// A policy that has a token of `auth0|a` in its cache.
fn knowing() -> (Policy, String) {
    let mut policy = testing::policy();
    let token = testing::token(&testing::access_claims(ISSUER, "auth0|a", 600));
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(policy.token_cache().tokens, 1);
    (policy, token)
}

#[test]
fn the_record_says_that_a_token_was_known() {
    let mut policy = testing::policy();
    let token = testing::token(&testing::access_claims(ISSUER, "auth0|a", 600));
    let forged = format!("{}AAAA", token.trim_end_matches(|c| c != '.'));
    for (row, user, token, expected) in [
        ("new", "auth0|a", &token, Some(VerifiedBy::Component)),
        ("known", "auth0|a", &token, Some(VerifiedBy::Cache)),
        ("known, of another user", "auth0|b", &token, Some(VerifiedBy::Cache)),
        ("forged", "auth0|a", &forged, Some(VerifiedBy::Component)),
        ("no token at all", "auth0|a", &"x".to_owned(), None),
    ] {
        assert_eq!(decided(&mut policy, user, token, NOW).verification, expected, "{row}");
    }
    for (one, other, expected) in [
        (VerifiedBy::Cache, VerifiedBy::Cache, VerifiedBy::Cache),
        (VerifiedBy::Cache, VerifiedBy::Host, VerifiedBy::Host),
        (VerifiedBy::Component, VerifiedBy::Cache, VerifiedBy::Component),
        (VerifiedBy::Component, VerifiedBy::Host, VerifiedBy::Both),
    ] {
        assert_eq!(one.and(other), expected, "{one:?}, {other:?}");
    }
}

#[test]
fn the_same_token_again_is_found() {
    let (mut policy, token) = knowing();
    assert_eq!(hits_and_misses(&policy), (0, 1));
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(hits_and_misses(&policy), (1, 1));
}

#[test]
fn any_other_text_is_another_token() {
    let (mut policy, token) = knowing();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    let flipped = if first == "A" { "B" } else { "A" };
    for (changed, cause) in [
        (format!("{message}.{flipped}{rest}"), "bearer-signature-invalid"),
        (format!("{message}."), "bearer-not-compact-jws"),
        (message.to_owned(), "bearer-not-compact-jws"),
        (format!("{token}.{signature}"), "bearer-not-compact-jws"),
    ] {
        assert_eq!(unlink(&mut policy, "auth0|a", &changed, NOW), cause, "{changed}");
    }
    assert_eq!(hits_and_misses(&policy).0, 0);
    assert_eq!(policy.token_cache().tokens, 1);
}

#[test]
fn time_is_judged_each_time() {
    let mut policy = testing::policy();
    let token = testing::token(&testing::access_claims(ISSUER, "auth0|a", 300));
    for (minute, expected) in [(0, "granted"), (4, "granted"), (8, "bearer-expired")] {
        assert_eq!(unlink(&mut policy, "auth0|a", &token, after(minute * MINUTE)), expected);
    }
    // The wall clock is set back: the token is ahead of it.
    let early = Now { unix_ms: NOW.unix_ms - 60 * MINUTE, ..after(8 * MINUTE) };
    assert_eq!(unlink(&mut policy, "auth0|a", &token, early), "bearer-issued-ahead");
    assert_eq!(hits_and_misses(&policy), (3, 1), "its signature is known all the while");
}

#[test]
fn the_age_of_a_token_is_judged_each_time() {
    let mut document = testing::document();
    document["issuers"][0]["max_token_age"] = json!("5m");
    let mut policy = compiled(&document);
    let token = testing::token(&testing::access_claims(ISSUER, "auth0|a", 600));
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(unlink(&mut policy, "auth0|a", &token, after(4 * MINUTE)), "granted");
    assert_eq!(unlink(&mut policy, "auth0|a", &token, after(8 * MINUTE)), "bearer-too-old");
    assert_eq!(hits_and_misses(&policy), (2, 1));
}

#[test]
fn the_subject_is_judged_each_time() {
    let (mut policy, token) = knowing();
    assert_eq!(unlink(&mut policy, "auth0|b", &token, NOW), "subject-mismatch");
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(hits_and_misses(&policy), (2, 1));
}

#[test]
fn a_withdrawn_key_stops_a_known_token() {
    let mut policy = two_issuers();
    fetch(&mut policy, NOW, 1, 2);
    let token = token(ISSUER, "auth0|a", 1);
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(hits_and_misses(&policy), (1, 1));
    // Another key has its name from now on. As soon as that is known, no token of the old one counts.
    let renewed = self::token(ISSUER, "auth0|a", 3);
    let (mut now, mut withdrawn) = (NOW, 0);
    for minute in 1..20 {
        now = after(minute * MINUTE);
        fetch(&mut policy, now, 3, 2);
        let is_withdrawn = unlink(&mut policy, "auth0|a", &renewed, now) == "granted";
        let is_known = unlink(&mut policy, "auth0|a", &token, now) == "granted";
        assert_eq!(is_known, !is_withdrawn, "minute {minute}");
        withdrawn += u64::from(is_withdrawn);
    }
    assert!(withdrawn > 0);
    assert_eq!(unlink(&mut policy, "auth0|a", &token, now), "bearer-signature-invalid");
}

#[test]
fn keys_that_are_too_old_stop_a_known_token() {
    let mut policy = two_issuers();
    fetch(&mut policy, NOW, 1, 2);
    let token = token(ISSUER, "auth0|a", 1);
    let mut causes = Vec::new();
    for minute in 0..23 * 60 {
        causes.push(unlink(&mut policy, "auth0|a", &token, after(minute * MINUTE)));
    }
    assert_eq!(causes.first(), Some(&"granted".to_owned()));
    assert!(causes.last().is_some_and(|cause| cause != "granted"), "{causes:?}");
    assert!(policy.token_cache().hits > 0);
}

#[test]
fn the_key_is_the_one_of_its_own_issuer() {
    let mut policy = two_issuers();
    fetch(&mut policy, NOW, 1, 2);
    let tenants = token(ISSUER, "auth0|a", 1);
    assert_eq!(unlink(&mut policy, "auth0|a", &tenants, NOW), "granted");
    let others = token(OTHER, "auth0|a", 1);
    assert_eq!(unlink(&mut policy, "auth0|a", &others, NOW), "bearer-signature-invalid");
    // The issuers swap keys: what is known was signed with a key that is now another issuer's.
    let mut now = NOW;
    let renewed = token(ISSUER, "auth0|a", 2);
    for minute in 1..20 {
        now = after(minute * MINUTE);
        fetch(&mut policy, now, 2, 1);
        let has_swapped = unlink(&mut policy, "auth0|a", &renewed, now) == "granted";
        let is_known = unlink(&mut policy, "auth0|a", &tenants, now) == "granted";
        assert_eq!(is_known, !has_swapped, "minute {minute}");
    }
    assert_eq!(unlink(&mut policy, "auth0|a", &tenants, now), "bearer-signature-invalid");
    assert_eq!(unlink(&mut policy, "auth0|a", &others, now), "granted");
}

#[test]
fn another_policy_knows_no_token() {
    let (mut policy, token) = knowing();
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(hits_and_misses(&policy), (1, 1));
    let mut next = testing::policy();
    next.restore_keys(&policy.kept_keys(), NOW);
    assert_eq!(next.token_cache(), CacheUse::default());
    assert_eq!(unlink(&mut next, "auth0|a", &token, NOW), "granted");
    assert_eq!(hits_and_misses(&next), (0, 1));
}

#[test]
fn a_signature_is_verified_again_after_ten_minutes() {
    let mut policy = testing::policy();
    let token = testing::token(&testing::access_claims(ISSUER, "auth0|a", 24 * 3600));
    for minute in 0..40 {
        assert_eq!(unlink(&mut policy, "auth0|a", &token, after(minute * MINUTE)), "granted");
    }
    assert_eq!(hits_and_misses(&policy), (36, 4));
}

#[test]
fn only_good_bearers_are_remembered() {
    let mut document = testing::document();
    document["issuers"][0]["algorithms"] = json!(["EdDSA", "HS256"]);
    document["issuers"][0]["hmac_secret"] = json!("S");
    let mut policy = compiled(&document);
    let shared = hs256(&testing::access_claims(ISSUER, "auth0|a", 600));
    assert_eq!(unlink(&mut policy, "auth0|a", &shared, NOW), "granted");
    assert_eq!(policy.token_cache().tokens, 0);
    let mut machine = testing::access_claims(ISSUER, "auth0|a", 600);
    machine["gty"] = json!("client-credentials");
    let mut expired = testing::access_claims(ISSUER, "auth0|a", 600);
    expired["exp"] = json!(NOW.unix_ms / 1000 - 600);
    for claims in [machine, expired] {
        let token = testing::token(&claims);
        assert_ne!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    }
    assert_eq!(policy.token_cache().tokens, 0);
    // The bearer of a link is, its secondary token is not.
    let (mut exchange, turn) = policy.open(testing::link_head("auth0|a", "auth0|a"), NOW);
    let body = Event::Body(testing::link_body("auth0|b"));
    let turn = policy.resume(&mut exchange, turn.sequence, body, NOW);
    assert!(matches!(turn.step, Step::Forward(_)));
    assert_eq!(policy.token_cache().tokens, 1);
}

#[test]
fn a_user_with_many_tokens_takes_no_other_ones_place() {
    let (mut policy, token) = knowing();
    for number in 0..40 {
        let mut claims = testing::access_claims(ISSUER, "auth0|many", 600);
        claims["jti"] = json!(number);
        let token = testing::token(&claims);
        assert_eq!(unlink(&mut policy, "auth0|many", &token, NOW), "granted");
    }
    let CacheUse { tokens, evicted, .. } = policy.token_cache();
    assert_eq!((tokens, evicted), (9, 32));
    assert_eq!(unlink(&mut policy, "auth0|a", &token, NOW), "granted");
    assert_eq!(policy.token_cache().hits, 1);
}

#[test]
fn of_a_user_with_many_tokens_the_last_ones_are_known() {
    let mut policy = testing::policy();
    let texts: Vec<String> = (0..20)
        .map(|number| {
            let mut claims = testing::access_claims(ISSUER, "auth0|many", 600);
            claims["jti"] = json!(number);
            testing::token(&claims)
        })
        .collect();
    for token in &texts {
        assert_eq!(unlink(&mut policy, "auth0|many", token, NOW), "granted");
    }
    assert_eq!(hits_and_misses(&policy), (0, 20));
    for token in texts.iter().rev().take(8) {
        assert_eq!(unlink(&mut policy, "auth0|many", token, NOW), "granted");
    }
    assert_eq!(hits_and_misses(&policy), (8, 20), "a token that is in use is known");
    assert_eq!(unlink(&mut policy, "auth0|many", &texts[0], NOW), "granted");
    assert_eq!(hits_and_misses(&policy), (8, 21), "an old one has made room");
    let CacheUse { tokens, evicted, .. } = policy.token_cache();
    assert_eq!((tokens, evicted), (8, 13));
    let user = "auth0|many";
    let reported = |policy: &mut Policy, token| decided(policy, user, token, NOW).evicted;
    let [first, second] = [0, 1].map(|nth| texts[nth].clone());
    assert_eq!(reported(&mut policy, &first), 0, "known, and all before was reported");
    assert_eq!(reported(&mut policy, &second), 1, "by the decision after which it was");
}

#[test]
fn many_users_take_a_bounded_place() {
    let mut policy = testing::policy();
    for number in 0..80 {
        let user = format!("auth0|{number}");
        let mut claims = testing::access_claims(ISSUER, &user, 600);
        claims["numbers"] = json!(vec![0; number % 30 * 50]);
        let token = testing::token(&claims);
        assert_eq!(unlink(&mut policy, &user, &token, NOW), "granted");
        let CacheUse { tokens, bytes, .. } = policy.token_cache();
        assert!(tokens <= 2048 && bytes <= 2 * 1024 * 1024, "{tokens} tokens, {bytes} bytes");
    }
    let CacheUse { tokens, evicted, .. } = policy.token_cache();
    assert_eq!(tokens + evicted, 80);
    assert!(evicted > 0);
}
