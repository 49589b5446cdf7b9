//! Each reason code has a page, and it is whole.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use linkgate::reason_page::{causes, find, page, plain, renewed};
use linkgate_policy::{Cause, PROBLEM_TYPE, Reason};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons")
}

#[test]
fn what_the_client_sees_is_the_codes_own() {
    for reason in Reason::ALL {
        let path = folder().join(format!("{}.md", reason.name()));
        let written = std::fs::read_to_string(&path).unwrap();
        let expected = renewed(&written, *reason);
        let expected = expected.unwrap_or_else(|| panic!("{}: no remarks", path.display()));
        if std::env::var_os("LINKGATE_BLESS").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert!(
            written == expected,
            "{} is stale: write it anew with `LINKGATE_BLESS=1 cargo test -p linkgate --test reasons`",
            path.display()
        );
    }
}

#[test]
fn every_page_says_what_it_means_and_how_to_fix_it() {
    for reason in Reason::ALL {
        let (name, text) = (reason.name(), page(*reason));
        let (title, rest) = text.split_once("\n\n").unwrap();
        assert_eq!(title, format!("# `{name}`"));
        let (meaning, rest) = rest.split_once("\n## What the client sees\n").expect(name);
        let (_, fix) = rest.split_once("\n## How to fix it\n").expect(name);
        assert!(meaning.len() > 60 && fix.len() > 60, "{name} says too little");
        let causes = causes(*reason);
        for cause in causes.iter().filter(|_| causes.len() > 1) {
            assert!(fix.contains(&format!("`{cause}`")), "{name}: nothing is said of `{cause}`");
        }
        for named in fix.split('`').skip(1).step_by(2).filter(|word| is_cause(word)) {
            assert!(causes.iter().any(|cause| cause == named) || find(named).is_some(), "{named}");
        }
    }
}

fn is_cause(word: &str) -> bool {
    Cause::all().any(|cause| cause.name() == word)
}

#[test]
fn no_page_is_left_over() {
    let names: BTreeSet<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(names.contains(name), "{name} is no reason code");
    }
}

#[test]
fn a_code_a_type_and_a_cause_lead_to_the_page() {
    for reason in Reason::ALL {
        assert_eq!(find(reason.name()), Some(*reason));
        assert_eq!(find(&format!("{PROBLEM_TYPE}{}", reason.name())), Some(*reason));
        for cause in causes(*reason).iter().filter(|cause| cause.as_str() != reason.name()) {
            // A cause may have the name of another reason's code: the code counts.
            assert!(find(cause).is_some(), "{cause}");
        }
    }
    assert_eq!(find("granted"), None, "what refuses nothing has no page");
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_shows_the_page() {
    let (code, text, _) = output(&["reason", "urn:linkgate:reason:subject-mismatch"]);
    assert_eq!((code, text.as_str()), (Some(0), plain(Reason::SubjectMismatch).as_str()));
    assert!(!text.contains("<!--"), "{text}");
    let (code, text, _) = output(&["reason", "bearer-expired"]);
    let page = plain(Reason::BearerInvalid);
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("`bearer-expired`: `exp` is past.") && text.ends_with(&page),
        "{text}"
    );
    let (code, text, _) = output(&["reason", "bearer-expired", "--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, text.lines().count()), (Some(0), 1));
    for (member, value) in [
        ("schema", "linkgate.reason/1"),
        ("reason", "bearer-invalid"),
        ("type", "urn:linkgate:reason:bearer-invalid"),
        ("error_code", "bearer-invalid"),
        ("text", Reason::BearerInvalid.wire().text),
        ("page", plain(Reason::BearerInvalid).as_str()),
    ] {
        assert_eq!(report[member], value, "{member}");
    }
    assert_eq!((&report["status"], &report["retry_after_s"]), (&401.into(), &Value::Null));
    assert_eq!(
        report["causes"].as_array().map(Vec::len),
        Some(causes(Reason::BearerInvalid).len())
    );
    let (code, text, _) = output(&["reason"]);
    assert_eq!((code, text.lines().count()), (Some(0), Reason::ALL.len()));
    for (reason, line) in Reason::ALL.iter().zip(text.lines()) {
        let wire = reason.wire();
        assert!(line.starts_with(reason.name()) && line.ends_with(wire.text), "{line}");
        assert!(line.contains(&format!("  {}  ", wire.status)), "{line}");
    }
    for (given, near) in [
        ("subject-mismatched", "subject-mismatch"),
        ("urn:linkgate:reason:bearer-invald", "bearer-invalid"),
        ("bearer-expird", "bearer-expired"),
    ] {
        let (code, _, complaints) = output(&["reason", given]);
        assert_eq!(code, Some(2), "{given}");
        assert!(complaints.contains(&format!("did you mean `{near}`?")), "{given}: {complaints}");
    }
    let (code, text, complaints) = output(&["reason", "no-such\u{1b}code"]);
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(complaints.contains("`no-such\\u{1b}code`"), "{complaints}");
}
