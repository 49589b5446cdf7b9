//! Every case on every edition. `LINKGATE_CASE=part-of-a-name` runs the ones whose name holds it.

use std::io::Write as _;
use std::path::Path;
use std::sync::Once;

use linkgate_cases::{
    Driver, Edition, Evaluator, Expected, ExpectedCall, ExpectedSent, Native, Report, Scene, Sent,
    Step, Suite, compare, run, run_suite,
};
use linkgate_tests::target_dir;

#[test]
fn every_case_holds_on_the_native_core() {
    every_case_holds_on(&mut Native::default());
}

#[test]
fn every_case_holds_on_the_evaluator() {
    every_case_holds_on(&mut evaluator());
}

/// Who verifies signatures changes no decision: here it is the verifier of the reference gateway.
#[test]
fn every_case_holds_on_the_native_core_whose_host_verifies() {
    every_case_holds_on(&mut Native::with_verifier());
}

#[test]
fn every_case_holds_on_the_evaluator_that_verifies_by_itself() {
    every_case_holds_on(&mut evaluator().without_verifier());
}

/// The artifact for hosts with wide arithmetic computes otherwise and decides the same.
#[test]
fn every_case_holds_on_the_evaluator_with_wide_arithmetic_that_verifies_by_itself() {
    let evaluator =
        Evaluator::load_wide(&target_dir()).unwrap_or_else(|trouble| panic!("{trouble}"));
    every_case_holds_on(&mut evaluator.without_verifier());
}

/// The record names the one that verified: a host that can, else the component.
#[test]
fn the_record_says_who_verified() {
    let suite = suite();
    let editions: [(Box<dyn Edition>, &str); 4] = [
        (Box::new(Native::default()), "component"),
        (Box::new(Native::with_verifier()), "host"),
        (Box::new(evaluator()), "host"),
        (Box::new(evaluator().without_verifier()), "component"),
    ];
    for (mut edition, expected) in editions {
        let mut seen = Vec::new();
        for named in suite.cases.iter().filter(|named| named.name.starts_with("seed/")) {
            let scene = Scene::prepare(&suite, &named.case).expect(&named.name);
            let record = run(edition.as_mut(), &scene).expect(&named.name).record;
            // A bearer that an earlier case of the policy had.
            seen.extend(record.verification.filter(|by| by != "cache"));
        }
        assert!(!seen.is_empty() && seen.iter().all(|by| by == expected), "{seen:?}");
    }
}

/// On a host that fetches keys with the first request, as `wasmtime serve` does, a case holds as it does
/// there.
#[test]
fn every_case_holds_where_keys_are_fetched_late() {
    let suite = suite();
    let editions: [Box<dyn Edition>; 2] = [Box::new(Native::default()), Box::new(evaluator())];
    for mut edition in editions {
        let mut waited = 0;
        for named in suite.cases.iter().filter(|named| !named.case.keys.is_empty()) {
            let at = format!("{} on {}", named.name, edition.name());
            let mut case = named.case.clone();
            let late = case.hosts.remove("wasmtime-serve").and_then(|host| host.expect);
            case.expect = late.unwrap_or(case.expect);
            let scene = Scene::prepare(&suite, &case).expect(&at);
            let driver = Driver::open(edition.as_mut(), &scene).expect(&at);
            waited += usize::from(matches!(driver.turn().step, Step::Wait { .. }));
            let seen = driver.finish(edition.as_mut()).expect(&at);
            assert_eq!(compare(&scene, &seen), [], "{at}");
        }
        assert!(waited > 0, "no exchange waited on {}", edition.name());
    }
}

/// A request whose bearer was verified before is judged like the first one. Cases that have keys fetched are left out:
/// each has a policy of its own, which is loaded anew.
#[test]
fn every_case_holds_a_second_time() {
    let suite = suite();
    let mut native = Native::default();
    let mut evaluator =
        Evaluator::load(&target_dir()).unwrap_or_else(|trouble| panic!("{trouble}"));
    for named in suite.cases.iter().filter(|named| named.case.keys.is_empty()) {
        let scene = Scene::prepare(&suite, &named.case).expect(&named.name);
        for edition in [&mut native as &mut dyn Edition, &mut evaluator] {
            let at = format!("{} on {}", named.name, edition.name());
            run(edition, &scene).expect(&at);
            let seen = run(edition, &scene).expect(&at);
            assert_eq!(compare(&scene, &seen), [], "{at}");
        }
    }
    assert!(native.known_bearers() > 300, "{} bearers were known", native.known_bearers());
}

/// A case that says nothing is no case, and two with one title are one case too many.
#[test]
fn titles_are_sentences_and_unique() {
    let suite = suite();
    let mut titles: Vec<&str> = suite.cases.iter().map(|named| named.case.title.as_str()).collect();
    titles.sort_unstable();
    for pair in titles.windows(2) {
        assert_ne!(pair[0], pair[1], "two cases have this title");
    }
    for named in &suite.cases {
        let title = &named.case.title;
        assert!(
            title.split_whitespace().count() >= 3 && !title.ends_with('.'),
            "{}: `{title}` is no sentence of behaviour",
            named.file.display()
        );
    }
}

/// The runner can fail: a wrong expectation is reported with file, edition, what was expected and found.
#[test]
fn a_wrong_expectation_is_told_in_full() {
    let mut suite = suite();
    suite.cases.retain(|named| named.name == "token/expired");
    suite.cases[0].case.expect.cause = "granted".to_owned();
    let report = run_suite(&suite, &mut Native::default(), "");
    let story = &report.failures[0].story;
    for part in
        ["token/expired.yaml on native", "cause", "expected  granted", "found     bearer-expired"]
    {
        assert!(story.contains(part), "`{part}` is not in\n{story}");
    }
}

/// No part of an expectation is overlooked: with any of it changed, no case holds any more.
#[test]
fn every_part_of_an_expectation_counts() {
    let (suite, mut edition) = (suite(), Native::default());
    for named in &suite.cases {
        let at = &named.name;
        let scene =
            Scene::prepare(&suite, &named.case).unwrap_or_else(|trouble| panic!("{at}: {trouble}"));
        let seen = run(&mut edition, &scene).unwrap_or_else(|trouble| panic!("{at}: {trouble}"));
        for (part, change) in changes() {
            let mut wrong = scene.clone();
            if change(&mut wrong.expected) {
                assert!(!compare(&wrong, &seen).is_empty(), "{at}: a wrong `{part}` is overlooked");
            }
        }
    }
}

/// Changes to an expectation; each says whether there was something to change.
type Change = fn(&mut Expected) -> bool;

fn changes() -> [(&'static str, Change); 18] {
    fn sent(expected: &mut Expected) -> Option<&mut Sent> {
        if let ExpectedSent::Request(sent) = &mut expected.upstream { Some(sent) } else { None }
    }
    fn call(expected: &mut Expected) -> Option<&mut Sent> {
        expected.calls.iter_mut().rev().find_map(|call| match call {
            ExpectedCall::Link => None,
            ExpectedCall::Call(sent) => Some(sent),
        })
    }
    [
        ("outcome", |expected| !std::mem::replace(&mut expected.outcome, "x".into()).is_empty()),
        ("cause", |expected| !std::mem::replace(&mut expected.cause, "x".into()).is_empty()),
        ("reason", |expected| !std::mem::replace(&mut expected.reason, "x".into()).is_empty()),
        ("reply.status", |expected| {
            expected.reply.status.as_mut().map(|status| *status += 1).is_some()
        }),
        ("reply.headers", |expected| {
            expected
                .reply
                .headers
                .values_mut()
                .next()
                .map(|values| values.0.push("x".into()))
                .is_some()
        }),
        ("reply.body", |expected| expected.reply.body.replace("x".into()).is_some()),
        ("upstream_request", |expected| {
            std::mem::replace(&mut expected.upstream, ExpectedSent::Nothing)
                != ExpectedSent::Nothing
        }),
        ("upstream_request.method", |expected| {
            sent(expected).map(|sent| sent.method.push('x')).is_some()
        }),
        ("upstream_request.path", |expected| {
            sent(expected).map(|sent| sent.path.push('x')).is_some()
        }),
        ("upstream_request.headers", |expected| {
            sent(expected).and_then(|sent| sent.headers.pop()).is_some()
        }),
        ("calls", |expected| expected.calls.pop().is_some()),
        ("place of the link", |expected| {
            let place = expected.calls.iter().position(|call| *call == ExpectedCall::Link);
            place.map(|place| expected.calls.swap(0, place)).is_some()
        }),
        ("call.method", |expected| call(expected).map(|sent| sent.method.push('x')).is_some()),
        ("call.path", |expected| call(expected).map(|sent| sent.path.push('x')).is_some()),
        ("call.headers", |expected| call(expected).and_then(|sent| sent.headers.pop()).is_some()),
        ("call.body", |expected| {
            call(expected).map(|sent| sent.body.get_or_insert_default().push(b'x')).is_some()
        }),
        ("decision", |expected| {
            expected.decision.values_mut().next().map(|value| *value = "x".into()).is_some()
        }),
        ("notices", |expected| {
            expected.notices.last_mut().map(|notices| notices.push('\0')).is_some()
        }),
    ]
}

/// A mistake in what a key endpoint answers is reported, and none is taken for something else.
#[test]
fn a_bad_key_answer_is_told() {
    let suite = suite();
    for (policy, keys, expected) in [
        ("fetched", "[{}]", "expected `fails` or an answer, found neither"),
        ("fetched", "[{ fails: unknown, status: 200 }]", "expected nothing beside `fails`"),
        ("fetched", "[{ set: [], body: x }]", "expected `set` or `body`, found both"),
        ("fetched", "[{ sets: [] }]", "sets"),
        ("fetched", "[{ set: tenant-rs }]", "expected sequence start"),
        ("fetched", "[{ set: [[x]] }]", "expected a map"),
        ("fetched", "[{ set: [unknown] }]", "no key `unknown`"),
        ("fetched", "[{ set: [{ like: 7 }] }]", "expected the name of a key, found `7`"),
        ("fetched", "[{ set: [tenant-hs] }]", "`tenant-hs` is a secret"),
        ("fetched", "[{ body: '{{unknown}}' }]", "nothing is called `unknown` here"),
        ("fetched", "[{ fails: not-sent }, { set: [] }]", "expected `fails: not-sent` alone"),
        ("fetched", "[]", "expected `keys`, since policy `fetched` has some"),
        ("access", "[{ set: [] }]", "expected a policy with keys at `{{key-endpoint}}`"),
    ] {
        let text = format!(
            "title: bad\npolicy: {policy}\nrequest: unlink\nkeys: {keys}\nexpect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
        );
        let notices = Suite::read_case(&text).and_then(|case| Scene::prepare(&suite, &case));
        let notices = notices.expect_err(keys).to_string();
        assert!(notices.contains(expected), "{keys}: {notices}");
    }
}

/// A mistake in a conversation with the upstream is reported, and none is taken for something else.
#[test]
fn a_bad_call_is_told() {
    let suite = suite();
    for (policy, calls, expected) in [
        ("merge", "[links]", "expected `link`, or a call, found `links`"),
        ("merge", "[{}]", "expected `reads` or `writes`, found neither"),
        ("merge", "[{ reads: primary, writes: '{}' }]", "expected `reads` or `writes`, found both"),
        ("merge", "[{ reads: alice }]", "alice"),
        ("merge", "[{ reads: primary, answers: '' }]", "answers"),
        ("merge", "[{ reads: primary, metadata: '{}', status: 200 }]", "found more than one"),
        ("merge", "[{ reads: primary, fails: unknown, body: '' }]", "found more than one"),
        ("merge", "[{ reads: primary, metadata: '{{unknown}}' }]", "nothing is called `unknown`"),
        ("merge", "[{ reads: primary }, { reads: secondary, fails: not-sent }]", "alone"),
        ("access", "[{ reads: primary }]", "expected a policy that merges, found another"),
    ] {
        let text = format!(
            "title: bad\npolicy: {policy}\nrequest: link\ncalls: {calls}\nexpect: {{ outcome: '', cause: '', reason: '', reply: 200 }}"
        );
        let notices = Suite::read_case(&text).and_then(|case| Scene::prepare(&suite, &case));
        let notices = notices.expect_err(calls).to_string();
        assert!(notices.contains(expected), "{calls}: {notices}");
    }
}

/// The editions are rows of one table.
static HEAD: Once = Once::new();

fn every_case_holds_on(edition: &mut dyn Edition) {
    let filter = std::env::var("LINKGATE_CASE").unwrap_or_default();
    let report = run_suite(&suite(), edition, &filter);
    // Straight to stderr: libtest hides what `println!` says of a test that passes.
    let mut out = std::io::stderr().lock();
    HEAD.call_once(|| drop(writeln!(out, "\n{}", Report::table_head())));
    let _ = write!(out, "{report}");
    assert_ne!(report.run, 0, "no case has `{filter}` in its name");
    assert!(
        report.failures.is_empty(),
        "{} of {} cases failed on {}",
        report.failures.len(),
        report.run,
        report.edition
    );
}

fn evaluator() -> Evaluator {
    Evaluator::load(&target_dir()).unwrap_or_else(|trouble| panic!("{trouble}"))
}

fn suite() -> Suite {
    Suite::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|trouble| panic!("{trouble}"))
}
