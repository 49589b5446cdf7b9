//! `linkgate replay`: a log against the policy that wrote it changes nothing; against another, what that
//! policy would decide.
#![cfg(test)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use linkgate_cases::{Native, Scene, Suite, run};
use serde_json::{Value, json};

/// Exit code, standard output and standard error of `linkgate replay` in the folder `replay/`, given this.
fn replay(arguments: &[&str], given: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder())
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let given = given.to_owned();
    // Whatever ends before it has read everything is checked all the same.
    let feed = std::thread::spawn(move || drop(stdin.write_all(given.as_bytes())));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay")
}

/// A file of `replay/`; with `LINKGATE_BLESS=1` it is written anew instead.
#[track_caller]
fn is_as_in(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{file}: is it better? LINKGATE_BLESS=1 writes it anew");
}

/// What the suite's cases leave in the log, by their policies.
fn logs(suite: &Suite, subjects: &str) -> BTreeMap<String, (Value, Vec<String>)> {
    let mut logs = BTreeMap::new();
    let mut native = Native::default();
    for named in &suite.cases {
        let mut scene = Scene::prepare(suite, &named.case).unwrap();
        let mut document: Value = serde_json::from_str(&scene.document).unwrap();
        document["log"] = json!({ "claims": "redacted", "subjects": subjects });
        scene.document = document.to_string();
        let mut line = run(&mut native, &scene).unwrap().record;
        line.trace_id = Some(named.name.clone());
        // An end of a shadow lies near the clock of a case, and not near that of this test.
        document.as_object_mut().unwrap().remove("shadow");
        let log = logs.entry(named.case.policy.clone()).or_insert_with(|| (document, Vec::new()));
        log.1.push(line.json());
    }
    logs
}

#[test]
fn a_log_against_its_own_policy_changes_nothing() {
    let suite = Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")).unwrap();
    for subjects in ["plain", "hashed"] {
        let (mut unchanged, mut whys) = (0, BTreeMap::new());
        for (policy, (document, lines)) in logs(&suite, subjects) {
            let file = format!("{}-{policy}-{subjects}.json", std::process::id());
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
            std::fs::write(&file, document.to_string()).unwrap();
            let config = file.to_str().unwrap();
            let (code, output, complaints) =
                replay(&["--config", config, "--format", "json", "-"], &(lines.join("\n") + "\n"));
            std::fs::remove_file(&file).unwrap();
            let report: Value = serde_json::from_str(&output).unwrap();
            let counts = ["unchanged", "not_judgeable"].map(|name| report[name].as_u64().unwrap());
            // Where nothing could be judged, nothing is good.
            let expected = Some(i32::from(counts[0] == 0));
            assert_eq!((code, complaints.as_str()), (expected, ""), "{policy}: {output}");
            assert_eq!(counts.iter().sum::<u64>(), lines.len() as u64, "{policy}");
            unchanged += counts[0];
            for row in report["not_judgeable_why"].as_array().unwrap() {
                let why = row["why"].as_str().unwrap().to_owned();
                *whys.entry(why).or_insert(0) += row["count"].as_u64().unwrap();
            }
        }
        println!("{subjects}: {unchanged} unchanged, {whys:#?}");
        assert!(unchanged > 200, "{subjects}: {unchanged} unchanged, {whys:?}");
    }
}

#[test]
fn whose_decision_changes_is_shown_and_counted() {
    let (code, output, complaints) = replay(&["--config", "new.yaml", "decisions.log"], "");
    assert_eq!((code, complaints.as_str()), (Some(3), ""), "{output}");
    is_as_in("changed.txt", &output);
    let (code, output, _) =
        replay(&["--config", "new.yaml", "--format", "json", "decisions.log"], "");
    assert_eq!(code, Some(3));
    is_as_in("changed.json", &output);
    let (code, output, _) = replay(&["--config", "old.yaml", "decisions.log"], "");
    assert_eq!(code, Some(1), "two lines are no decisions: {output}");
    is_as_in("unchanged.txt", &output);
}

#[test]
fn what_is_wrong_is_said_so() {
    let good = ["--config", "new.yaml"];
    for (row, arguments, code, part) in [
        (
            "no such log",
            [&good[..], &["nowhere.log"]].concat(),
            2,
            "cannot read the log `nowhere.log`",
        ),
        ("a folder", [&good[..], &["."]].concat(), 1, "cannot read the log `.`"),
        ("no such policy", vec!["--config", "nowhere.yaml", "-"], 2, "nothing is replayed"),
        ("no policy", vec!["--config", "decisions.log", "-"], 2, "nothing is replayed"),
        ("no log", good.to_vec(), 2, "<FILE>"),
    ] {
        let (found, output, complaints) = replay(&arguments, "");
        assert_eq!((found, output.as_str()), (Some(code), ""), "{row}: {complaints}");
        assert!(complaints.contains(part), "{row}: {complaints}");
    }
    let (code, output, complaints) = replay(&["--config", "new.yaml", "-"], "");
    assert_eq!((code, complaints.as_str()), (Some(1), ""), "nothing was judged: {output}");
    let (code, output, _) = replay(&["--config", "new.yaml", "-"], "GET / 200\n");
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("line 1 is no decision"), "{output}");
}

/// Lines that were never a log's, or were meddled with: each is counted, and none is believed.
#[test]
fn a_line_that_was_meddled_with_is_not_judged() {
    let log = std::fs::read_to_string(folder().join("decisions.log")).unwrap();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let mut lines = Vec::new();
    for (pointer, value) in [
        ("/cause", json!("no-such-cause")),
        ("/claims/bearer/sub", json!("auth0\\x")),
        ("/claims/bearer/at_unix_ms", json!("now")),
        ("/claims/bearer/alg", json!(null)),
        ("/claims/bearer", json!([])),
        ("/claims", json!("bearer")),
        ("/path", json!(7)),
        ("/schema", json!("linkgate.decision/2")),
    ] {
        let mut line = first.clone();
        *line.pointer_mut(pointer).unwrap() = value;
        lines.push(line.to_string());
    }
    lines.push("{".to_owned());
    let given = lines.join("\n");
    let (code, output, _) = replay(&["--config", "old.yaml", "--format", "json", "-"], &given);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["not_judgeable"]), (Some(1), &json!(lines.len())), "{output}");
}

/// Keys are stood in for, and algorithms with them; whether one is the issuer's is judged all the same.
#[test]
fn an_algorithm_that_is_taken_away_refuses_its_tokens() {
    let old = std::fs::read_to_string(folder().join("old.yaml")).unwrap();
    for (row, line, cause, count) in [
        ("of bearers", "    algorithms: [ES256]\n", "bearer-algorithm-refused", 9),
        (
            "of second tokens",
            "    secondary: { algorithms: [ES256] }\n",
            "secondary-algorithm-refused",
            4,
        ),
    ] {
        let file = format!("{}-{cause}.yaml", std::process::id());
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        std::fs::write(&file, old.replace("log:", &format!("{line}log:"))).unwrap();
        let config = file.to_str().unwrap();
        let (code, output, complaints) =
            replay(&["--config", config, "--format", "json", "decisions.log"], "");
        std::fs::remove_file(&file).unwrap();
        assert_eq!((code, complaints.as_str()), (Some(3), ""), "{row}: {output}");
        let report: Value = serde_json::from_str(&output).unwrap();
        let changes = report["changes"].as_array().unwrap();
        assert!(
            changes.iter().all(|change| change["would_be"]["cause"] == cause),
            "{row}: {output}"
        );
        assert_eq!(changes.len(), count, "{row}: {output}");
    }
}
