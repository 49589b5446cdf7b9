//! `linkgate plan`: what a link would make of two accounts, as people and programs read it.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

/// Exit code, standard output and standard error of `linkgate plan` with these files of `plan/`.
fn plan(
    config: &str,
    primary: &str,
    secondary: &str,
    more: &[&str],
) -> (Option<i32>, String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder)
        .args(["plan", "--config", config, "--primary", primary, "--secondary", secondary])
        .args(more)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A file of `plan/`; with `LINKGATE_BLESS=1` it is written anew instead.
#[track_caller]
fn is_as_in(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan").join(file);
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, expected, "{file}: is it better? LINKGATE_BLESS=1 writes it anew");
}

#[test]
fn a_merge_is_shown_key_by_key() {
    let (code, output, complaints) = plan("policy.yaml", "alice.json", "google.json", &[]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    is_as_in("kept.txt", &output);
    let (code, output, _) = plan("policy.yaml", "alice.json", "google.json", &["--format", "json"]);
    assert_eq!(code, Some(0));
    is_as_in("kept.json", &output);
}

#[test]
fn a_link_that_would_be_refused_is_said_to_be() {
    let (code, output, complaints) = plan("refuse.yaml", "alice.json", "google.json", &[]);
    assert_eq!((code, complaints.as_str()), (Some(1), ""));
    is_as_in("refused.txt", &output);
    let (code, output, _) = plan("refuse.yaml", "alice.json", "google.json", &["--format", "json"]);
    assert_eq!(code, Some(1));
    is_as_in("refused.json", &output);
}

#[test]
fn a_file_that_is_wrong_is_named() {
    for (row, config, primary, secondary, part) in [
        ("no such file", "policy.yaml", "nobody.json", "google.json", "cannot read `nobody.json`"),
        ("no JSON", "policy.yaml", "alice.json", "policy.yaml", "policy.yaml: expected JSON"),
        (
            "no merging",
            "plain.yaml",
            "alice.json",
            "google.json",
            "expected `metadata`, found none: a link then loses the metadata of the second account",
        ),
        ("no policy", "alice.json", "alice.json", "google.json", "nothing is planned"),
    ] {
        let (code, output, complaints) = plan(config, primary, secondary, &[]);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{row}");
        assert!(complaints.contains(part), "{row}: {complaints}");
    }
}

/// One of the accounts comes from a pipe.
#[test]
fn an_account_is_read_from_standard_input() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let run = |primary: &str, secondary: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
            .current_dir(&folder)
            .args([
                "plan",
                "--config",
                "policy.yaml",
                "--primary",
                primary,
                "--secondary",
                secondary,
            ])
            .stdin(std::fs::File::open(folder.join("alice.json")).unwrap())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, output, complaints) = run("-", "google.json");
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert_eq!(output, std::fs::read_to_string(folder.join("kept.txt")).unwrap());
    let (code, _, complaints) = run("-", "-");
    assert_eq!(code, Some(2));
    assert!(complaints.contains("expected two accounts"), "{complaints}");
}
