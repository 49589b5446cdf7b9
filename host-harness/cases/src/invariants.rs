//! What holds for every case, whatever it expects: no case has to say it, and none can forget it.

use std::collections::BTreeMap;

use linkgate_policy::{Header, Outcome};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::difference::Differences;
use crate::driver::{Departed, Observed, Origin};
use crate::scene::{ExpectedSent, Response, Scene};

/// Judges one exchange by all invariants.
pub(crate) fn judge(scene: &Scene, observed: &Observed, seen: &mut Differences) {
    nothing_leaks(scene, observed, seen);
    the_record_agrees(scene, observed, seen);
    one_request_at_most(observed, seen);
    calls_read_or_write_one_account(observed, seen);
    if let (Some(reply), Origin::Gate) = (&observed.reply, observed.origin)
        && reply.status >= 400
    {
        refusals_have_one_shape(reply, &observed.record.reason, seen);
    }
}

/// No token, no signature of one, and no secret is in a reply of the gate's or in the record.
fn nothing_leaks(scene: &Scene, observed: &Observed, seen: &mut Differences) {
    let record = serde_json::to_string(&observed.record).unwrap_or_default();
    let own_reply = observed.reply.as_ref().filter(|_| observed.origin == Origin::Gate);
    let reply = own_reply
        .map(|reply| format!("{reply:?}{}", String::from_utf8_lossy(&reply.body)))
        .unwrap_or_default();
    for part in scene
        .tokens
        .iter()
        .flat_map(|token| token.split('.'))
        .filter(|part| part.len() >= SHORTEST_MARK)
    {
        for (place, text) in [("the record", &record), ("the reply", &reply)] {
            let found = if text.contains(part) { "a part of one" } else { "none" };
            seen.text(&format!("invariant: tokens in {place}"), "none", found);
        }
    }
}

/// Parts of a token that are shorter than this could be there by chance.
const SHORTEST_MARK: usize = 20;

/// The record says what was seen from outside.
fn the_record_agrees(scene: &Scene, observed: &Observed, seen: &mut Differences) {
    let record = &observed.record;
    let status =
        |status: Option<u16>| status.map_or("none".to_owned(), |status| status.to_string());
    seen.text(
        "invariant: status in the record",
        &status(observed.reply.as_ref().map(|reply| reply.status)),
        &status(record.status),
    );
    seen.text(
        "invariant: upstream_called in the record",
        &observed.sent.iter().any(is_forwarded).to_string(),
        &record.upstream_called.to_string(),
    );
    if record.shadow.is_some() {
        // What passes is the client's own request, alone, and what comes back is not touched. A host that
        // rewrites it before the gate sees it says as what.
        let is_rewritten = matches!(scene.expected.upstream, ExpectedSent::Request(_));
        let is_own = observed.sent == [Departed::Untouched] || is_rewritten;
        seen.text("invariant: sent in shadow", "true", &is_own.to_string());
        let is_upstreams = observed.origin == Origin::Upstream || record.outcome == Outcome::Failed;
        seen.text("invariant: the reply in shadow", "true", &is_upstreams.to_string());
    }
    // A body that fails on its way through was let through up to there.
    if record.outcome == Outcome::Denied && record.cause != "body-failed" {
        seen.text(
            "invariant: upstream_called of a refusal",
            "false",
            &record.upstream_called.to_string(),
        );
    }
}

/// Whether it is what the client asked for, and no call of the gate's own.
fn is_forwarded(departed: &Departed) -> bool {
    match departed {
        Departed::Untouched | Departed::Request(_) => true,
        Departed::Call(_) => false,
    }
}

/// The upstream is asked once, with one credential and nothing hop-by-hop; so is each call.
fn one_request_at_most(observed: &Observed, seen: &mut Differences) {
    seen.text(
        "invariant: upstream requests",
        "at most 1",
        if observed.sent.iter().filter(|sent| is_forwarded(sent)).count() <= 1 {
            "at most 1"
        } else {
            "several"
        },
    );
    for departed in &observed.sent {
        let (Departed::Request(sent) | Departed::Call(sent)) = departed else { continue };
        // What passes is the client's own, with a path that a host may have normalised.
        if observed.record.cause == "passed" {
            continue;
        }
        let credentials = sent.headers.iter().filter(|line| line.name == "authorization").count();
        seen.text("invariant: authorization lines upstream", "1", &credentials.to_string());
        for name in NEVER_FORWARDED {
            let found =
                if sent.headers.iter().any(|line| line.name == name) { name } else { "none" };
            seen.text("invariant: header upstream", "none", found);
        }
        let may_have_one = !is_forwarded(departed) || observed.record.route == "profile";
        let query = !may_have_one && sent.path.contains('?');
        seen.text("invariant: query upstream", "none", if query { "a query" } else { "none" });
    }
}

/// The body of a write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::zero_sized_map_values, reason = "a number may be larger than any type holds")]
struct Write {
    user_metadata: BTreeMap<String, IgnoredAny>,
}

/// A call reads an account, or writes members of its `user_metadata` and nothing else. Without a
/// member it would wipe everything (Auth0 docs, "Manage User Metadata").
fn calls_read_or_write_one_account(observed: &Observed, seen: &mut Differences) {
    for departed in &observed.sent {
        let Departed::Call(sent) = departed else { continue };
        let body = sent.body.as_deref();
        let is_fit = match (sent.method.as_str(), body.map(serde_json::from_slice::<Write>)) {
            ("GET", None) => true,
            ("PATCH", Some(Ok(write))) => !write.user_metadata.is_empty(),
            _ => false,
        };
        let found = if is_fit { "a read or a write" } else { sent.method.as_str() };
        seen.text("invariant: calls", "a read or a write", found);
    }
}

/// Hop-by-hop (RFC 9110 section 7.6.1), framing and authority: the host's business, or no one's.
const NEVER_FORWARDED: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "host",
    "cookie",
    "x-http-method-override",
];

/// Problem details (RFC 9457) with the members that clients of the Management API read.
fn refusals_have_one_shape(reply: &Response, reason: &str, seen: &mut Differences) {
    seen.text(
        "invariant: content-type of a refusal",
        "application/problem+json",
        &value(&reply.headers, "content-type"),
    );
    seen.text(
        "invariant: cache-control of a refusal",
        "no-store",
        &value(&reply.headers, "cache-control"),
    );
    let challenged = value(&reply.headers, "www-authenticate").starts_with("Bearer");
    if reply.status == 401 {
        seen.text(
            "invariant: challenge of a 401 (RFC 9110 section 15.5.2)",
            "true",
            &challenged.to_string(),
        );
    }
    if reply.status == 503 {
        let seconds = value(&reply.headers, "retry-after");
        let some = seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0);
        let found = if some { "seconds" } else { seconds.as_str() };
        seen.text("invariant: retry-after of a 503 (RFC 9110 section 15.6.4)", "seconds", found);
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| {
        body.get(name).map_or("nothing".to_owned(), |value| {
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        })
    };
    for (name, expected) in [
        ("status", reply.status.to_string()),
        ("statusCode", reply.status.to_string()),
        ("reason", reason.to_owned()),
        ("type", format!("urn:linkgate:reason:{reason}")),
        ("message", text("detail")),
        ("error", text("title")),
    ] {
        seen.text(&format!("invariant: `{name}` of a refusal"), &expected, &text(name));
    }
    for name in ["title", "detail", "errorCode"] {
        let there = body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        seen.text(&format!("invariant: `{name}` of a refusal is text"), "true", &there.to_string());
    }
}

/// The value of a header that is there once.
fn value(headers: &[Header], name: &str) -> String {
    let mut values = headers
        .iter()
        .filter(|line| line.name == name)
        .map(|line| String::from_utf8_lossy(&line.value).into_owned());
    match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => "nothing".to_owned(),
        (Some(_), Some(_)) => "several".to_owned(),
    }
}
