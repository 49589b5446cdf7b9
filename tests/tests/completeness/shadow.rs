//! Every case of the suite once more, its policy in shadow: what would have been decided is in the record,
//! and the upstream has the client's own request. In force no such step is ever reached.

use std::collections::BTreeMap;

use linkgate_cases::{Departed, Observed, Origin, Scene, run};
use linkgate_policy::{LogLineMetadata, Time};
use serde_json::{Value, json};

use super::{editions, suite};

/// What could not be passed on unchanged.
const NEVER: [&str; 7] = [
    "connect",
    "upgrade",
    "header-malformed",
    "target-form",
    "path-fragment",
    "path-raw-control",
    "body-failed",
];

/// What is found after the decision, by calls of a merge or by sending what was permitted.
const LATER: [&str; 24] = [
    "granted",
    "link-found",
    "primary-gone",
    "secondary-gone",
    "metadata-conflict",
    "metadata-key-forbidden",
    "metadata-too-large",
    "metadata-too-deep",
    "metadata-changing",
    "account-not-found",
    "metadata-not-text",
    "metadata-not-taken",
    "metadata-replaced",
    "merging-suspended",
    "service-token-unavailable",
    "metadata-read-failed",
    "metadata-refused",
    "metadata-limited",
    "metadata-late",
    "metadata-write-unknown",
    "link-outcome-unknown",
    "upstream-unreachable",
    "upstream-unknown",
    "links-busy",
];

#[test]
fn every_case_passes_as_it_came_under_its_policy_in_shadow() {
    let suite = suite();
    let mut passed = 0;
    for edition in &mut editions() {
        for named in &suite.cases {
            let at = format!("{} on {}", named.name, edition.name());
            let mut scene = Scene::prepare(&suite, &named.case).expect(&at);
            if !put_in_shadow(&mut scene) {
                continue;
            }
            let seen = run(edition.as_mut(), &scene).expect(&at);
            passed += usize::from(seen.record.shadow.is_some());
            judge(&scene, &seen, &at);
        }
    }
    assert!(passed > 2 * NEVER.len() * LATER.len(), "only {passed} passed in shadow");
}

/// Gives the policy a shadow of ten days. `false` where it has one already.
fn put_in_shadow(scene: &mut Scene) -> bool {
    let mut document: Value = serde_json::from_str(&scene.document).expect("JSON");
    if document.get("shadow").is_some() {
        return false;
    }
    let until = Time { unix_ms: (scene.clock_s + 10 * 86_400) * 1_000 }.to_string();
    document["shadow"] = json!({ "until": until.replace(".000Z", "Z") });
    scene.document = document.to_string();
    true
}

fn judge(scene: &Scene, seen: &Observed, at: &str) {
    let (expected, record) = (&scene.expected, &seen.record);
    if expected.cause == "passed" || NEVER.contains(&expected.cause.as_str()) {
        assert_eq!(record.shadow, None, "{at}");
        assert_eq!(record.cause, expected.cause, "{at}");
        return;
    }
    assert!(goes_on_as_it_came(scene, &seen.sent), "{at}: {:?}", seen.sent);
    assert!(record.upstream_called, "{at}");
    // A case of the `pass` routes may end with the upstream's failure without being in shadow.
    if record.route == "pass" && record.shadow.is_none() {
        assert_eq!(record.cause, expected.cause, "{at}");
        return;
    }
    let is_later = LATER.contains(&expected.cause.as_str());
    let would = if is_later { "granted" } else { expected.cause.as_str() };
    let shadow = record.shadow.as_ref().map(|shadow| shadow.cause.as_str());
    assert_eq!(shadow, Some(would), "{at}");
    match &scene.upstream {
        // The rest of the body never comes, which is not the upstream's doing.
        _ if scene.request.body_breaks_off => {
            let ended = (record.outcome.name(), record.cause.as_str());
            assert_eq!(ended, ("denied", "body-failed"), "{at}");
        }
        Ok(answer) => {
            assert_eq!(
                (record.outcome.name(), record.cause.as_str()),
                ("passed", "shadowed"),
                "{at}"
            );
            assert_eq!(record.status, Some(answer.status), "{at}");
            assert_eq!(seen.origin, Origin::Upstream, "{at}");
            assert_eq!(seen.reply.as_ref(), Some(answer), "{at}: the upstream's answer, unedited");
        }
        Err(_) => assert_eq!(record.outcome.name(), "failed", "{at}"),
    }
    let merges = scene.document.contains(r#""metadata":"#) && record.route == "link";
    let not_merged =
        LogLineMetadata { outcome: "not-merged".to_owned(), calls: 0, keys: BTreeMap::new() };
    assert_eq!(record.metadata, merges.then_some(not_merged), "{at}");
}

/// Whether the client's own request left, and nothing else. Under a policy that writes lines of its head, all
/// but those are the client's.
fn goes_on_as_it_came(scene: &Scene, sent: &[Departed]) -> bool {
    match sent {
        [Departed::Untouched] => !is_edited(scene),
        [Departed::Request(sent)] => {
            let request = &scene.request;
            let is_line = sent.method == request.method && sent.path.as_bytes() == request.target;
            let body = sent.body.as_deref().unwrap_or_default();
            is_edited(scene) && is_line && body == request.body
        }
        _ => false,
    }
}

fn is_edited(scene: &Scene) -> bool {
    [r#""client_address":"#, r#""request_id":"#].iter().any(|key| scene.document.contains(key))
}

#[test]
fn in_force_nothing_passes_but_what_is_configured_to() {
    let suite = suite();
    for edition in &mut editions() {
        for named in &suite.cases {
            let at = format!("{} on {}", named.name, edition.name());
            let mut scene = Scene::prepare(&suite, &named.case).expect(&at);
            let mut document: Value = serde_json::from_str(&scene.document).expect("JSON");
            let until = Time { unix_ms: scene.clock_s * 1_000 }.to_string();
            // The first moment at which it enforces.
            document["shadow"] = json!({ "until": until.replace(".000Z", "Z") });
            scene.document = document.to_string();
            let seen = run(edition.as_mut(), &scene).expect(&at);
            assert_eq!(seen.record.shadow, None, "{at}");
            if is_edited(&scene) {
                // By its lines what passes looks like what was judged; the record says it.
                continue;
            }
            let untouched = seen.sent.contains(&Departed::Untouched);
            assert_eq!(
                untouched,
                seen.record.route == "pass" && seen.record.upstream_called,
                "{at}"
            );
        }
    }
}
