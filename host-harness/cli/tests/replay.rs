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
            assert_eq!((code, but_shadow(&complaints)), (expected, ""), "{policy}: {output}");
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

/// What is said beside the line about rules in shadow, which is there whatever a log holds.
fn but_shadow(complaints: &str) -> &str {
    let rest = complaints.strip_prefix("linkgate: rules in shadow: ");
    rest.and_then(|rest| rest.split_once('\n')).map_or(complaints, |(_, rest)| rest)
}

#[test]
fn whose_decision_changes_is_shown_and_counted() {
    let (code, output, complaints) = replay(&["--config", "new.yaml", "decisions.log"], "");
    assert_eq!((code, but_shadow(&complaints)), (Some(3), ""), "{output}");
    is_as_in("changed.txt", &output);
    let (code, output, _) =
        replay(&["--config", "new.yaml", "--format", "json", "decisions.log"], "");
    assert_eq!(code, Some(3));
    is_as_in("changed.json", &output);
    let (code, output, _) = replay(&["--config", "old.yaml", "decisions.log"], "");
    assert_eq!(code, Some(1), "two lines are no decisions: {output}");
    is_as_in("unchanged.txt", &output);
}

/// The policy that wrote `routes.log`, with another line in the place of `pass`.
fn routes_policy(name: &str, changed: &str) -> PathBuf {
    let text = std::fs::read_to_string(folder().join("routes.yaml")).unwrap();
    assert!(text.contains(PASS), "routes.yaml has no `{PASS}`");
    let file = format!("{}-{name}.yaml", std::process::id());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&file, text.replace(PASS, changed)).unwrap();
    file
}

const PASS: &str = "pass: [/app]";

/// The report on `routes.log` under a changed policy, as JSON, and its exit code.
fn replay_routes(name: &str, changed: &str) -> (Option<i32>, Value) {
    let policy = routes_policy(name, changed);
    let config = policy.to_str().unwrap();
    let (code, output, complaints) =
        replay(&["--config", config, "--format", "json", "routes.log"], "");
    std::fs::remove_file(&policy).unwrap();
    assert_eq!(complaints, "", "{name}");
    (code, serde_json::from_str(&output).unwrap())
}

/// `path: was -> would be` of each change; `token` where it hangs on a token that is not in the log.
fn changes(report: &Value) -> Vec<String> {
    let changes = report["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            let cause = |when: &str| change[when]["cause"].as_str().unwrap_or("token").to_owned();
            format!(
                "{}: {} -> {}",
                change["path"].as_str().unwrap(),
                cause("was"),
                cause("would_be")
            )
        })
        .collect()
}

#[test]
fn false_green_1_a_pass_prefix_that_is_closed_or_opened_is_in_the_exit_code() {
    let (code, report) = replay_routes("same", PASS);
    assert_eq!((code, &report["changed"]), (Some(0), &json!(0)), "{report:#}");
    let (code, report) = replay_routes("closed", "pass: []");
    let closed = ["/app/start", "/app/assets/logo.svg", "/app/form", "/app/video"]
        .map(|path| format!("{path}: passed -> route-unknown"));
    assert_eq!((code, changes(&report)), (Some(3), closed.to_vec()), "{report:#}");
    let (code, report) = replay_routes("opened", "pass: [/app, /help]");
    let opened = "/help/start: route-unknown -> passed".to_owned();
    assert_eq!((code, changes(&report)), (Some(3), vec![opened]), "{report:#}");
}

/// What needs no claims is judged without them: routes, methods, preflights, limits.
#[test]
fn what_is_decided_by_the_head_alone_is_judged() {
    let link = "/api/v2/users/auth0%7Calice/identities";
    for (name, changed, expected) in [
        (
            "base",
            "base_path: /v3\npass: [/app, /api]",
            vec![
                format!("{link}: preflight -> passed"),
                "/api/v2/users/auth0%7Calice: profile-off -> passed".to_owned(),
                format!("{link}: bearer-missing -> passed"),
                format!("{link}: bearer-not-compact-jws -> passed"),
                format!("{link}: bearer-signature-invalid -> passed"),
                format!("{link}: bearer-too-long -> passed"),
            ],
        ),
        (
            "guarded",
            "base_path: /app\npass: [/api]",
            vec![
                "/app/start: passed -> route-unknown".to_owned(),
                "/app/assets/logo.svg: passed -> route-unknown".to_owned(),
                "/app/form: passed -> route-unknown".to_owned(),
                "/app/video: passed -> route-unknown".to_owned(),
                format!("{link}: preflight -> passed"),
                "/api/v2/users/auth0%7Calice: profile-off -> passed".to_owned(),
                format!("{link}: bearer-missing -> passed"),
                format!("{link}: bearer-not-compact-jws -> passed"),
                format!("{link}: bearer-signature-invalid -> passed"),
                format!("{link}: bearer-too-long -> passed"),
            ],
        ),
        (
            "profile",
            "pass: [/app]\nprofile: read-own",
            vec!["/api/v2/users/auth0%7Calice: profile-off -> token".to_owned()],
        ),
    ] {
        let (code, report) = replay_routes(name, changed);
        assert_eq!((code, changes(&report)), (Some(3), expected), "{name}: {report:#}");
    }
    let policy = routes_policy("human", "pass: [/help]\nprofile: read-own");
    let (code, output, _) = replay(&["--config", policy.to_str().unwrap(), "routes.log"], "");
    std::fs::remove_file(&policy).unwrap();
    assert_eq!(code, Some(3));
    is_as_in("routes.txt", &output);
}

/// Under a longer limit a token that was too long is judged by its claims, which are not known; under a shorter one it is too long again.
#[test]
fn a_limit_is_judged_by_the_length_in_the_log() {
    let unjudged = |report: &Value| report["not_judgeable"].as_u64().unwrap();
    let (code, report) = replay_routes("longer", "pass: [/app]\nmax_token_bytes: 16384");
    assert_eq!((code, unjudged(&report)), (Some(0), 2), "its claims are unknown: {report:#}");
    let (_, report) = replay_routes("short", "pass: [/app]\nmax_token_bytes: 10000");
    assert_eq!(unjudged(&report), 1, "12000 bytes are still too many: {report:#}");
    let log = std::fs::read_to_string(folder().join("decisions.log")).unwrap();
    let mut line: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    for (whose, cause) in [("bearer", "bearer-too-long"), ("secondary", "secondary-too-long")] {
        line["claims"][whose]["bytes"] = json!(9000);
        let (code, output, _) =
            replay(&["--config", "old.yaml", "--format", "json", "-"], &line.to_string());
        let report: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(
            (code, &report["changes"][0]["would_be"]["cause"]),
            (Some(3), &json!(cause)),
            "{report:#}"
        );
        line["claims"][whose]["bytes"] = json!(8192);
    }
}

/// A log of before lengths were written has none: the limit may refuse the token, and may not.
#[test]
fn a_token_of_a_length_that_is_not_in_the_log_is_not_judged() {
    let log = std::fs::read_to_string(folder().join("decisions.log")).unwrap();
    let first = log.lines().next().unwrap();
    let policy = std::fs::read_to_string(folder().join("old.yaml")).unwrap();
    let roomy = std::env::temp_dir().join(format!("linkgate-{}-long.yaml", std::process::id()));
    std::fs::write(&roomy, policy + "max_token_bytes: 65536\n").unwrap();
    for whose in ["bearer", "secondary"] {
        let mut line: Value = serde_json::from_str(first).unwrap();
        line["claims"][whose].as_object_mut().unwrap().remove("bytes");
        let given = line.to_string();
        let (code, output, _) = replay(&["--config", "old.yaml", "-"], &given);
        assert_eq!(code, Some(1), "{whose}: {output}");
        assert!(output.contains("1 × how long its token was is not in it"), "{whose}: {output}");
        let (code, output, _) = replay(&["--config", roomy.to_str().unwrap(), "-"], &given);
        assert_eq!(code, Some(0), "no token is longer: {output}");
    }
    std::fs::remove_file(&roomy).unwrap();
}

/// Whatever such a policy decides, every request passes.
#[test]
fn a_policy_in_shadow_is_said_so_in_every_form() {
    let policy = std::fs::read_to_string(folder().join("old.yaml")).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let unix_ms = u64::try_from(now.as_millis()).unwrap() + 864_000_000;
    let until: String = linkgate_policy::Time { unix_ms }.to_string().chars().take(10).collect();
    let file = std::env::temp_dir().join(format!("linkgate-{}-dark.yaml", std::process::id()));
    std::fs::write(&file, format!("{policy}shadow: {{ until: {until} }}\n")).unwrap();
    let log = std::fs::read_to_string(folder().join("decisions.log")).unwrap();
    let first = log.lines().next().unwrap();
    let config = ["--config", file.to_str().unwrap(), "-"];
    let (code, output, complaints) = replay(&config, first);
    assert_eq!(code, Some(0), "{output}");
    let said = format!("in shadow until {until}: nothing is enforced");
    assert!(output.contains(&said) && complaints.contains(&said), "{output}{complaints}");
    let (code, output, _) = replay(&[&["--format", "json"], &config[..]].concat(), first);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!((code, &report["shadow_until"]), (Some(0), &json!(until)));
    let (code, _, complaints) = replay(&[&["--deny-shadow"], &config[..]].concat(), first);
    assert_eq!(code, Some(1));
    assert!(complaints.contains("refused, as `--deny-shadow` asks"), "{complaints}");
    std::fs::write(&file, policy.replace("    audiences:", "    shadow: [scopes]\n    audiences:"))
        .unwrap();
    let (code, output, complaints) = replay(&config, first);
    let said = "rules in shadow: issuers[0].scopes";
    assert!(output.contains(said) && complaints.contains(said), "{code:?} {output}{complaints}");
    let (_, output, _) = replay(&[&["--format", "json"], &config[..]].concat(), first);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(report["rules_in_shadow"], json!(["issuers[0].scopes"]));
    let (code, ..) = replay(&[&["--deny-shadow"], &config[..]].concat(), first);
    assert_eq!(code, Some(1));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn what_cannot_be_judged_fails_where_it_is_denied() {
    let arguments = ["--config", "routes.yaml", "--deny-unjudged", "routes.log"];
    let (code, output, complaints) = replay(&arguments, "");
    assert_eq!(code, Some(1), "{output}");
    assert!(complaints.contains("1 line cannot be judged"), "{complaints}");
    let log = std::fs::read_to_string(folder().join("routes.log")).unwrap();
    let judged: Vec<&str> =
        log.lines().filter(|line| !line.contains("signature-invalid")).collect();
    let arguments = ["--config", "routes.yaml", "--deny-unjudged", "-"];
    let (code, output, complaints) = replay(&arguments, &judged.join("\n"));
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
}

/// What a log does not have is not guessed: the query, the header lines, a path that is a hash.
#[test]
fn what_hangs_on_the_query_or_on_header_lines_is_not_judged() {
    let log = std::fs::read_to_string(folder().join("routes.log")).unwrap();
    let passed: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let preflight: Value =
        serde_json::from_str(log.lines().find(|line| line.contains("preflight")).unwrap()).unwrap();
    let with = |line: &Value, changes: Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        line.to_string()
    };
    for (row, line, code, unjudged) in [
        ("a request object", with(&passed, json!({ "path": "/app/authorize" })), 1, 1),
        (
            "a path that is a hash",
            with(&passed, json!({ "path": "sha256:0011223344556677" })),
            1,
            1,
        ),
        (
            "a path that was cut",
            with(&passed, json!({ "path": format!("/app/{}...", "x".repeat(300)) })),
            1,
            1,
        ),
        ("a preflight", preflight.to_string(), 0, 0),
        (
            "an OPTIONS of which nothing is known",
            with(&passed, json!({ "method": "OPTIONS", "path": "/api/v2/users/a/identities" })),
            3,
            0,
        ),
    ] {
        let (found, output, _) =
            replay(&["--config", "routes.yaml", "--format", "json", "-"], &line);
        let report: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(
            (found, &report["not_judgeable"]),
            (Some(code), &json!(unjudged)),
            "{row}: {report:#}"
        );
    }
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
    assert_eq!((code, but_shadow(&complaints)), (Some(1), ""), "nothing was judged: {output}");
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
