//! Every case on every edition. `LINKGATE_CASE=part-of-a-name` runs the ones whose name holds it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use linkgate::cases::{
    Edition, Evaluator, Expected, ExpectedSent, Native, Report, Scene, Sent, Suite, compare, run,
    run_suite,
};

#[test]
fn every_case_holds_on_the_native_core() {
    every_case_holds_on(&mut Native::default());
}

#[test]
fn every_case_holds_on_the_evaluator() {
    every_case_holds_on(
        &mut Evaluator::load(&target_dir()).unwrap_or_else(|trouble| panic!("{trouble}")),
    );
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

/// The runner can fail: a wrong expectation is told with file, edition, what was expected and found.
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

fn changes() -> [(&'static str, Change); 11] {
    fn sent(expected: &mut Expected) -> Option<&mut Sent> {
        if let ExpectedSent::Request(sent) = &mut expected.upstream { Some(sent) } else { None }
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
        ("decision", |expected| {
            expected.decision.values_mut().next().map(|value| *value = "x".into()).is_some()
        }),
    ]
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

fn suite() -> Suite {
    Suite::load(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|trouble| panic!("{trouble}"))
}

/// Cargo's target directory: test binaries lie in `<target dir>/<profile>/deps`.
fn target_dir() -> PathBuf {
    let binary = std::env::current_exe().expect("the test binary has a path");
    binary.ancestors().nth(3).expect("a test binary lies three levels deep").to_owned()
}
