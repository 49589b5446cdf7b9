//! `linkgate diff`: each key of a policy that decides is seen when it changes, and what newly passes is reported apart.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use linkgate::reference::SECTIONS;
use serde_json::{Value, json};

/// A folder of one test's own, gone when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("linkgate-{}-diff-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    /// Exit code, standard output and standard error.
    fn diff(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_linkgate"))
            .current_dir(&self.0)
            .arg("diff")
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Exit code and report of one policy against another.
    fn of(&self, old: &Value, new: &Value) -> (Option<i32>, Value) {
        self.write("old.json", &old.to_string());
        self.write("new.json", &new.to_string());
        let (code, output, complaints) = self.diff(&["--format", "json", "old.json", "new.json"]);
        let report = serde_json::from_str(&output);
        (code, report.unwrap_or_else(|_| panic!("{code:?} {output} {complaints}\n{old}\n{new}")))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn plain() -> Value {
    json!({ "version": 1, "issuers": [{ "issuer": "https://login.acme.test/", "audiences": ["api"] }] })
}

/// The plain policy with members put in.
fn with(pointer: &str, members: Value) -> Value {
    let mut policy = plain();
    let Value::Object(members) = members else { panic!("{members}") };
    policy.pointer_mut(pointer).unwrap().as_object_mut().unwrap().extend(members);
    policy
}

const ISSUER: &str = "/issuers/0";

/// Of each key that a request shows, a policy and a change of that key alone.
#[expect(clippy::too_many_lines, reason = "a row for each key")]
fn rows() -> Vec<(&'static str, Value, Value)> {
    let top = |before: Value, after: Value| (with("", before), with("", after));
    let issuer = |before: Value, after: Value| (with(ISSUER, before), with(ISSUER, after));
    let secondary = |before: Value, after: Value| {
        issuer(json!({ "secondary": before }), json!({ "secondary": after }))
    };
    let none = || json!({});
    let hs = |secret: &str| json!({ "algorithms": ["HS256"], "hmac_secret": secret });
    let use_of_access = || json!({ "token_use": "access" });
    [
        ("base_path", top(none(), json!({ "base_path": "/mgmt" }))),
        ("profile", top(none(), json!({ "profile": "read-own" }))),
        ("pass", top(none(), json!({ "pass": ["/app"] }))),
        ("cors", top(none(), json!({ "cors": { "origins": ["https://app.acme.test"] } }))),
        (
            "cors.origins",
            top(
                json!({ "cors": { "origins": ["https://a.acme.test"] } }),
                json!({ "cors": { "origins": ["https://a.acme.test", "https://b.acme.test"] } }),
            ),
        ),
        (
            "cors.max_age",
            top(
                json!({ "cors": { "origins": ["https://a.acme.test"] } }),
                json!({ "cors": { "origins": ["https://a.acme.test"], "max_age": "1h" } }),
            ),
        ),
        ("forward_headers", top(none(), json!({ "forward_headers": ["x-tenant"] }))),
        ("client_address", top(none(), json!({ "client_address": "connection" }))),
        (
            "client_address.header",
            top(
                json!({ "client_address": { "header": "x-forwarded-for" } }),
                json!({ "client_address": { "header": "forwarded" } }),
            ),
        ),
        (
            "client_address.trusted_hops",
            top(
                json!({ "client_address": { "header": "x-forwarded-for" } }),
                json!({ "client_address": { "header": "x-forwarded-for", "trusted_hops": 2 } }),
            ),
        ),
        ("request_id", top(none(), json!({ "request_id": {} }))),
        (
            "request_id.header",
            top(json!({ "request_id": {} }), json!({ "request_id": { "header": "x-trace" } })),
        ),
        ("encoded_slashes", top(none(), json!({ "encoded_slashes": "in-ids" }))),
        (
            "request_objects",
            top(
                json!({ "pass": ["/authorize"] }),
                json!({ "pass": ["/authorize"], "request_objects": "pass" }),
            ),
        ),
        ("max_token_bytes", top(none(), json!({ "max_token_bytes": 16384 }))),
        ("issuers[].issuer", issuer(none(), json!({ "issuer": "https://other.acme.test/" }))),
        ("issuers[].audiences", issuer(none(), json!({ "audiences": ["api", "second"] }))),
        ("issuers[].audiences_beside", issuer(none(), json!({ "audiences_beside": ["account"] }))),
        ("issuers[].kind", issuer(none(), json!({ "kind": "id-token" }))),
        ("issuers[].algorithms", issuer(none(), json!({ "algorithms": ["RS256", "ES256"] }))),
        ("issuers[].hmac_secret", issuer(hs("ONE"), hs("TWO"))),
        ("issuers[].client_claim", issuer(none(), json!({ "client_claim": "cid" }))),
        ("issuers[].clients", issuer(none(), json!({ "clients": ["client"] }))),
        ("issuers[].scopes", issuer(none(), json!({ "scopes": [] }))),
        (
            "issuers[].scope_claim",
            issuer(
                json!({ "scopes": ["s"] }),
                json!({ "scopes": ["s"], "scope_claim": "permissions" }),
            ),
        ),
        (
            "issuers[].id_token_scopes",
            issuer(
                json!({ "kind": "id-token" }),
                json!({ "kind": "id-token", "id_token_scopes": ["scope"] }),
            ),
        ),
        ("issuers[].clock_skew", issuer(none(), json!({ "clock_skew": "2m" }))),
        ("issuers[].max_token_age", issuer(none(), json!({ "max_token_age": "10m" }))),
        ("issuers[].type", issuer(none(), json!({ "type": "at+jwt" }))),
        ("issuers[].token_use", issuer(none(), use_of_access())),
        ("issuers[].actors", issuer(none(), json!({ "actors": ["support"] }))),
        ("issuers[].proof_of_possession", issuer(none(), json!({ "proof_of_possession": "off" }))),
        ("issuers[].step_up", issuer(none(), json!({ "step_up": { "acr": ["mfa"] } }))),
        (
            "issuers[].step_up.acr",
            issuer(
                json!({ "step_up": { "acr": ["mfa"] } }),
                json!({ "step_up": { "acr": ["mfa", "phr"] } }),
            ),
        ),
        (
            "issuers[].step_up.amr",
            issuer(
                json!({ "step_up": { "amr": ["otp"] } }),
                json!({ "step_up": { "amr": ["otp", "hwk"] } }),
            ),
        ),
        (
            "issuers[].step_up.max_age",
            issuer(
                json!({ "step_up": { "acr": ["mfa"] } }),
                json!({ "step_up": { "acr": ["mfa"], "max_age": "1h" } }),
            ),
        ),
        ("issuers[].secondary", secondary(none(), json!({ "email_verified": true }))),
        ("issuers[].secondary.algorithms", secondary(none(), json!({ "algorithms": ["ES256"] }))),
        (
            "issuers[].secondary.audiences",
            secondary(none(), json!({ "audiences": ["second-app"] })),
        ),
        ("issuers[].secondary.max_age", secondary(none(), json!({ "max_age": "2h" }))),
        ("issuers[].secondary.require", secondary(none(), json!({ "require": "auth_time" }))),
        (
            "issuers[].secondary.email_verified",
            secondary(none(), json!({ "email_verified": true })),
        ),
        ("issuers[].secondary.actors", secondary(none(), json!({ "actors": ["support"] }))),
        ("issuers[].shadow", issuer(none(), json!({ "shadow": ["scopes"] }))),
        ("issuers[].secondary.shadow", secondary(none(), json!({ "shadow": ["max_age"] }))),
    ]
    .into_iter()
    .map(|(key, (before, after))| (key, before, after))
    .collect()
}

/// What no request shows: it decides nothing, or it is named, so that the exit code is not 0.
const UNSEEN: [(&str, bool); 9] = [
    ("version", false),
    ("issuers", false),
    ("allow", false),
    ("verification", false),
    ("upstream_timeout", false),
    ("body_timeout", false),
    ("log", false),
    ("issuers[].keys", true),
    ("metadata", true),
];

#[test]
fn each_key_that_decides_is_seen_when_it_changes() {
    let rows = rows();
    let unseen: Vec<String> = std::thread::scope(|scope| {
        let parts = rows.chunks(rows.len().div_ceil(WORKERS)).enumerate();
        let workers: Vec<_> =
            parts.map(|(part, rows)| scope.spawn(move || unseen(part, rows))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(unseen.is_empty(), "no request shows\n{}", unseen.join("\n"));
}

/// What is waited for is processes.
const WORKERS: usize = 4;

/// The rows that show nothing. The requests are those of both policies, so that the other direction has the same.
fn unseen(part: usize, rows: &[(&'static str, Value, Value)]) -> Vec<String> {
    let folder = Folder::new(&format!("keys-{part}"));
    let mut unseen = Vec::new();
    for (key, old, new) in rows {
        let (code, report) = folder.of(old, new);
        let differences = ["opened", "refused", "changed"]
            .iter()
            .map(|kind| report[kind].as_array().unwrap().len())
            .sum::<usize>();
        if differences == 0 || code == Some(0) || report["words"] == json!([]) {
            unseen.push(format!("{key}: {old} and {new}: {code:?}"));
        }
    }
    unseen
}

#[test]
fn each_key_of_the_reference_is_seen_or_said_not_to_be() {
    let rows = rows();
    let is_unseen = |key: &str| {
        UNSEEN.iter().any(|(known, _)| key == *known || key.starts_with(&format!("{known}.")))
    };
    for section in SECTIONS {
        for key in section.keys {
            let path = section.key_path(key.name);
            let is_seen = rows.iter().any(|(known, ..)| *known == path);
            let is_own = path == "issuers" || path == "shadow" || path.starts_with("shadow.");
            assert!(is_own || (is_seen != is_unseen(&path)), "`{path}` has no row, or two");
        }
    }
}

/// Another set of keys, another merge: no request of this tool shows it, so it must not be green.
#[test]
fn what_no_request_shows_is_named_and_is_no_zero() {
    let folder = Folder::new("unseen");
    let service = |include: Value| json!({ "metadata": { "credentials": "service", "service": { "token": "A" }, "include": include } });
    for (old, new, place) in [
        (
            plain(),
            with(ISSUER, json!({ "keys": { "jwks_uri": "https://login.acme.test/k" } })),
            "issuers[https://login.acme.test/].keys.jwks_uri",
        ),
        (with("", service(json!(["a"]))), with("", service(json!(["b"]))), "metadata.include"),
    ] {
        let (code, report) = folder.of(&old, &new);
        assert_eq!((code, &report["untried"]), (Some(1), &json!([place])), "{report:#}");
    }
    for (name, value) in [
        ("verification", json!("component")),
        ("body_timeout", json!("5s")),
        ("upstream_timeout", json!("5s")),
        ("log", json!({ "subjects": "hashed" })),
    ] {
        let (code, report) = folder.of(&plain(), &with("", json!({ name: value })));
        assert_eq!(code, Some(0), "{name} decides nothing: {report:#}");
        assert_eq!(report["words"].as_array().unwrap().len(), 1, "{report:#}");
    }
    let (code, report) = folder.of(&plain(), &plain());
    assert_eq!((code, &report["words"]), (Some(0), &json!([])));
    assert!(report["generated"].as_u64().unwrap() > 150, "{report:#}");
}

/// The run that the page shows is what the command prints.
#[test]
fn the_recorded_run_is_true() {
    let folder = Folder::new("recorded");
    let issuer = "version: 1\nissuers:\n  - issuer: https://login.acme.test/\n    audiences: [https://api.acme.test/]\n    secondary: { max_age: ";
    folder.write("old.yaml", &format!("{issuer}1h }}\npass: [/app]\n"));
    folder.write("new.yaml", &format!("{issuer}15m }}\npass: [/app, /status]\n"));
    let (code, output, _) = folder.diff(&["old.yaml", "new.yaml"]);
    let shown =
        format!("$ linkgate diff old.yaml new.yaml\n{output}$ echo $?\n{}\n```", code.unwrap());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once("$ linkgate diff old.yaml new.yaml\n").unwrap();
    let (recorded, after) = rest.split_once("```").unwrap();
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&page, format!("{before}{shown}{after}")).unwrap();
    }
    let recorded = format!("$ linkgate diff old.yaml new.yaml\n{recorded}```");
    assert_eq!(recorded, shown, "is it better? LINKGATE_BLESS=1 writes it anew");
}

/// For CI: what newly passes has an exit code of its own, and can be all that fails.
#[test]
fn what_newly_passes_is_told_from_what_is_newly_refused() {
    let folder = Folder::new("opened");
    let wide = with("", json!({ "pass": ["/app"] }));
    let (code, report) = folder.of(&plain(), &wide);
    assert_eq!(code, Some(3), "{report:#}");
    let opened = &report["opened"][0];
    assert_eq!(opened["request"], "GET /app", "{report:#}");
    assert_eq!(
        (&opened["was"], &opened["would_be"]),
        (&json!("denied, route-unknown"), &json!("passed"))
    );
    let (code, report) = folder.of(&wide, &plain());
    assert_eq!((code, report["opened"].as_array().unwrap().len()), (Some(1), 0), "{report:#}");
    let (code, output, _) = folder.diff(&["--deny-opened", "old.json", "new.json"]);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.starts_with("pass  `/app` → not written (none)\n"), "{output}");
    let shown = "newly refused\n- GET /app: passed → denied, route-unknown";
    assert!(output.contains(shown), "{output}");
    let (code, _, _) = folder.diff(&["--deny-opened", "new.json", "old.json"]);
    assert_eq!(code, Some(3));
}

/// A shadow lets everything pass.
#[test]
fn a_shadow_that_begins_opens_everything() {
    let folder = Folder::new("shadow");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let unix_ms = u64::try_from(now.as_millis()).unwrap() + 864_000_000;
    let until: String = linkgate_policy::Time { unix_ms }.to_string().chars().take(10).collect();
    let dark = with("", json!({ "shadow": { "until": until } }));
    let (code, report) = folder.of(&plain(), &dark);
    assert_eq!((code, &report["opened"][0]["example"]), (Some(3), &json!("every request")));
    let (code, _) = folder.of(&dark, &plain());
    assert_eq!(code, Some(1));
}

#[test]
fn cases_and_a_log_are_decided_under_both() {
    let folder = Folder::new("own");
    let short = with(ISSUER, json!({ "secondary": { "max_age": "5m" } }));
    folder.write("old.json", &plain().to_string());
    folder.write("new.json", &short.to_string());
    folder.write(
        "cases.yaml",
        "policy: old.json\ncases:\n  - title: a sign-in of ten minutes\n    request: link\n    secondary: { claims: { iat: now-10m, auth_time: now-10m } }\n    expect: allowed\n",
    );
    let arguments = ["--format", "json", "--cases", "cases.yaml", "old.json", "new.json"];
    let (code, output, complaints) = folder.diff(&arguments);
    assert_eq!((code, complaints.as_str()), (Some(1), ""), "{output}");
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(report["cases"], 1);
    let merging = json!({ "metadata": { "credentials": "service", "service": { "token": "A" }, "include": ["a"] } });
    folder.write("merging.json", &with("", merging).to_string());
    folder.write(
        "calls.yaml",
        "policy: merging.json\ncases:\n  - title: merged\n    request: link\n    calls: [{ reads: secondary }, { reads: primary }, { reads: secondary }, link, { reads: primary, linked: secondary }]\n    expect: allowed\n",
    );
    let (code, output, complaints) =
        folder.diff(&["--cases", "calls.yaml", "merging.json", "merging.json"]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
    assert!(output.contains("and 1 case: none is decided otherwise"), "{output}");
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay");
    let logs = |name: &str| logs.join(name).display().to_string();
    let (code, output, complaints) =
        folder.diff(&["--log", &logs("decisions.log"), &logs("old.yaml"), &logs("new.yaml")]);
    assert_eq!((code, complaints.as_str()), (Some(3), ""), "{output}");
    assert!(output.contains("would be refused"), "{output}");
    let (code, _, complaints) = folder.diff(&["--cases", "new.json", "old.json", "new.json"]);
    assert_eq!(code, Some(2), "{complaints}");
    let (code, _, complaints) = folder.diff(&["old.json", "nowhere.json"]);
    assert_eq!(code, Some(2), "{complaints}");
}
