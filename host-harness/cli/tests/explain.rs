//! `linkgate explain`: what is shown of a request, in both forms, and what is never shown.
#![cfg(test)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain")
}

/// A throw-away key of the suite's.
fn key(name: &str) -> EncodingKey {
    let file = folder().join(format!("../../../../tests/keys/{name}.pem"));
    EncodingKey::from_rsa_pem(&std::fs::read(file).unwrap()).unwrap()
}

/// A set with the public half of one key, in a file of one test's own.
struct KeyFile(PathBuf);

impl KeyFile {
    fn of(test: &str, name: &str) -> Self {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&key(name), Algorithm::RS256).unwrap())
                .unwrap();
        jwk["kid"] = "k".into();
        let file =
            std::env::temp_dir().join(format!("linkgate-{}-{test}.json", std::process::id()));
        std::fs::write(&file, json!({ "keys": [jwk] }).to_string()).unwrap();
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// 2026-01-15T12:00:00Z.
const NOW: u64 = 1_768_478_400;

fn token(claims: &Value) -> String {
    let header = jsonwebtoken::Header {
        kid: Some("k".to_owned()),
        ..jsonwebtoken::Header::new(Algorithm::RS256)
    };
    jsonwebtoken::encode(&header, claims, &key("tenant-rs")).unwrap()
}

/// Alice's access token, with changes.
fn bearer(changes: &Value) -> String {
    signed(
        json!({
            "iss": "https://tenant.example/", "sub": "auth0|alice", "aud": "https://tenant.example/api/v2/",
            "azp": "spa", "iat": NOW - 60, "exp": NOW + 3600, "scope": "update:current_user_identities",
        }),
        changes,
    )
}

/// The ID token of her other account, with changes.
fn secondary(changes: &Value) -> String {
    signed(
        json!({
            "iss": "https://tenant.example/", "sub": "google-oauth2|1", "aud": "spa", "auth_time": NOW - 60,
            "iat": NOW - 60, "exp": NOW + 3600, "email": "alice@example.com",
        }),
        changes,
    )
}

fn signed(mut claims: Value, changes: &Value) -> String {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    token(&claims)
}

fn link(bearer: &str, secondary: &str) -> String {
    format!(
        "curl -X POST 'https://gate.example/api/v2/users/auth0%7Calice/identities' -H 'Authorization: Bearer {bearer}' --json '{{\"link_with\":\"{secondary}\"}}'"
    )
}

/// Exit code, standard output and standard error; `input` is standard input.
fn explain(input: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linkgate"))
        .current_dir(folder())
        .env_remove("LINKGATE_SECRET_LINKGATE")
        .args(["explain", "--at", "2026-01-15T12:00:00Z"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// With `LINKGATE_BLESS=1` the file is written anew instead.
#[track_caller]
fn is_as_in(file: &str, found: &str) {
    let path = folder().join(file);
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{file}: is it better? LINKGATE_BLESS=1 writes it anew");
}

#[test]
fn each_step_is_told_and_the_one_that_decided() {
    let keys = KeyFile::of("steps", "tenant-rs");
    let good = bearer(&json!({}));
    let of_bob = link(&good, "x").replace("alice", "bob");
    for (file, request, code) in [
        ("allowed.txt", link(&good, &secondary(&json!({}))), 0),
        ("mismatch.txt", of_bob, 1),
        ("expired.txt", link(&bearer(&json!({ "exp": NOW - 3600 })), "x"), 1),
        ("scope.txt", link(&bearer(&json!({ "scope": "openid" })), "x"), 1),
        ("too_old.txt", link(&good, &secondary(&json!({ "auth_time": NOW - 900 }))), 1),
        ("body.txt", link(&good, "x").replace("link_with", "user_id"), 1),
        ("route.txt", "curl https://gate.example/api/v2/users".to_owned(), 1),
        ("nothing.txt", "GET / HTTP/1.1\nhost: x\n\n".to_owned(), 1),
    ] {
        let (found, output, complaints) =
            explain(&request, &["--config", "policy.yaml", "--keys", keys.path()]);
        assert_eq!((found, complaints.as_str()), (Some(code), ""), "{file}: {output}");
        is_as_in(file, &output);
    }
}

#[test]
fn no_signature_and_no_token_is_told() {
    let keys = KeyFile::of("secrets", "tenant-rs");
    let (bearer, secondary) = (bearer(&json!({})), secondary(&json!({ "sub": "auth0|alice" })));
    let request = link(&bearer, &secondary);
    for format in ["human", "json"] {
        for how in [&["--keys", keys.path()][..], &["--unverified"]] {
            let arguments = [&["--config", "policy.yaml", "--format", format], how].concat();
            let (_, output, complaints) = explain(&request, &arguments);
            assert!(output.contains("same-account"), "{output}{complaints}");
            for part in bearer.split('.').chain(secondary.split('.')) {
                assert!(
                    !output.contains(part) && !complaints.contains(part),
                    "{format} {how:?}: {output}"
                );
            }
        }
    }
}

#[test]
fn without_signatures_it_is_no_pass() {
    let request = link(&bearer(&json!({})), &secondary(&json!({})));
    let arguments = ["--config", "policy.yaml", "--unverified"];
    let (code, output, _) = explain(&request, &arguments);
    assert_eq!(code, Some(1), "{output}");
    is_as_in("unverified.txt", &output);
    // A signature by no known key makes no difference, since it is not checked.
    let forged = bearer(&json!({})) + "AAAA";
    assert_eq!(
        explain(&link(&forged, &secondary(&json!({}))), &arguments).1.replace("346 ch", "342 ch"),
        output
    );
    let expired = link(&bearer(&json!({ "exp": NOW - 3600 })), "x");
    let (code, output, _) = explain(&expired, &arguments);
    assert!(code == Some(1) && output.contains("bearer-expired"), "{output}");
    // What carries no token has no signature to look at.
    let preflight = "OPTIONS /api/v2/users/x/identities HTTP/1.1\norigin: https://app.example\naccess-control-request-method: POST\n\n";
    assert_eq!(explain(preflight, &arguments).0, Some(0));
}

#[test]
fn a_signature_is_verified_with_the_keys_at_hand() {
    let request = link(&bearer(&json!({})), &secondary(&json!({})));
    for (name, cause, expected) in
        [("tenant-rs", "granted", Some(0)), ("other-rs", "bearer-signature-invalid", Some(1))]
    {
        let keys = KeyFile::of(name, name);
        for policy in ["policy.yaml", "merging.yaml"] {
            let arguments = ["--config", policy, "--format", "json", "--keys", keys.path()];
            let (code, output, complaints) = explain(&request, &arguments);
            let output: Value = serde_json::from_str(&output).expect(&complaints);
            assert_eq!((code, &output["cause"]), (expected, &cause.into()), "{policy}: {output}");
        }
    }
}

/// Metadata is known to the API alone: it is not asked, and no secret is needed.
#[test]
fn a_merging_link_is_decided_as_far_as_the_gate_decides() {
    let keys = KeyFile::of("merging", "tenant-rs");
    let request = link(&bearer(&json!({})), &secondary(&json!({})));
    let (code, output, complaints) =
        explain(&request, &["--config", "merging.yaml", "--keys", keys.path()]);
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
    is_as_in("merging.txt", &output);
}

/// What is explained is what the policy decides; that it is not enforced is said beside it.
#[test]
fn a_policy_in_shadow_is_explained_as_it_decides() {
    let keys = KeyFile::of("shadow", "tenant-rs");
    let policy = std::fs::read_to_string(folder().join("policy.yaml")).unwrap()
        + "shadow: { until: 2026-01-20 }\n";
    let file = std::env::temp_dir().join(format!("linkgate-{}-shadow.yaml", std::process::id()));
    std::fs::write(&file, policy).unwrap();
    let request = link(&bearer(&json!({})), "x").replace("alice", "bob");
    let arguments = ["--config", file.to_str().unwrap(), "--keys", keys.path()];
    let (code, output, complaints) = explain(&request, &arguments);
    std::fs::remove_file(&file).unwrap();
    assert_eq!((code, complaints.as_str()), (Some(1), ""), "{output}");
    assert!(output.contains("denied: subject-mismatch"), "{output}");
    assert!(output.contains("the client would get 403"), "{output}");
    let shadow = "in shadow: until 2026-01-20T00:00:00Z the request passes all the same";
    assert!(output.contains(shadow), "{output}");
}

#[test]
fn programs_read_one_object() {
    let keys = KeyFile::of("programs", "tenant-rs");
    let request = link(&bearer(&json!({})), &secondary(&json!({ "auth_time": NOW - 900 })));
    let arguments = ["--config", "policy.yaml", "--keys", keys.path(), "--format", "json"];
    let (code, output, complaints) = explain(&request, &arguments);
    assert_eq!((code, complaints.as_str()), (Some(1), ""));
    assert_eq!(output.matches('\n').count(), 1);
    let output: Value = serde_json::from_str(&output).unwrap();
    for (pointer, expected) in [
        ("/schema", json!("linkgate.explain/1")),
        ("/policy", json!("policy.yaml")),
        ("/at", json!("2026-01-15T12:00:00.000Z")),
        ("/pass", json!(false)),
        ("/signatures_verified", json!(true)),
        ("/outcome", json!("denied")),
        ("/reason", json!("link-with-too-old")),
        ("/cause", json!("secondary-too-old")),
        ("/status", json!(400)),
        ("/steps/5/step", json!("link_with")),
        ("/steps/5/state", json!("refused")),
        ("/steps/5/rule", json!("policy.yaml:7: issuers[0].secondary.max_age")),
        ("/steps/6/state", json!("not-reached")),
    ] {
        assert_eq!(output.pointer(pointer), Some(&expected), "{pointer} of {output}");
    }
    assert!(output["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{output}");
}

/// A `curl` line, raw HTTP, flags; in an argument, a file, a pipe: one request.
#[test]
fn a_request_is_the_same_however_it_is_given() {
    let keys = KeyFile::of("forms", "tenant-rs");
    let (bearer, secondary) = (bearer(&json!({})), secondary(&json!({})));
    let (body, curl) = (format!("{{\"link_with\":\"{secondary}\"}}"), link(&bearer, &secondary));
    let path = "/api/v2/users/auth0%7Calice/identities";
    let raw = format!(
        "POST {path} HTTP/1.1\r\nHost: gate.example\r\nAuthorization: Bearer {bearer}\r\nContent-Type: application/json\r\nAccept: application/json\r\n\r\n{body}"
    );
    let file = std::env::temp_dir().join(format!("linkgate-{}-request.http", std::process::id()));
    std::fs::write(&file, &raw).unwrap();
    let all = ["--config", "policy.yaml", "--keys", keys.path()];
    let expected = explain(&curl, &all);
    assert_eq!(expected.0, Some(0), "{expected:?}");
    for (input, more) in [
        ("", vec!["--curl", &curl]),
        (&curl, vec!["--curl", "-"]),
        (&raw, vec!["--http", "-"]),
        (&raw, vec![]),
        ("", vec!["--http", file.to_str().unwrap()]),
        (
            "",
            vec![
                "--path",
                path,
                "--token",
                &bearer,
                "--body",
                &body,
                "--header",
                "accept: application/json",
            ],
        ),
    ] {
        assert_eq!(explain(input, &[&all[..], &more].concat()), expected, "{more:?}");
    }
    std::fs::remove_file(file).unwrap();
}

/// What people paste, out of a terminal or a browser: each is the same request.
#[test]
fn what_people_paste_is_read() {
    let bearer = bearer(&json!({}));
    let path = "/api/v2/users/auth0%7Calice/identities/google-oauth2/1";
    let url = format!("https://gate.acme.test{path}");
    let authorization = format!("Authorization: Bearer {bearer}");
    let entry = json!({ "request": {
        "method": "DELETE", "url": url, "headers": [{ "name": "Authorization", "value": format!("Bearer {bearer}") }],
    } });
    let other = json!({ "request": { "method": "GET", "url": "https://gate.acme.test/app.js", "headers": [] } });
    let har = json!({ "log": { "entries": [other, entry.clone()] } }).to_string();
    let file = std::env::temp_dir().join(format!("linkgate-{}-page.har", std::process::id()));
    std::fs::write(&file, &har).unwrap();
    let file = file.to_str().unwrap();
    let all = ["--config", "policy.yaml", "--unverified"];
    let expected = explain(&format!("curl -X DELETE '{url}' -H '{authorization}'"), &all);
    assert!(expected.1.contains("the route is `unlink`"), "{expected:?}");
    for (input, more) in [
        (format!("curl -XDELETE '{url}' -H'{authorization}'"), &[][..]),
        (format!("curl -sSfLX DELETE --url '{url}' --oauth2-bearer {bearer}"), &[]),
        (format!("$ curl '{url}' \\\r\n  -X 'DELETE' \\\r\n  -H $'{authorization}'"), &[]),
        (entry.to_string(), &[]),
        (har, &["--har", "-", "--har-url", "/identities/"]),
        (String::new(), &["--har", file, "--har-url", "/identities/"]),
    ] {
        assert_eq!(explain(&input, &[&all[..], more].concat()), expected, "{input} {more:?}");
    }
    std::fs::remove_file(file).unwrap();
}

/// A token is judged by keys: where they cannot be had, the reason is what the operator looks for.
#[test]
fn why_there_are_no_keys_is_shown() {
    let policy = std::env::temp_dir().join(format!("linkgate-{}-keyless.yaml", std::process::id()));
    let text = std::fs::read_to_string(folder().join("policy.yaml")).unwrap();
    let keys =
        "keys: { jwks_uri: \"http://127.0.0.1:1/keys\", hosts: [127.0.0.1], allow_http: true }";
    let lines = text.lines().map(|line| {
        if line.starts_with("    keys:") { format!("    {keys}") } else { line.to_owned() }
    });
    std::fs::write(&policy, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let config = ["--config", policy.to_str().unwrap()];
    let (code, output, complaints) =
        explain(&link(&bearer(&json!({})), &secondary(&json!({}))), &config);
    std::fs::remove_file(&policy).unwrap();
    assert_eq!(code, Some(1), "{complaints}");
    assert!(output.contains("keys-unavailable"), "{output}");
    assert!(
        output.contains("https://tenant.example/: ")
            && output.contains("expected a connection, found none"),
        "{output}"
    );
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_is_explained() {
    let keys = KeyFile::of("unread", "tenant-rs");
    let config = ["--config", "policy.yaml"];
    for (input, more, expected) in [
        ("", &["--unverified"][..], "found nothing"),
        ("curl -d @file x", &["--unverified"], "cannot read the body `file`"),
        ("curl -F link_with=x y", &["--unverified"], "multipart"),
        ("curl ^\"x^\"", &["--unverified"], "copy it as cURL (bash)"),
        ("curl x -H \"authorization: Bearer $TOKEN\"", &["--unverified"], "the variable `$TOKEN`"),
        ("curl x -H 'authorization: Bearer $TOKEN'", &["--unverified"], "the variable `$TOKEN`"),
        ("please look at this", &["--unverified"], "expected a `curl` line, or raw HTTP"),
        ("hello world", &["--unverified"], "expected a `curl` line, or raw HTTP"),
        ("{}", &["--unverified"], "expected a request, found none"),
        ("", &["--har", "nowhere.har"], "cannot read the request `nowhere.har`"),
        ("", &["--har-url", "x"], "--har <FILE>"),
        ("curl 'x", &["--unverified"], "expected a closing quote"),
        ("", &["--http", "nowhere"], "cannot read the request `nowhere`"),
        ("curl x", &["--keys", "nowhere"], "cannot read the keys `nowhere`"),
        ("curl x", &["--keys", "policy.yaml"], "expected a JSON Web Key Set in `policy.yaml`"),
        ("curl x", &["--keys", keys.path(), "--unverified"], "cannot be used with"),
        ("", &["--method", "GET"], "--path"),
        ("", &["--path", "/", "--header", "x"], "without a colon"),
    ] {
        let (code, output, complaints) = explain(input, &[&config, more].concat());
        assert_eq!((code, output.as_str()), (Some(2), ""), "{more:?}: {complaints}");
        assert!(complaints.contains(expected), "{more:?}: {complaints}");
    }
    let (code, _, complaints) = explain("curl x", &["--config", "nowhere.yaml"]);
    assert!(code == Some(2) && complaints.contains("nothing was explained"), "{complaints}");
}
