//! `linkgate check`: what is shown of ten realistic mistakes, and in which forms.
#![cfg(test)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit code, standard output and standard error of `linkgate check` in the folder `check/`.
fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder())
        .env_remove("LINKGATE_SECRET_SESSION")
        .arg("check")
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check")
}

/// A file of `check/`; with `LINKGATE_BLESS=1` it is written anew instead.
#[track_caller]
fn is_as_in(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{file}: is it better? LINKGATE_BLESS=1 writes it anew");
}

/// Policies with mistakes. Each is beside what is shown of it.
const MISTAKEN: [&str; 12] = [
    "algorithms.yaml",
    "bare.yaml",
    "browser.yaml",
    "empty.yaml",
    "form.yaml",
    "keys.yaml",
    "metadata.yaml",
    "misspelt.yaml",
    "private_key.json",
    "secret.yaml",
    "shadow.yaml",
    "twice.yaml",
];

#[test]
fn mistakes_are_told_so_that_a_newcomer_can_act() {
    for policy in MISTAKEN {
        let (code, output, complaints) = check(&[policy]);
        assert_eq!((code, complaints.as_str()), (Some(1), ""), "{policy}");
        assert!(!output.contains('\u{1b}'), "colour without a terminal");
        is_as_in(&Path::new(policy).with_extension("txt").display().to_string(), &output);
    }
}

#[test]
fn a_secret_in_the_policy_is_not_repeated() {
    let secrets =
        ["kX9-not-for-anybodys-eyes", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "hunter2"];
    for policy in ["secret.yaml", "private_key.json"] {
        let text = std::fs::read_to_string(folder().join(policy)).unwrap();
        assert!(secrets.iter().any(|secret| text.contains(secret)), "{policy} holds one");
        for format in ["human", "json", "github"] {
            let (_, output, _) = check(&[policy, "--format", format]);
            for secret in secrets {
                assert!(!output.contains(secret), "{policy} {format}: {output}");
            }
        }
    }
}

/// Wherever credentials belong, in whatever shape a secret was put there.
#[test]
fn a_secret_is_not_repeated_in_any_shape() {
    const SECRET: &str = "kX9vS3cr3t";
    let head = "version: 1\nissuers: [{ issuer: https://t.example/, audiences: [api] }]\n";
    for service in [
        "service: { client_id: x, client_secrt: SECRET }",
        "service: { client_id: x, client_secret: [SECRET] }",
        "service: { client_id: x, client_secret: { value: SECRET } }",
        "service: { client_id: x, client_secret: NAME, client_secret: SECRET }",
        "service: client_secret=SECRET",
        "service: [SECRET]",
        "service: { client_id: x, key: SECRET, token_url: 7 }",
    ] {
        let policy =
            format!("{head}metadata: {{ credentials: service, include: [a], {service} }}\n")
                .replace("SECRET", SECRET);
        let (code, output) = check_text("evaluator", &policy);
        assert_eq!(code, Some(1), "{service}: {output}");
        assert!(!output.contains(SECRET), "{service}: {output}");
    }
}

/// Exit code and standard output for a policy on standard input.
fn check_text(edition: &str, policy: &str) -> (Option<i32>, String) {
    check_text_with(&["--edition", edition], policy)
}

/// The same, with these arguments.
fn check_text_with(arguments: &[&str], policy: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .arg("check")
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(policy.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_policy_of_the_folder_is_tried() {
    let tried: Vec<&str> = MISTAKEN.into_iter().chain(["good.yaml", "unwise.yaml"]).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_policy = path.extension().is_some_and(|extension| extension == "yaml");
        assert!(!is_policy || tried.contains(&name), "{name}");
    }
}

#[test]
fn what_is_unwise_is_told_and_does_not_fail_unless_asked() {
    let (code, output, complaints) = check(&["unwise.yaml"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    is_as_in("unwise.txt", &output);
    let (code, again, _) = check(&["--deny-warnings", "unwise.yaml"]);
    assert_eq!((code, again), (Some(1), output));
    let (code, output, _) = check(&["--deny-warnings", "good.yaml"]);
    assert_eq!((code, output.as_str()), (Some(0), "good.yaml: ok\n"));
}

#[test]
fn programs_are_told_the_same() {
    let files = ["good.yaml", "unwise.yaml", "misspelt.yaml", "form.yaml"];
    let (code, output, _) = check(&[["--format", "json"].as_slice(), &files].concat());
    assert_eq!((code, output.lines().count()), (Some(1), 1));
    let report: Value = serde_json::from_str(&output).unwrap();
    is_as_in("report.json", &format!("{report:#}\n"));
    let (code, output, _) = check(&[["--format", "github"].as_slice(), &files].concat());
    assert_eq!(code, Some(1));
    is_as_in("report.github", &output);
}

/// Policies that are read and cannot work: no token is accepted under them, or no page is let in.
#[test]
fn false_green_5_a_policy_that_cannot_work_is_not_ok() {
    let policy = |issuer: &str, more: &str| {
        format!(
            "version: 1\nissuers:\n  - issuer: {issuer}\n    audiences: [https://api.acme.test/]\n{more}"
        )
    };
    for (name, text) in [
        ("issuer-slash", policy("https://acme.eu.auth0.com", "")),
        (
            "audience-slash",
            "version: 1\nissuers:\n  - issuer: https://acme.eu.auth0.com/\n    audiences: [https://acme.eu.auth0.com/api/v2]\n".to_owned(),
        ),
        ("placeholder", policy("https://TENANT.auth0.com/", "")),
        (
            "placeholder",
            policy("https://login.acme.test/", "cors: { origins: [https://app.example] }\n"),
        ),
        ("placeholder", policy("https://your-tenant.auth0.com/", "")),
        (
            "entra-tenant",
            policy(
                "https://login.microsoftonline.com/common/v2.0",
                "    scopes: [Accounts.Link]\n",
            ),
        ),
        (
            "entra-tenant",
            policy(
                "https://login.microsoftonline.com/organizations/v2.0",
                "    scopes: [Accounts.Link]\n",
            ),
        ),
        (
            "scopes-foreign",
            policy("https://acme.okta.com/oauth2/default", "    client_claim: cid\n"),
        ),
        ("scopes-foreign", policy("https://sso.acme.test/realms/main", "")),
    ] {
        let (code, output) = check_text_with(&["--deny-warnings"], &text);
        assert_eq!(code, Some(1), "{name}: {text}\n{output}");
        assert!(output.contains(&format!("warning[{name}]")), "{name}: {output}");
        let accepted = format!("{text}allow: [{name}]\n");
        let (code, output) = check_text_with(&["--deny-warnings"], &accepted);
        assert_eq!(code, Some(0), "{name}: {output}");
        assert!(output.ends_with("-: ok, 1 warning accepted\n"), "{name}: {output}");
        assert!(output.contains(": accepted: "), "{name}: {output}");
        assert!(output.contains(&format!(" [{name}]\n")), "{name}: {output}");
    }
}

/// A name is what a policy accepts a warning by, so people have to find it.
#[test]
fn every_warning_has_a_row_in_the_documentation() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let page = std::fs::read_to_string(page).unwrap();
    for name in linkgate_policy::WARNINGS.into_iter().chain([linkgate_policy::ALLOW_UNUSED]) {
        assert!(page.contains(&format!("\n| `{name}` | ")), "docs/commands.md has no row `{name}`");
    }
}

#[test]
fn a_folder_is_checked_and_ready_policies_pass() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let check = |folder: &str, arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
            .current_dir(root.join(folder))
            .arg("check")
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, output) = check("examples/policies", &["--deny-warnings", "."]);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("okta.yaml: ok, "), "{output}");
    let (code, output) = check("examples", &["policy-repo"]);
    let lines: Vec<&str> = output.lines().filter(|line| !line.contains(": accepted: ")).collect();
    let [whole] = lines.as_slice() else { panic!("{output}") };
    assert!(code == Some(0) && whole.starts_with("policy-repo/policy.yaml: ok, "), "{output}");
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(&root)
        .args(["check", "examples/operations"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "what is no policy is not passed over");
}

/// Whatever the ending of its name: a policy that is passed over is unchecked without a sign.
#[test]
fn a_folder_is_checked_whatever_the_endings_of_its_files() {
    let folder = std::env::temp_dir().join(format!("linkgate-{}-endings", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bad = "{ \"version\": 2, \"issuers\": [] }";
    let files = ["a.json", "b.YAML", "c.YML", "d.Json", "e.yml"];
    for file in files {
        std::fs::write(folder.join(file), bad).unwrap();
    }
    for (file, text) in [
        ("keys.json", "{ \"keys\": [] }"),
        ("package.json", "{ \"version\": \"1.0.0\" }"),
        ("broken.json", "{ \"issuers\": "),
        ("cases.json", "{ \"policy\": \"a.json\", \"cases\": [] }"),
    ] {
        std::fs::write(folder.join(file), text).unwrap();
    }
    let (code, output, _) = check(&[folder.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(code, Some(1), "{output}");
    for file in files.into_iter().chain(["broken.json"]) {
        let name = format!("{}: ", folder.join(file).display());
        assert!(output.lines().any(|line| line.starts_with(&name)), "{file}: {output}");
    }
    for file in ["keys.json", "package.json", "cases.json"] {
        assert!(!output.contains(file), "{file}: {output}");
    }
}

/// Once the names are filled in, the line that accepts placeholders is left over, and is said so.
#[test]
fn a_template_that_is_filled_in_has_nothing_to_accept() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/okta.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let text =
        text.replace("ORG.okta.com", "acme.okta.com").replace("app.example", "app.acme.test");
    let (code, output) = check_text_with(&["--deny-warnings"], &text);
    assert!(code == Some(1) && output.contains("warning[allow-unused]"), "{output}");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("allow:")).collect();
    let text = kept.join("\n");
    let (code, output) = check_text_with(&["--deny-warnings"], &text);
    assert_eq!((code, output.as_str()), (Some(0), "-: ok\n"));
}

/// A policy whose `issuers` is misspelt is no policy by its look: that it was passed over is said.
#[test]
fn json_that_may_be_a_policy_is_not_left_out_without_a_word() {
    let own = std::env::temp_dir().join(format!("linkgate-{}-left-out", std::process::id()));
    std::fs::create_dir_all(&own).unwrap();
    std::fs::copy(folder().join("good.yaml"), own.join("a.yaml")).unwrap();
    std::fs::write(own.join("d.json"), r#"{"version": 1, "issuer": []}"#).unwrap();
    std::fs::write(own.join("package.json"), r#"{"version": "1.0.0"}"#).unwrap();
    let (code, _, complaints) = check(&[own.to_str().unwrap()]);
    std::fs::remove_dir_all(&own).unwrap();
    let said = format!("left out: {} (no issuers)\n", own.join("d.json").display());
    assert_eq!((code, complaints), (Some(0), said));
}

/// What an edition's hosts cannot do is a mistake for it alone.
#[test]
fn a_policy_is_looked_over_for_the_edition_that_it_is_for() {
    let policy = "version: 1\nissuers: [{ issuer: https://t.example/, audiences: [api] }]\nmetadata: { credentials: service, service: { client_id: a, client_secret: A }, include: [a] }\n";
    for (edition, mistakes) in [
        ("evaluator", &[][..]),
        ("envoy", &[]),
        ("proxy", &["metadata.service"]),
        ("middleware", &["metadata.service"]),
    ] {
        let (code, output) = check_text(edition, policy);
        assert_eq!(code, Some(i32::from(!mistakes.is_empty())), "{edition}: {output}");
        for place in mistakes {
            assert!(output.contains(&format!("error: {place}")), "{edition}: {output}");
        }
    }
}

#[test]
fn what_cannot_be_looked_at_is_another_exit_code() {
    for (arguments, part) in [
        ([].as_slice(), "FILE"),
        (&["nowhere.yaml"], "cannot read the policy `nowhere.yaml`"),
        (&["good.yaml", "--format", "xml"], "xml"),
    ] {
        let (code, output, complaints) = check(arguments);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(complaints.contains(part), "{complaints}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder())
        .args(["check", "unwise.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
}

#[test]
fn a_secret_that_is_there_is_looked_at_and_never_shown() {
    let output = |value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
            .current_dir(folder())
            .env("LINKGATE_SECRET_SESSION", value)
            .args(["check", "unwise.yaml"])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, short) = output("tooshort");
    assert_eq!(code, Some(1));
    assert!(short.contains("unwise.yaml:7:18: error: issuers[0].hmac_secret: expected a secret of at least 32 bytes"), "{short}");
    assert!(!short.contains("tooshort"), "{short}");
}
