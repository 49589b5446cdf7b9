//! Nothing is left out: every cause and every reason has a case, and what cannot be a case has a
//! test of its own, here or in the core. Then the one property no single case can show: exchanges
//! of two users in one instance have nothing to do with each other.

#[path = "completeness/interleaved.rs"]
mod interleaved;
#[path = "completeness/merging.rs"]
mod merging;
#[path = "completeness/shadow.rs"]
mod shadow;

use std::collections::BTreeSet;
use std::path::Path;

use linkgate_cases::{Driver, Edition, Evaluator, Native, Observed, Scene, Step, Suite, Turn};
use linkgate_policy::reason::Reason;
use linkgate_policy::{Acquired, AnswerHead, Cause, End, Event, Verification};
use linkgate_tests::target_dir;
use serde_json::Value;

/// Causes that no case can bring about, because a case says what clients and upstreams do and these
/// come of what hosts do. Each with the test that does: its file and its name.
const NOT_DATA: [(&str, &str, &str); 6] = [
    ("out-of-order", "tests/tests/completeness.rs", "an_event_out_of_order_ends_the_exchange"),
    ("unfinished", "tests/tests/completeness.rs", "a_client_that_goes_away_is_recorded"),
    // It takes a link on the same account that does not end.
    ("links-busy", "tests/tests/completeness.rs", "accounts_that_others_hold_are_not_linked"),
    // It takes links of three accounts.
    (
        "merging-suspended",
        "component/policy/src/metadata/merge_test.rs",
        "an_upstream_that_replaces_is_sent_no_link_after_two_accounts",
    ),
    // It takes more time than a case has.
    (
        "metadata-late",
        "component/policy/src/metadata/merge_test.rs",
        "what_takes_too_long_before_the_link_ends_there",
    ),
    // It takes more than a thousand exchanges at once.
    (
        "keys-busy",
        "component/policy/src/testing/keyring_test.rs",
        "a_thousand_first_requests_share_one_fetch",
    ),
];

#[test]
fn every_cause_has_a_case() {
    let suite = suite();
    let expected: BTreeSet<&str> =
        suite.cases.iter().map(|named| named.case.expect.cause.as_str()).collect();
    let all: BTreeSet<String> = Cause::all().map(Cause::name).collect();
    for cause in &all {
        let listed = NOT_DATA.iter().any(|(name, ..)| name == cause);
        let has_case = expected.contains(cause.as_str());
        assert!(has_case || listed, "no case expects the cause `{cause}`");
        assert!(!(has_case && listed), "`{cause}` has a case: take it off the list");
    }
    for (cause, ..) in NOT_DATA {
        assert!(all.contains(cause), "the list names `{cause}`, which is no cause");
    }
    for cause in expected {
        assert!(all.contains(cause), "a case expects `{cause}`, which is no cause");
    }
}

#[test]
fn every_reason_has_a_case() {
    let suite = suite();
    let expected: BTreeSet<&str> =
        suite.cases.iter().map(|named| named.case.expect.reason.as_str()).collect();
    let elsewhere: BTreeSet<&str> = Cause::all()
        .filter(|cause| NOT_DATA.iter().any(|(name, ..)| *name == cause.name()))
        .map(Cause::reason_code)
        .collect();
    for reason in Reason::ALL {
        let name = reason.name();
        assert!(
            expected.contains(name) || elsewhere.contains(name),
            "no case expects the reason `{name}`"
        );
    }
}

#[test]
fn what_is_no_case_has_the_test_that_the_list_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (cause, file, name) in NOT_DATA {
        let text = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {name}()")), "{cause}: no test `{name}` in {file}");
    }
}

#[test]
fn every_shared_policy_has_a_case() {
    let suite = suite();
    let used: BTreeSet<&str> = suite.cases.iter().map(|named| named.case.policy.as_str()).collect();
    let unused: Vec<&str> = suite.policies().filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "no case uses these policies: {unused:?}");
}

/// Each ready policy is a policy of the suite as well, with keys of its own, so that the tokens of its issuer are cases.
#[test]
fn every_example_has_a_policy_of_the_suite() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let issuers = |path: &Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document: Value = serde_saphyr::from_str(&text).expect("YAML");
        let mut issuers = document["issuers"].as_array().expect("issuers").clone();
        for issuer in &mut issuers {
            issuer.as_object_mut().expect("an issuer").remove("keys");
        }
        issuers
    };
    let folder = std::fs::read_dir(root.join("../examples/policies")).expect("examples");
    let files = folder.map(|entry| entry.expect("an example").path());
    for file in files.filter(|file| file.extension().is_some_and(|ending| ending == "yaml")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let own = root.join(format!("configs/issuer-{name}"));
        assert_eq!(issuers(&own), issuers(&file), "{name}");
    }
}

#[test]
fn an_event_out_of_order_ends_the_exchange() {
    let (suite, rows) = (suite(), out_of_order());
    for edition in &mut editions() {
        let edition = edition.as_mut();
        for (row, request, steps, sequence, event) in &rows {
            let scene = scene(&suite, "access", &format!("request: {request}"));
            let mut driver = Driver::open(edition, &scene).expect(row);
            for _ in 0..*steps {
                driver.advance(edition).expect(row);
            }
            driver.answer(edition, *sequence, event()).expect(row);
            let seen = driver.close(edition, End::Finished).expect(row);
            let at = format!("{row} on {}", edition.name());
            assert_eq!(seen.record.cause, "out-of-order", "{at}");
            assert_eq!(seen.record.reason, "gate-unavailable", "{at}");
            assert_eq!(seen.reply.map(|reply| reply.status), Some(503), "{at}");
        }
    }
}

#[test]
fn accounts_that_others_hold_are_not_linked() {
    let suite = suite();
    for edition in &mut editions() {
        let edition = edition.as_mut();
        let scene = scene(&suite, "merge", "request: link");
        let mut driver = Driver::open(edition, &scene).expect("open");
        driver.advance(edition).expect("the body");
        let Turn { sequence, step: Step::Acquire { accounts } } = driver.turn().clone() else {
            panic!("expected `acquire`, found {:?}", driver.turn());
        };
        assert!(accounts[0] < accounts[1], "{accounts:?}");
        driver.answer(edition, sequence, Event::Acquired(Acquired::Busy)).expect("busy");
        let Observed { record, sent, reply, .. } =
            driver.close(edition, End::Finished).expect("end");
        assert_eq!((record.cause.as_str(), record.reason.as_str()), ("links-busy", "links-busy"));
        assert_eq!(reply.map(|reply| reply.status), Some(503));
        assert!(sent.is_empty() && !record.upstream_called, "nothing was sent");
    }
}

#[test]
fn a_client_that_goes_away_is_recorded() {
    let suite = suite();
    for edition in &mut editions() {
        let edition = edition.as_mut();
        for (end, name) in [(End::ClientGone, "client-gone"), (End::Shutdown, "shutdown")] {
            let scene = scene(&suite, "access", "request: link");
            let driver = Driver::open(edition, &scene).expect("open");
            let Observed { record, sent, .. } = driver.close(edition, end).expect("close");
            assert_eq!((record.outcome.name(), record.cause.as_str()), ("failed", "unfinished"));
            assert_eq!((record.end.name(), record.status), (name, None));
            assert!(sent.is_empty() && !record.upstream_called, "nothing was sent");
        }
    }
}

type Row = (&'static str, &'static str, usize, u32, fn() -> Event);

/// An exchange after some fitting steps, and an event that does not answer its step.
fn out_of_order() -> Vec<Row> {
    let forwarded = || Event::Forwarded(Ok(AnswerHead::of(201, [])));
    vec![
        ("a number too high", "link", 0, 2, || Event::Body(Vec::new())),
        ("a number too low", "link", 0, 0, || Event::Body(Vec::new())),
        ("the body, again", "link", 1, 1, || Event::Body(Vec::new())),
        ("the body where an answer is expected", "link", 1, 2, || Event::Body(Vec::new())),
        ("an answer where the body is expected", "link", 0, 1, forwarded),
        ("a waking where nothing waits", "unlink", 0, 1, || Event::Woken),
        (
            "an answer before anything was sent",
            "{ like: link, drop: [authorization] }",
            0,
            1,
            forwarded,
        ),
    ]
}

/// A verification that does not answer the step, and an event that does not answer a verification.
#[test]
fn a_verification_out_of_order_ends_the_exchange() {
    let suite = suite();
    for edition in &mut verified_editions() {
        let edition = edition.as_mut();
        let yes = || Event::Verified(Verification::Yes);
        let rows: [Row; 6] = [
            ("a yes with a number too high", "unlink", 0, 2, yes),
            ("a yes with a number too low", "unlink", 0, 0, yes),
            ("a waking where a signature is verified", "unlink", 0, 1, || Event::Woken),
            ("a body where a signature is verified", "link", 0, 1, || Event::Body(Vec::new())),
            ("a yes where the body is expected", "link", 1, 2, yes),
            ("a yes where an answer is expected", "unlink", 1, 2, yes),
        ];
        for (row, request, steps, sequence, event) in rows {
            let at = format!("{row} on {}", edition.name());
            let scene = scene(&suite, "access", &format!("request: {request}"));
            let mut driver = Driver::open(edition, &scene).expect(&at);
            for _ in 0..steps {
                driver.advance(edition).expect(&at);
            }
            driver.answer(edition, sequence, event()).expect(&at);
            let seen = driver.close(edition, End::Finished).expect(&at);
            assert_eq!(seen.record.cause, "out-of-order", "{at}");
            assert_eq!(seen.reply.map(|reply| reply.status), Some(503), "{at}");
        }
    }
}

/// A case of which only the driver matters.
fn scene(suite: &Suite, policy: &str, request: &str) -> Scene {
    let text = format!(
        "title: a driver\npolicy: {policy}\n{request}\nexpect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
    );
    Scene::prepare(suite, &Suite::read_case(&text).expect("a case")).expect("a scene")
}

fn suite() -> Suite {
    Suite::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// The editions on hosts that verify no signature, so that steps can be counted.
fn editions() -> [Box<dyn Edition>; 2] {
    [Box::new(Native::default()), Box::new(evaluator().without_verifier())]
}

/// The editions on hosts that verify.
fn verified_editions() -> [Box<dyn Edition>; 2] {
    [Box::new(Native::with_verifier()), Box::new(evaluator())]
}

fn evaluator() -> Evaluator {
    Evaluator::load(&target_dir()).unwrap_or_else(|trouble| panic!("{trouble}"))
}
