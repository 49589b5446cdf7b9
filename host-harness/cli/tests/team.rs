//! `linkgate test`: the example repository, the recorded run of `docs/testing-a-policy.md`, mistakes, forms and
//! exit codes. The component has to be built: `cargo xtask components`.
#![cfg(test)]

use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit code, standard output and standard error of `linkgate test` in a folder.
fn test(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    linkgate(folder, &[&["test"], arguments].concat())
}

/// Exit code, standard output and standard error of `linkgate` in a folder, without a terminal.
fn linkgate(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example() -> PathBuf {
    root().join("examples/policy-repo")
}

/// A folder of one test's own, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("linkgate-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("cases")).unwrap();
        Self(folder)
    }

    /// A copy of the example repository.
    fn of_example(name: &str) -> Self {
        let folder = Self::new(name);
        for file in ["policy.yaml", "cases/link.yaml", "cases/unlink.yaml", "cases/around.yaml"] {
            std::fs::copy(example().join(file), folder.0.join(file)).unwrap();
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn is_as_in(path: &Path, found: &str) {
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(path, found).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{}: is it better? LINKGATE_BLESS=1 writes it anew",
        path.display()
    );
}

#[test]
fn the_example_repository_holds_and_every_rule_is_shown() {
    let (code, output, complaints) = test(&example(), &["--deny-untouched", "."]);
    assert_eq!((code, complaints.as_str()), (Some(0), "20 cases, all hold\n"), "{output}");
    assert!(output.ends_with("20 cases, all hold\n"), "{output}");
    assert!(!output.contains('\u{1b}'), "colour without a terminal");
    let checked = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(example())
        .args(["check", "--deny-warnings", "policy.yaml"])
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(0), "as the CI snippets have it");
}

/// The page's commands in their order, each with the line that is taken out of the policy before it.
const RECORDED: [(&str, &[&str]); 3] = [
    ("", &["cases/"]),
    ("      email_verified: true\n", &["cases/"]),
    ("", &["--filter", "not verified", "cases/"]),
];

/// The run that the page shows is what the command prints.
#[test]
fn the_recorded_run_is_true() {
    let page = root().join("docs/testing-a-policy.md");
    let mut text = std::fs::read_to_string(&page).unwrap();
    let folder = Folder::of_example("recorded");
    for (number, (dropped, arguments)) in RECORDED.into_iter().enumerate() {
        let policy = std::fs::read_to_string(folder.0.join("policy.yaml")).unwrap();
        assert!(policy.contains(dropped), "the policy has no `{dropped}`");
        folder.write("policy.yaml", &policy.replace(dropped, ""));
        let (code, output, _) = test(&folder.0, arguments);
        let shown: Vec<String> = arguments
            .iter()
            .map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() })
            .collect();
        let code = code.unwrap();
        let block = format!("$ linkgate test {}\n{output}$ echo $?\n{code}\n```", shown.join(" "));
        let mark = format!("<!-- recorded: {} -->\n```console\n", number + 1);
        let (before, rest) = text.split_once(&mark).unwrap_or_else(|| panic!("no {mark}"));
        let (_, after) = rest.split_once("```").unwrap();
        text = format!("{before}{mark}{block}{after}");
    }
    is_as_in(&page, &text);
}

#[test]
fn mistakes_are_told_with_their_place_and_nothing_is_played() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/team");
    for file in ["form.yaml", "names.yaml", "policy.yaml", "bad_policy.yaml"] {
        let (code, output, complaints) = test(&folder, &[file]);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{file}: {complaints}");
        is_as_in(&folder.join(file).with_extension("txt"), &complaints);
    }
    let (code, output, complaints) = test(&folder, &["--format", "json", "form.yaml"]);
    assert_eq!((code, complaints.as_str()), (Some(2), "linkgate: nothing was played\n"));
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(report["schema"], "linkgate.check/1");
    assert_eq!(report["files"][0]["findings"][0]["line"], 2, "{output}");
}

#[test]
fn a_failing_case_is_told_to_programs() {
    let folder = Folder::of_example("programs");
    let policy = std::fs::read_to_string(folder.0.join("policy.yaml")).unwrap();
    folder.write("policy.yaml", &policy.replace("email_verified: true", "email_verified: false"));
    let (code, output, complaints) = test(&folder.0, &["--format", "json", "cases"]);
    assert_eq!((code, complaints.as_str()), (Some(3), "20 cases, 1 fails\n"));
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((&report["schema"], &report["cases"]), (&"linkgate.test/1".into(), &20.into()));
    assert_eq!((&report["failed"], &report["broken"]), (&1.into(), &0.into()));
    let failed: Vec<&Value> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| case["holds"] == false)
        .collect();
    let [failed] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(failed["file"], "cases/link.yaml");
    assert_eq!(failed["expected"]["reason"], "link-with-email-unverified");
    assert_eq!(failed["found"]["reason"], "granted");
    assert_eq!(failed["rules"][0], "policy.yaml:9: issuers[0].secondary.email_verified");
    assert_eq!(failed["differences"][0]["what"], "outcome");
    let rules = report["coverage"][0]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["touched"] == true), "{output}");
    let reasons = report["coverage"][0]["reasons"].as_array().unwrap();
    let unseen = reasons.iter().find(|one| one["reason"] == "same-account").unwrap();
    assert_eq!(unseen["seen"], false);

    let (code, output, _) = test(&folder.0, &["--format", "junit", "cases"]);
    assert_eq!(code, Some(3));
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        lines.get(1),
        Some(&"<testsuites name=\"linkgate\" tests=\"30\" failures=\"1\" errors=\"0\">")
    );
    assert_eq!(output.matches("<testcase ").count(), 30);
    assert!(
        output.contains("<failure message=\"expected denied, link-with-email-unverified\">"),
        "{output}"
    );
}

#[test]
fn a_rule_that_no_case_shows_is_named() {
    let folder = Folder::new("untouched");
    let policy = std::fs::read_to_string(example().join("policy.yaml")).unwrap();
    folder.write("policy.yaml", &policy);
    let case =
        "policy: ../policy.yaml\ncases:\n  - { title: A link, request: link, expect: allowed }\n";
    folder.write("cases/link.yaml", case);
    let (code, output, _) = test(&folder.0, &["cases"]);
    assert_eq!(code, Some(0), "{output}");
    for line in [
        "policy.yaml: 1 of 11 rules touched, 0 of 29 reason codes seen",
        "line 6   issuers[0].max_token_age             refused: bearer-too-old",
        "default  issuers[0].scopes                    refused: bearer-scope",
        "line 10  profile                              a user who reads their own profile",
    ] {
        assert!(output.contains(line), "`{line}` is not in\n{output}");
    }
    let (code, output, _) = test(&folder.0, &["--deny-untouched", "cases"]);
    assert_eq!(code, Some(3), "{output}");
    assert!(output.contains("shown by no case: refused, as `--deny-untouched` asks"), "{output}");
}

#[test]
fn without_a_case_it_does_not_pass() {
    let folder = Folder::of_example("none");
    for (arguments, why) in [
        (&["policy.yaml"][..], "expected a file of cases, found a policy"),
        (&["--filter", "nope", "."], "found none among 20"),
        (&["nowhere"], "cannot read `nowhere`"),
        (&["--component", "nowhere.wasm", "cases"], "nowhere.wasm"),
        (&["--deny-untouched", "--filter", "x", "cases"], "cannot be used with"),
        (&[], "required"),
    ] {
        let (code, output, complaints) = test(&folder.0, arguments);
        let expected = if arguments.contains(&"--component") { 1 } else { 2 };
        assert_eq!((code, output.as_str()), (Some(expected), ""), "{arguments:?}: {complaints}");
        assert!(complaints.contains(why), "{arguments:?}: {complaints}");
    }
    std::fs::remove_dir_all(folder.0.join("cases")).unwrap();
    let (code, _, complaints) = test(&folder.0, &["."]);
    assert_eq!((code, complaints.as_str()), (Some(2), "linkgate: expected cases, found none\n"));
}

/// A policy with one rule, and its cases in two folders, each of which shows a part of it.
fn two_folders(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write(
        "policy.yaml",
        "version: 1\nissuers:\n  - { issuer: https://t.example/, audiences: [api], secondary: { max_age: off } }\n",
    );
    for (inner, cases) in [
        (
            "cases/a",
            "  - { title: link, request: link, expect: allowed }\n  - { title: other, request: link, bearer: { claims: { sub: '{{other}}' } }, expect: subject-mismatch }\n  - { title: audience, request: link, bearer: { claims: { aud: x } }, expect: bearer-audience-mismatch }\n",
        ),
        (
            "cases/b",
            "  - { title: unlink, request: unlink, expect: allowed }\n  - { title: scope, request: link, bearer: { claims: { scope: x } }, expect: bearer-scope }\n",
        ),
    ] {
        std::fs::create_dir_all(folder.0.join(inner)).unwrap();
        folder.write(
            &format!("{inner}/cases.yaml"),
            &format!("policy: ../../policy.yaml\ncases:\n{cases}"),
        );
    }
    folder
}

#[test]
fn false_green_2_a_policy_is_one_policy_wherever_its_cases_lie() {
    let folder = two_folders("folders");
    let (code, output, complaints) =
        test(&folder.0, &["--deny-untouched", "--format", "json", "cases"]);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(report["coverage"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(code, Some(0), "every rule is shown by one of the two: {report:#}{complaints}");
    let whole = folder.0.join("cases").display().to_string();
    let (code, output, _) = test(&folder.0, &["--format", "json", &whole, "cases/b"]);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["cases"]), (Some(0), &5.into()), "each file once: {report:#}");
    assert_eq!(report["coverage"].as_array().unwrap().len(), 1, "{report:#}");
}

#[test]
fn false_green_3_every_form_of_the_report_carries_an_uncovered_rule() {
    let folder = two_folders("uncovered");
    std::fs::remove_dir_all(folder.0.join("cases/b")).unwrap();
    let run = |arguments: &[&str]| test(&folder.0, &[arguments, &["cases"]].concat());
    for (format, denied, parts) in [
        (
            "junit",
            true,
            [
                "<testsuites name=\"linkgate\" tests=\"8\" failures=\"2\" errors=\"0\">",
                "<testsuite name=\"policy.yaml\" tests=\"5\" failures=\"2\"",
                "<testcase classname=\"policy.yaml\" name=\"issuers[0].scopes: refused: bearer-scope\" file=\"policy.yaml\"",
                "<failure message=\"no case shows it: refused: bearer-scope\"",
            ],
        ),
        (
            "junit",
            false,
            [
                "<testsuites name=\"linkgate\" tests=\"8\" failures=\"0\" errors=\"0\">",
                "<testsuite name=\"policy.yaml\" tests=\"5\" failures=\"0\"",
                "name=\"issuers[0].scopes: refused: bearer-scope\"",
                "<skipped message=\"no case shows it: refused: bearer-scope\"",
            ],
        ),
        (
            "github",
            true,
            ["::error file=policy.yaml", ",line=3", "issuers[0].scopes", "no case shows"],
        ),
        (
            "github",
            false,
            ["::warning file=policy.yaml", ",line=3", "issuers[0].issuer", "no case shows"],
        ),
    ] {
        let deny: &[&str] = if denied { &["--deny-untouched"] } else { &[] };
        let (code, output, complaints) = run(&[&["--format", format], deny].concat());
        assert_eq!(code, Some(if denied { 3 } else { 0 }), "{format} {denied}: {complaints}");
        for part in parts {
            assert!(output.contains(part), "{format} {denied}: no `{part}` in\n{output}");
        }
        let summary = if denied { "2 rules shown by no case" } else { "3 cases, all hold" };
        assert!(complaints.contains(summary), "{format} {denied}: {complaints}");
    }
}

/// `exp: now-2` was a text, so the token was refused for its type, and the case for an expired one was green.
#[test]
fn false_green_4_a_time_that_is_no_time_is_a_mistake() {
    let folder = two_folders("times");
    let file = "cases/b/cases.yaml";
    for written in [
        "exp: now-2",
        "exp: now -2s",
        "exp: Now-2s",
        "nbf: now+1w",
        "iat: nowish",
        "deep: { at: [now-2] }",
        "other: now-2",
    ] {
        folder.write(
            file,
            &format!("policy: ../../policy.yaml\ncases:\n  - title: t\n    request: link\n    bearer: {{ claims: {{ {written} }} }}\n    expect: denied\n"),
        );
        let (code, output, complaints) = test(&folder.0, &[file]);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{written}: {complaints}");
        let found = written
            .split_once(": ")
            .unwrap()
            .1
            .trim_start_matches("{ at: [")
            .trim_end_matches("] }");
        assert!(complaints.contains(&format!("found `{found}`")), "{written}: {complaints}");
        assert!(complaints.contains(&format!("{file}:5:")), "{written}: {complaints}");
    }
    let good = ["nickname: nowak", "city: now here", "deep: { at: [now-2s] }", "exp: now-61s"];
    let cases = good.iter().map(|good| {
        let expect = if good.starts_with("exp") { "bearer-expired" } else { "allowed" };
        format!("  - {{ title: '{good}', request: unlink, bearer: {{ claims: {{ {good} }} }}, expect: {expect} }}\n")
    });
    let cases = format!("policy: ../../policy.yaml\ncases:\n{}", cases.collect::<String>());
    folder.write(file, &cases);
    let (code, output, complaints) = test(&folder.0, &[file]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

#[test]
fn a_number_and_a_name_that_cannot_be_meant_are_said_in_our_words() {
    let folder = two_folders("words");
    folder.write(
        "cases/b/cases.yaml",
        "policy: ../../policy.yaml\ncases:\n  - { title: t, request: profil, bearer: valid-barer, expect: allowed }\n",
    );
    for (arguments, part) in [
        (&["cases"][..], "no shared request `profil`: did you mean `profile`?"),
        (&["--threads", "0", "cases"], "expected a whole number, 1 or more"),
    ] {
        let (code, _, complaints) = test(&folder.0, arguments);
        assert_eq!(code, Some(2), "{complaints}");
        assert!(complaints.contains(part), "{arguments:?}: {complaints}");
    }
}

/// Of a file that cannot be read as cases, of a case that cannot be made, of a policy: all at once.
#[test]
fn all_mistakes_of_all_files_are_reported_in_one_run() {
    let folder = two_folders("mistakes");
    folder.write("cases/a/form.yaml", "policy: ../../policy.yaml\ncasess: []\n");
    folder.write(
        "cases/a/names.yaml",
        "policy: ../../policy.yaml\ncases:\n  - { title: t, request: nowhere, expect: allowed }\n",
    );
    folder.write(
        "cases/a/policy.yaml",
        "policy: ../absent.yaml\ncases:\n  - { title: t, request: link, expect: allowed }\n",
    );
    folder.write("bad.yaml", "version: 2\nissuers: []\n");
    folder.write(
        "cases/b/bad.yaml",
        "policy: ../../bad.yaml\ncases:\n  - { title: t, request: link, expect: allowed }\n",
    );
    std::fs::write(folder.0.join("cases/b/bytes.yaml"), b"\xff\xfe").unwrap();
    let (code, output, complaints) = test(&folder.0, &["cases"]);
    assert_eq!((code, output.as_str()), (Some(2), ""), "{complaints}");
    for part in [
        "cases/a/form.yaml:2:1: error",
        "no shared request `nowhere`",
        "cases/a/policy.yaml:1:9: error",
        "bad.yaml:1:10: error",
        "cannot read `cases/b/bytes.yaml`",
    ] {
        assert!(complaints.contains(part), "no `{part}` in\n{complaints}");
    }
}

/// The forms for CI are in [`false_green_3_every_form_of_the_report_carries_an_uncovered_rule`].
#[test]
fn a_summary_is_always_on_standard_error() {
    let folder = two_folders("summary");
    for format in ["human", "json"] {
        let (code, _, complaints) = test(&folder.0, &["--format", format, "cases"]);
        assert_eq!((code, complaints.as_str()), (Some(0), "5 cases, all hold\n"), "{format}");
    }
}

/// Each file is measured; a case that fails is no measurement.
#[test]
fn decisions_a_second_are_measured_for_each_file() {
    let folder = two_folders("bench");
    let arguments = ["bench", "--rounds", "1", "--format", "json", "cases"];
    let (code, output, complaints) = linkgate(&folder.0, &arguments);
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
    let report: Value = serde_json::from_str(&output).unwrap();
    let files = report["files"].as_array().unwrap();
    assert_eq!((files.len(), &report["schema"]), (2, &Value::from("linkgate.bench/1")));
    assert!(files.iter().all(|file| file["per_second"].as_f64().unwrap() > 1.0), "{report:#}");
    folder.write(
        "cases/b/cases.yaml",
        "policy: ../../policy.yaml\ncases:\n  - { title: t, request: link, expect: denied }\n",
    );
    let (code, output, complaints) = linkgate(&folder.0, &["bench", "cases"]);
    assert_eq!((code, output.as_str()), (Some(3), ""), "{complaints}");
    let (code, _, complaints) = linkgate(&folder.0, &["bench", "nowhere"]);
    assert_eq!(code, Some(2), "{complaints}");
}

#[test]
fn a_filter_ignores_case() {
    let (code, output, complaints) = test(&example(), &["--filter", "NOT Verified", "cases"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
    assert!(output.contains("1 case"), "{output}");
}

/// Plays again when a case or the policy changes. Each line is waited for: nothing here depends on time.
#[test]
fn watching_plays_again_when_a_file_changes() {
    let folder = two_folders("watch");
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(&folder.0)
        .args(["test", "--watch", "cases"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let mut until = |end: &str| lines.find(|line| line.ends_with(end));
    assert_eq!(until("all hold").as_deref(), Some("5 cases, all hold"));
    let policy = std::fs::read_to_string(folder.0.join("policy.yaml")).unwrap();
    folder.write("policy.yaml", &policy.replace("[api]", "[api], scopes: [y]"));
    assert!(until("all hold").is_some(), "tokens have the policy's scopes");
    folder.write("policy.yaml", "version: 3\n");
    folder.write("policy.yaml", &policy);
    folder.write(
        "cases/b/cases.yaml",
        "policy: ../../policy.yaml\ncases:\n  - { title: t, request: link, expect: denied }\n",
    );
    assert!(until("1 fails").is_some());
    // The program that held the other end is gone.
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// A job of CI has no terminal and no input: it must not wait for ever.
#[test]
fn watching_ends_where_there_is_nothing_to_wait_for() {
    let folder = two_folders("watch-ends");
    let (code, output, complaints) = test(&folder.0, &["--watch", "cases"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

/// Nothing is enforced under such a policy, so that all is green says nothing yet.
#[test]
fn false_green_6_a_policy_in_shadow_is_in_every_form_of_the_report() {
    let folder = two_folders("shadow");
    let policy = std::fs::read_to_string(folder.0.join("policy.yaml")).unwrap();
    let day = |days: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let unix_ms = u64::try_from(now.as_millis()).unwrap() + days * 86_400_000;
        linkgate_policy::Time { unix_ms }.to_string().chars().take(10).collect::<String>()
    };
    let until = day(10);
    folder.write("policy.yaml", &format!("{policy}shadow: {{ until: {until} }}\n"));
    let said = format!("in shadow until {until}: nothing is enforced");
    for (form, mark) in [
        ("human", format!("`policy.yaml` is {said}")),
        (
            "json",
            format!(
                "\"shadows\":[{{\"policy\":\"policy.yaml\",\"until\":\"{until}\",\"rules\":[]}}]"
            ),
        ),
        ("junit", format!("<skipped message=\"{said}\"/>")),
        ("github", "::warning file=policy.yaml,line=".to_owned()),
    ] {
        let arguments = ["--format", form, "--filter", "", "cases"];
        let (code, output, complaints) = test(&folder.0, &arguments);
        assert_eq!(code, Some(0), "{form}: {output}{complaints}");
        assert!(output.contains(&mark), "{form}: {output}");
        assert!(complaints.contains(&said), "{form}: {complaints}");
        let arguments = ["--deny-shadow", "--format", form, "cases"];
        let (code, output, complaints) = test(&folder.0, &arguments);
        assert_eq!(code, Some(3), "{form}: {output}");
        assert!(complaints.contains("1 policy in shadow: refused, as"), "{form}: {complaints}");
        let denied = mark.replace("<skipped", "<failure").replace("::warning", "::error");
        assert!(output.contains(&denied), "{form}: {output}");
    }
    let rule = policy.replacen("audiences: [api],", "audiences: [api], shadow: [scopes],", 1);
    folder.write("policy.yaml", &rule);
    let unlink = "  - { title: unlink, request: unlink, expect: allowed }\n";
    folder.write("cases/b/cases.yaml", &format!("policy: ../../policy.yaml\ncases:\n{unlink}"));
    for (form, mark) in [
        ("human", "rules in shadow: issuers[0].scopes"),
        ("json", "\"until\":null,\"rules\":[\"issuers[0].scopes\"]"),
        ("junit", "<failure message=\"rules in shadow: issuers[0].scopes\"/>"),
        ("github", "::error file=policy.yaml,line="),
    ] {
        let (code, output, complaints) =
            test(&folder.0, &["--deny-shadow", "--format", form, "cases"]);
        assert_eq!(code, Some(3), "{form}: {output}{complaints}");
        assert!(output.contains(mark), "{form}: {output}");
        assert!(complaints.contains("rules in shadow: issuers[0].scopes"), "{form}: {complaints}");
    }
    let past = format!("{policy}shadow: {{ until: 2026-01-10 }}\n");
    folder.write("policy.yaml", &past);
    let (code, _, complaints) = test(&folder.0, &["--deny-shadow", "cases"]);
    assert_eq!((code, complaints.contains("shadow")), (Some(0), false), "{complaints}");
}

/// For every kind of issuer, with names that are given and with none: no warning, every case passes, every rule is shown.
#[test]
fn what_init_writes_passes_at_once() {
    let folder = Folder::new("init");
    std::fs::remove_dir_all(folder.0.join("cases")).unwrap();
    for (kind, issuer, audience) in [
        ("auth0", "acme.eu.auth0.com", None),
        ("keycloak", "https://sso.acme.test/realms/main", Some("https://accounts.acme.test/")),
        ("okta", "https://acme.okta.com/oauth2/default", Some("api://acme")),
        ("entra", "8f2c", Some("f00d")),
        ("cognito", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x", Some("c1")),
        ("plain", "https://login.acme.test", Some("https://accounts.acme.test/ 1")),
    ] {
        for root in ["a", "b"] {
            folder.write(&format!("{kind}/{root}/.git/HEAD"), "");
        }
        let (code, output, complaints) =
            linkgate(&folder.0, &["init", "--kind", kind, "--ci", "gitlab", &format!("{kind}/a")]);
        assert_eq!((code, complaints.as_str()), (Some(0), ""), "{kind}: {output}");
        assert!(
            output.contains(&format!("linkgate test --deny-untouched {kind}/a/cases")),
            "{output}"
        );
        let own = format!("{kind}/b");
        let mut arguments = vec![
            "init",
            "--kind",
            kind,
            "--issuer",
            issuer,
            "--origin",
            "https://app.acme.test",
            &own,
        ];
        arguments.extend(audience.iter().flat_map(|audience| ["--audience", audience]));
        let (code, output, complaints) = linkgate(&folder.0, &arguments);
        assert_eq!((code, complaints.as_str()), (Some(0), ""), "{kind}: {output}");
        let read = |name: &str| std::fs::read_to_string(folder.0.join(kind).join(name)).unwrap();
        assert!(read("a/policy.yaml").contains("\nallow: [placeholder]"), "{kind}");
        assert!(!read("b/policy.yaml").contains("allow:"), "{kind}");
        assert!(read("a/.gitlab-ci.yml").contains("linkgate test"), "{kind}");
        assert!(read("b/.github/workflows/policy.yml").contains("--format github"), "{kind}");
    }
    for (kind, issuer, more, written) in [
        (
            "keycloak",
            "https://sso.acme.test/realms/main/",
            None,
            "issuer: https://sso.acme.test/realms/main\n",
        ),
        (
            "okta",
            "https://acme.okta.com/oauth2/default/",
            None,
            "issuer: https://acme.okta.com/oauth2/default\n",
        ),
        ("auth0", "https://acme.eu.auth0.com", None, "[https://acme.eu.auth0.com/api/v2/]"),
        (
            "auth0",
            "https://login.acme.test",
            Some("https://acme.auth0.com/api/v2/"),
            "issuer: https://login.acme.test/\n",
        ),
    ] {
        let other = Folder::new("init-slash");
        let mut arguments = vec!["init", "--kind", kind, "--issuer", issuer, "own"];
        arguments.extend(more.iter().flat_map(|audience| ["--audience", audience]));
        let (code, output, complaints) = linkgate(&other.0, &arguments);
        assert_eq!((code, complaints.as_str()), (Some(0), ""), "{issuer}: {output}");
        assert!(output.starts_with("the issuer is written as its tokens name it: "), "{output}");
        assert!(output.contains("LINKGATE_IMAGE"), "{output}");
        let policy = std::fs::read_to_string(other.0.join("own/policy.yaml")).unwrap();
        assert!(policy.contains(written), "{policy}");
    }
    let (code, output, complaints) = linkgate(&folder.0, &["check", "--deny-warnings", "."]);
    let good = output.lines().filter(|line| line.contains("/policy.yaml: ok")).count();
    assert_eq!((code, good), (Some(0), 12), "{output}{complaints}");
    let (code, output, complaints) = test(&folder.0, &["--deny-untouched", "."]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

/// CI looks for its jobs at the root of a repository, and runs them there.
#[test]
fn the_job_of_init_is_where_ci_looks_for_it() {
    let folder = Folder::new("init-job");
    std::fs::remove_dir_all(folder.0.join("cases")).unwrap();
    folder.write("repository/.git/HEAD", "");
    let below = folder.0.join("repository");
    for (present, ci, given, job, policy) in [
        (&below, "github", "policy/own", ".github/workflows/policy.yml", "policy/own/policy.yaml"),
        (&folder.0, "gitlab", "repository/b", "repository/.gitlab-ci.yml", "b/policy.yaml"),
    ] {
        let (code, output, complaints) =
            linkgate(present, &["init", "--kind", "plain", "--ci", ci, given]);
        assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
        let job = std::fs::read_to_string(present.join(job)).unwrap();
        let cases = policy.replace("policy.yaml", "cases/");
        assert!(
            job.contains(&format!(" {policy}\n")) && job.contains(&format!(" {cases}")),
            "{job}"
        );
    }
    let (code, _, complaints) = linkgate(&below, &["init", "--kind", "plain", "c"]);
    assert_eq!(code, Some(2), "{complaints}");
    assert!(complaints.contains("`--ci none` writes the rest"), "{complaints}");
    assert!(complaints.contains("--deny-untouched c/cases/"), "{complaints}");
    let (code, _, complaints) = linkgate(&below, &["init", "--kind", "plain", "a b"]);
    assert_eq!(code, Some(2), "{complaints}");
    assert!(complaints.contains("needs no quotes") && !below.join("a b").exists(), "{complaints}");
}

/// A policy without a case beside one that has all of them: its rules are untouched.
#[test]
fn a_policy_that_no_case_is_about_is_untouched() {
    let folder = Folder::new("forgotten");
    std::fs::remove_dir_all(folder.0.join("cases")).unwrap();
    folder.write(".git/HEAD", "");
    let (code, ..) = linkgate(&folder.0, &["init", "--kind", "plain", "a"]);
    assert_eq!(code, Some(0));
    std::fs::copy(folder.0.join("a/policy.yaml"), folder.0.join("b.yaml")).unwrap();
    let (code, output, complaints) = test(&folder.0, &["--deny-untouched", "."]);
    assert_eq!(code, Some(3), "{output}{complaints}");
    assert!(output.contains("b.yaml"), "{output}");
    let (code, output, complaints) = test(&folder.0, &["--deny-untouched", "a"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

#[test]
fn init_overwrites_nothing_and_writes_no_policy_that_is_none() {
    let folder = Folder::new("init-wrong");
    folder.write("policy.yaml", "mine");
    for (arguments, part) in [
        (&["init", "--kind", "okta"][..], "`./policy.yaml` is there already: nothing is written"),
        (
            &["init", "x"],
            "expected `--kind` (auth0, keycloak, okta, entra, cognito, plain), found none",
        ),
        (
            &["init", "--kind", "plain", "--origin", "https://App.acme.test/", "x"],
            "a browser sends `https://app.acme.test`",
        ),
        (&["init", "--kind", "plain", "--scope", "a b", "x"], "one scope an entry"),
        (&["init", "--kind", "auth0", "--issuer", "acme", "x"], "such as `acme.eu.auth0.com`"),
        (
            &["init", "--kind", "auth0", "--issuer", "login.acme.test", "x"],
            "`--audience https://TENANT.eu.auth0.com/api/v2/`",
        ),
        (&["init", "--kind", "keycloak", "--issuer", "acme", "x"], "expected"),
    ] {
        let (code, output, complaints) = linkgate(&folder.0, arguments);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(complaints.contains(part), "{arguments:?}: {complaints}");
    }
    assert!(!folder.0.join("x").exists());
    assert_eq!(std::fs::read_to_string(folder.0.join("policy.yaml")).unwrap(), "mine");
}

/// Tokens as each issuer writes them, under the policy that is ready for it.
#[test]
fn ready_policies_hold_for_the_tokens_of_their_issuers() {
    let (code, output, complaints) = test(&root().join("examples/policies"), &["cases"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
    assert!(output.contains("all hold"), "{output}");
}

/// A case of two lines holds under any policy: a valid token, a request and an answer are there for it.
#[test]
fn a_short_case_holds_under_every_kind_of_policy() {
    let ready = ["auth0", "cognito", "duende", "entra", "keycloak", "oidc", "okta"];
    let mut policies: Vec<(String, String)> = ready
        .map(|name| {
            let file = root().join(format!("examples/policies/{name}.yaml"));
            (name.to_owned(), std::fs::read_to_string(file).unwrap())
        })
        .to_vec();
    let issuer = "version: 1\nissuers:\n  - issuer: https://t.example/\n    audiences: [api]\n";
    for (name, more) in [
        (
            "hmac",
            "    algorithms: [HS512]\n    hmac_secret: SESSION\n    secondary: { algorithms: [HS256] }\n",
        ),
        ("session", "    kind: id-token\n"),
        ("permissions", "    scope_claim: permissions\n"),
        ("scoped-sessions", "    kind: id-token\n    scopes: [a]\n    id_token_scopes: [scp]\n"),
        ("no-client", "    client_claim: none\n    secondary: { audiences: [web] }\n"),
        ("curves", "    algorithms: [ES384]\n    secondary: { algorithms: [EdDSA] }\n"),
        (
            "short-lived",
            "    max_token_age: 1s\n    secondary: { max_age: 1s, audiences: [web] }\n",
        ),
        ("base", "base_path: /accounts/v1\n"),
        (
            "granted",
            "metadata: { credentials: service, service: { client_id: a, client_secret: SERVICE }, include: [a] }\n",
        ),
        ("fixed", "metadata: { credentials: service, service: { token: GATE }, include: [a] }\n"),
        ("caller", "    kind: id-token\nmetadata: { credentials: caller }\n"),
    ] {
        policies.push((name.to_owned(), format!("{issuer}{more}")));
    }
    // What is decided is shown, whether it is enforced already or not. An end that is past is good for ever.
    policies.push(("shadow".to_owned(), format!("{issuer}shadow: {{ until: 2026-01-31 }}\n")));
    let folder = Folder::new("short");
    for (name, policy) in &policies {
        folder.write(&format!("{name}.yaml"), policy);
        let mut cases = format!("policy: ../{name}.yaml\ncases:\n");
        for request in ["link", "unlink"] {
            let _ = writeln!(
                cases,
                "  - {{ title: '{request}', request: {request}, expect: allowed }}"
            );
        }
        cases.push_str("  - { title: forged, request: link, secondary: { signature: flip }, expect: secondary-signature-invalid }\n");
        cases.push_str("  - { title: another, request: link, bearer: { claims: { sub: '{{other}}' } }, expect: subject-mismatch }\n");
        folder.write(&format!("cases/{name}.yaml"), &cases);
    }
    let (code, output, complaints) = test(&folder.0, &["."]);
    assert_eq!(code, Some(0), "{output}{complaints}");
    assert!(output.ends_with(&format!("{} cases, all hold\n", policies.len() * 4)), "{output}");
    assert!(!output.contains("in shadow"), "its end is past: {output}");
}

#[test]
fn metadata_is_played_call_by_call() {
    let folder = Folder::new("metadata");
    folder.write(
        "policy.yaml",
        "version: 1\nissuers:\n  - issuer: https://t.example/\n    audiences: [api]\nmetadata: { credentials: service, service: { client_id: a, client_secret: GATE }, include: [b], conflicts: refuse }\n",
    );
    folder.write(
        "cases/merge.yaml",
        r#"policy: ../policy.yaml
cases:
  - title: What only the second account has is carried over
    request: link
    calls:
      - { reads: secondary, metadata: '{"b":2}' }
      - { reads: primary, metadata: '{"a":1}' }
      - { writes: '{"linkgate_1720f4bfb4759fbd499f346441def182_fa74d4ca6350c5d4":{"staged":{"b":2}}}', metadata: '{"a":1,"linkgate_1720f4bfb4759fbd499f346441def182_fa74d4ca6350c5d4":{"staged":{"b":2}}}' }
      - { reads: secondary, metadata: '{"b":2}' }
      - link
      - { reads: primary, metadata: '{"a":1,"linkgate_1720f4bfb4759fbd499f346441def182_fa74d4ca6350c5d4":{"staged":{"b":2}}}', linked: secondary }
      - { writes: '{"b":2,"linkgate_1720f4bfb4759fbd499f346441def182_1762ec43be454d95":{"kept":{"b":2}},"linkgate_1720f4bfb4759fbd499f346441def182_fa74d4ca6350c5d4":null}', metadata: '{"a":1,"b":2,"linkgate_1720f4bfb4759fbd499f346441def182_1762ec43be454d95":{"kept":{"b":2}}}' }
    expect: { outcome: allowed, decision: { metadata: { outcome: merged, keys: { b: added } } } }
  - title: Two values for one key are refused
    request: link
    calls:
      - { reads: secondary, metadata: '{"b":2}' }
      - { reads: primary, metadata: '{"b":1}' }
    expect: metadata-conflict
"#,
    );
    let (code, output, complaints) = test(&folder.0, &["cases"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
    assert!(!output.contains("metadata.conflicts"), "it is shown:\n{output}");
}

/// Cases of several issuers, with tokens that each has of its own.
#[test]
fn each_issuer_has_tokens_of_its_own() {
    let folder = Folder::new("issuers");
    folder.write(
        "policy.yaml",
        "version: 1\nissuers:\n  - { issuer: https://a.example/, audiences: [api] }\n  - { issuer: https://b.example/, audiences: [api] }\n",
    );
    folder.write(
        "cases/b.yaml",
        "policy: ../policy.yaml\nbearer: valid-bearer-2\ncases:\n  - { title: own, request: link, secondary: valid-secondary-2, expect: allowed }\n  - { title: mixed, request: link, expect: secondary-issuer-mismatch }\n  - { title: forged, request: link, bearer: { key: issuer-1-rsa }, expect: bearer-key-unknown }\n",
    );
    let (code, output, complaints) = test(&folder.0, &["cases"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

/// What a case says is compared, one thing at a time: each of these says one thing that is not so.
#[test]
fn whatever_a_case_says_is_compared() {
    let wrong = [
        ("outcome", "request: link, expect: denied"),
        ("reason", "request: profile, expect: { outcome: denied, reason: route-unknown }"),
        ("cause", "request: link, bearer: { signature: flip }, expect: bearer-expired"),
        ("reply.status", "request: link, expect: { outcome: allowed, reply: 200 }"),
        (
            "reply.headers.a",
            "request: link, expect: { outcome: allowed, reply: { headers: { a: b } } }",
        ),
        (
            "reply.headers.content-type",
            "request: link, expect: { outcome: allowed, reply: { absent: [content-type] } }",
        ),
        ("reply.body", "request: link, expect: { outcome: allowed, reply: { body: '{}' } }"),
        ("upstream_request", "request: link, expect: { outcome: allowed, upstream_request: none }"),
        (
            "upstream_request",
            "request: link, bearer: { signature: flip }, expect: { outcome: denied, upstream_request: link }",
        ),
        (
            "upstream_request.path",
            "request: link, expect: { outcome: allowed, upstream_request: { like: link, path: /x } }",
        ),
        (
            "upstream_request.body",
            "request: link, expect: { outcome: allowed, upstream_request: { like: link, body: x } }",
        ),
        (
            "decision.client",
            "request: link, expect: { outcome: allowed, decision: { client: another } }",
        ),
    ];
    let folder = Folder::new("compared");
    folder.write(
        "policy.yaml",
        "version: 1\nissuers: [{ issuer: https://t.example/, audiences: [api] }]\n",
    );
    let mut cases = "policy: ../policy.yaml\ncases:\n".to_owned();
    for (number, (_, case)) in wrong.iter().enumerate() {
        let _ = writeln!(cases, "  - {{ title: 'case {number}', {case} }}");
    }
    folder.write("cases/wrong.yaml", &cases);
    let (code, output, complaints) = test(&folder.0, &["--format", "json", "cases"]);
    assert_eq!(code, Some(3), "{complaints}");
    let report: Value = serde_json::from_str(&output).unwrap();
    for (result, (what, case)) in report["results"].as_array().unwrap().iter().zip(wrong) {
        let differs =
            result["differences"].as_array().unwrap().iter().any(|one| one["what"] == what);
        assert!(differs && result["holds"] == false, "{case}: {result}");
    }
    assert_eq!(report["failed"], wrong.len());
}

/// One compiled component, an instance a thread: many cases come in their own order, whichever thread plays them.
#[test]
fn many_cases_are_played_in_their_order() {
    let folder = Folder::of_example("many");
    let mut cases = "policy: ../policy.yaml\ncases:\n".to_owned();
    for number in 0..60 {
        let expect = if number % 2 == 0 { "allowed" } else { "denied" };
        let _ =
            writeln!(cases, "  - {{ title: 'case {number}', request: link, expect: {expect} }}");
    }
    folder.write("cases/link.yaml", &cases);
    let (code, output, _) =
        test(&folder.0, &["--threads", "3", "--format", "json", "cases/link.yaml"]);
    assert_eq!(code, Some(3));
    let report: Value = serde_json::from_str(&output).unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!((results.len(), &report["failed"]), (60, &30.into()));
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["title"], format!("case {number}"));
        assert_eq!(result["holds"], number % 2 == 0, "{result}");
    }
}
