//! The binary as its users run it: exit codes, messages, and a link through two real processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use linkgate_policy::Time;
use serde_json::{Value, json};

fn linkgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn ended(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = linkgate(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A file of this test's own, gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("{}-{name}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A server that is ended with its test, and whose output is shown when the test fails.
struct Server {
    child: Child,
    output: BufReader<std::process::ChildStderr>,
    address: String,
    admin: String,
    said: String,
}

impl Server {
    /// Starts a command that says where it listens: the first `listening on http://…` of what it
    /// tells its operator.
    fn start(arguments: &[&str]) -> Self {
        Self::start_at(arguments, "listening on http://")
    }

    fn start_at(arguments: &[&str], listening: &str) -> Self {
        let mut child =
            linkgate(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self {
            child,
            output,
            address: String::new(),
            admin: String::new(),
            said: String::new(),
        };
        while server.address.is_empty() {
            let line = server.next_line();
            let after = |words| {
                line.split_once(words).map(|(_, rest): (_, &str)| {
                    rest.split(['/', ',', '\n']).next().unwrap().to_owned()
                })
            };
            server.admin = after("admin on http://").unwrap_or_else(|| server.admin.clone());
            server.address = after(listening).unwrap_or_default();
        }
        server
    }

    fn next_line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it ended after:\n{}", self.said);
        self.said.push_str(&line);
        line
    }

    fn answer(&self, request: &str) -> String {
        answer(&self.address, request)
    }

    /// Reads on until it tells its operator this.
    fn hears(&mut self, part: &str) {
        while !self.next_line().contains(part) {}
    }

    /// Asks it to stop, as a service manager does, and sees it end well.
    fn ends_when_asked(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(asked.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// A tenant that writes `policy` for itself, and a gateway in front of it that logs to `log`.
fn tenant_and_gateway(policy: &Scratch, log: &Scratch) -> (Server, Server) {
    let tenant =
        Server::start(&["tenant", "--listen", "127.0.0.1:0", "--policy-out", policy.path()]);
    let upstream = format!("http://{}", tenant.address);
    let gateway = Server::start(&[
        "serve",
        "--config",
        policy.path(),
        "--upstream",
        &upstream,
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--log",
        log.path(),
    ]);
    (tenant, gateway)
}

/// Sends a request, byte for byte, and gives the answer.
fn answer(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- it said\n{}", self.said);
        }
    }
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The string member of a JSON body; tokens and ids hold nothing that is escaped.
fn member<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer
        .split_once(&format!("\"{name}\":\""))
        .unwrap_or_else(|| panic!("no {name} in {answer}"));
    rest.split('"').next().unwrap()
}

#[test]
fn the_demo_goes_as_told() {
    let (code, output, complaints) = ended(&["demo"]);
    assert_eq!(code, Some(0), "{output}{complaints}");
    assert!(output.contains("every one as expected"), "{output}");
    assert!(!output.contains('\u{1b}'), "colour without a terminal");
    for reason in [
        "passed",
        "granted",
        "subject-mismatch",
        "bearer-missing",
        "bearer-invalid",
        "link-with-invalid",
        "path-refused",
    ] {
        assert!(output.contains(reason), "no scene ends with {reason}:\n{output}");
    }
}

#[test]
fn a_link_goes_through_tenant_and_gateway_as_processes() {
    let policy = Scratch::new("policy.json", "");
    let log = Scratch::new("decisions.log", "");
    let (tenant, mut gateway) = tenant_and_gateway(&policy, &log);
    let upstream = format!("http://{}", tenant.address);

    let sign_in = |user: &str, password: &str| {
        let scope = "openid update:current_user_identities";
        let body = format!(
            r#"{{"grant_type":"password","client_id":"spa","username":"{user}","password":"{password}","audience":"{upstream}/api/v2/","scope":"{scope}"}}"#
        );
        gateway.answer(&post("/oauth/token", "content-type: application/json\r\n", &body))
    };
    let alice = sign_in("auth0|alice-5f7c8ec7", "alice-pw");
    let bob = sign_in("auth0|bob-60d1f2a4", "bob-pw");
    let second = sign_in("google-oauth2|115015401343387192604", "alice-google-pw");

    let link = |bearer: &str| {
        let headers = format!(
            "authorization: Bearer {bearer}\r\ncontent-type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        );
        let body = format!("link_with={}", member(&second, "id_token"));
        gateway.answer(&post("/api/v2/users/auth0|alice-5f7c8ec7/identities", &headers, &body))
    };
    let refused = link(member(&bob, "access_token"));
    assert!(
        refused.starts_with("HTTP/1.1 403 ") && refused.contains("subject-mismatch"),
        "{refused}"
    );
    let linked = link(member(&alice, "access_token"));
    assert!(
        linked.starts_with("HTTP/1.1 201 ") && linked.contains("115015401343387192604"),
        "{linked}"
    );

    let get = |path| {
        answer(
            &gateway.admin,
            &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        )
    };
    assert!(get("/ready").starts_with("HTTP/1.1 200 "));
    let counted = r#"linkgate_decisions_total{outcome="allowed",reason="granted",route="link"} 1"#;
    // An exchange is counted when it is closed, which may be a moment after its answer.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    let mut metrics = get("/metrics");
    while !metrics.contains(counted) && std::time::Instant::now() < deadline {
        metrics = get("/metrics");
    }
    assert!(metrics.contains(counted), "{metrics}");

    gateway.ends_when_asked();
    let lines = std::fs::read_to_string(log.path()).unwrap();
    let causes: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut causes: Vec<&str> = causes.iter().map(|line| line["cause"].as_str().unwrap()).collect();
    // Each instance logs by itself: the order between them is not promised.
    causes.sort_unstable();
    assert_eq!(causes, ["granted", "passed", "passed", "passed", "subject-mismatch"]);
    for token in [member(&alice, "access_token"), member(&second, "id_token")] {
        assert!(!lines.contains(token), "a token in the log");
    }
}

#[test]
fn a_policy_with_mistakes_stops_it_before_it_listens() {
    let policy = Scratch::new(
        "mistakes.yaml",
        "version: 1\nissuers:\n  - issuer: https://a.example/\n    audience: [a]\n    algorithms: [HS256]\n    keys: { jwks: { keys: [] } }\npass: [/app, /app/x]\n",
    );
    let (code, output, complaints) = ended(&[
        "serve",
        "--config",
        policy.path(),
        "--upstream",
        "http://127.0.0.1:9",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(2), "{complaints}");
    assert_eq!(output, "", "it must not listen");
    for part in [
        "mistakes.yaml:4:5: error: issuers[0].audience:",
        "`hmac_secret`",
        "pass[1]:",
        "mistakes: nothing was started",
    ] {
        assert!(complaints.contains(part), "no `{part}` in\n{complaints}");
    }
}

#[test]
fn what_cannot_be_meant_is_said_so() {
    let policy = Scratch::new("empty.yaml", "version: [\n");
    let broken = Scratch::new("broken.json", "{ \"version\": ");
    let good = Scratch::new("form.json", "{}");
    let upstream = "http://127.0.0.1:9";
    for (row, arguments, part) in [
        (
            "no such file",
            vec!["serve", "--config", "/nowhere.yaml", "--upstream", upstream],
            "/nowhere.yaml",
        ),
        (
            "no YAML",
            vec!["serve", "--config", policy.path(), "--upstream", upstream],
            policy.path(),
        ),
        (
            "an upstream that is no URL",
            vec!["serve", "--config", policy.path(), "--upstream", "ftp://a.example"],
            "http://host[:port]",
        ),
        (
            "an address without a host",
            vec!["serve", "--config", policy.path(), "--upstream", upstream, "--listen", "8080"],
            "an IP address and a port",
        ),
        (
            "no instances",
            vec!["serve", "--config", policy.path(), "--upstream", upstream, "--instances", "0"],
            "1 or more",
        ),
        (
            "no JSON",
            vec!["serve", "--config", broken.path(), "--upstream", upstream],
            "expected JSON: ",
        ),
        (
            "a log that cannot be",
            vec!["serve", "--config", good.path(), "--upstream", upstream, "--log", "/nowhere/log"],
            "/nowhere/log",
        ),
        (
            "no certificates",
            vec![
                "serve",
                "--config",
                good.path(),
                "--upstream",
                "https://127.0.0.1:9",
                "--ca",
                "/nowhere.pem",
            ],
            "/nowhere.pem",
        ),
        ("no such users", vec!["tenant", "--users", "/nowhere.json"], "/nowhere.json"),
        ("no such command", vec!["sreve"], "serve"),
    ] {
        let (code, _, complaints) = ended(&arguments);
        assert_eq!(code, Some(2), "{row}: {complaints}");
        assert!(complaints.contains(part), "{row}: {complaints}");
    }
}

#[test]
fn without_a_component_nothing_starts() {
    let policy = Scratch::new("good.json", "{}");
    let arguments = [
        "serve",
        "--config",
        policy.path(),
        "--upstream",
        "http://127.0.0.1:9",
        "--component",
        "/nowhere.wasm",
    ];
    let (code, output, complaints) = ended(&arguments);
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert!(complaints.contains("/nowhere.wasm"), "{complaints}");
}

#[test]
fn why_an_upstream_does_not_answer_is_said() {
    let policy = Scratch::new("outage.json", "");
    let log = Scratch::new("outage.log", "");
    let (tenant, mut gateway) = tenant_and_gateway(&policy, &log);
    drop(tenant);
    let keys = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(gateway.answer(keys).starts_with("HTTP/1.1 502 "));
    gateway.hears("(nothing was sent): no connection: Connection refused");
    gateway.ends_when_asked();
}

/// With both artifacts in place the gateway takes the one with wide arithmetic, and it runs either when it is named.
#[test]
fn the_gateway_says_which_evaluator_it_runs() {
    let policy = Scratch::new("artifact.json", "");
    let log = Scratch::new("artifact.log", "");
    let (_tenant, gateway) = tenant_and_gateway(&policy, &log);
    let wide = "linkgate-evaluator-wide.wasm, with wide-arithmetic\n";
    assert!(gateway.said.contains(wide), "{}", gateway.said);

    let components = Path::new(env!("CARGO_BIN_EXE_linkgate")).ancestors().nth(2).unwrap();
    let components = components.join("components");
    for line in [wide, "linkgate-evaluator.wasm, portable\n"] {
        let file = components.join(line.split(',').next().unwrap()).display().to_string();
        let serve = ["serve", "--config", policy.path(), "--upstream", "http://127.0.0.1:1"];
        let more = ["--listen", "127.0.0.1:0", "--log", log.path(), "--component", &file];
        let gateway = Server::start(&[&serve[..], &more[..]].concat());
        assert!(gateway.said.contains(line), "{}", gateway.said);
    }
}

#[test]
fn a_changed_policy_is_taken_over_and_a_bad_one_is_not() {
    let policy = Scratch::new("reloaded.json", "");
    let log = Scratch::new("reloaded.log", "");
    let (_tenant, mut gateway) = tenant_and_gateway(&policy, &log);
    let keys = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(gateway.answer(keys).starts_with("HTTP/1.1 200 "), "it passes");

    let good = std::fs::read_to_string(policy.path()).unwrap();
    std::fs::write(policy.path(), good.replace("\"pass\"", "\"pas\"")).unwrap();
    gateway.hears("not reloaded");
    assert!(!gateway.said.contains("nothing was started"), "{}", gateway.said);
    assert!(gateway.said.contains("error: pas: expected a known key"), "{}", gateway.said);
    assert!(gateway.answer(keys).starts_with("HTTP/1.1 200 "), "the old policy still serves");

    std::fs::write(policy.path(), good.replace("/.well-known", "/elsewhere")).unwrap();
    gateway.hears("reloaded ");
    let refused = gateway.answer(keys);
    assert!(refused.starts_with("HTTP/1.1 404 ") && refused.contains("route-unknown"), "{refused}");

    let metrics =
        answer(&gateway.admin, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for line in [
        "linkgate_policy_generation 2",
        "linkgate_reloads_total{result=\"ok\"} 2",
        "linkgate_reloads_total{result=\"refused\"} 1",
    ] {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
    gateway.ends_when_asked();
}

#[test]
fn a_policy_in_shadow_says_so_and_enforces_at_its_end() {
    let policy = Scratch::new("shadow.json", "");
    let log = Scratch::new("shadow.log", "");
    let (_tenant, mut gateway) = tenant_and_gateway(&policy, &log);
    let enforcing = std::fs::read_to_string(policy.path()).unwrap();
    let until = |seconds_ahead: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let until = Time { unix_ms: (now.as_secs() + seconds_ahead) * 1000 }.to_string();
        let mut document: Value = serde_json::from_str(&enforcing).unwrap();
        document["shadow"] = json!({ "until": until.replace(".000Z", "Z") });
        std::fs::write(policy.path(), document.to_string()).unwrap();
    };
    let nowhere = "GET /nowhere HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n";
    let refuses = |gateway: &Server| gateway.answer(nowhere).contains("urn:linkgate:reason:");

    until(864_000);
    gateway.hears(r#"{"notice":"SHADOW MODE until "#);
    assert!(!refuses(&gateway), "the tenant answers");
    // The first moment at which it enforces is the present one.
    until(0);
    gateway.hears(r#"{"notice":"shadow mode ended at "#);
    assert!(refuses(&gateway));
    std::fs::write(policy.path(), &enforcing).unwrap();
    gateway.hears(r#"{"notice":"shadow mode is over: "#);

    let metrics =
        answer(&gateway.admin, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    for line in [
        r#"linkgate_shadowed_total{outcome="denied",reason="route-unknown"} 1"#,
        r#"linkgate_decisions_total{outcome="passed",reason="shadowed",route="none"} 1"#,
        r#"linkgate_decisions_total{outcome="denied",reason="route-unknown",route="none"} 1"#,
        "linkgate_shadow_until_timestamp_seconds 0.0",
    ] {
        assert!(metrics.contains(line), "no `{line}` in\n{metrics}");
    }
    gateway.ends_when_asked();
    let lines = std::fs::read_to_string(log.path()).unwrap();
    let shadow =
        r#""shadow":{"outcome":"denied","cause":"route-unknown","reason":"route-unknown"}"#;
    assert!(lines.contains(shadow), "{lines}");
}

#[test]
fn a_changed_key_file_is_taken_over() {
    let policy = Scratch::new("by-file.json", "");
    let keys = Scratch::new("by-file.keys.json", "");
    let log = Scratch::new("by-file.log", "");
    let tenant =
        Server::start(&["tenant", "--listen", "127.0.0.1:0", "--policy-out", policy.path()]);
    let text = std::fs::read_to_string(policy.path()).unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let set = document["issuers"][0]["keys"]["jwks"].take();
    let name = Path::new(keys.path()).file_name().unwrap().to_str().unwrap();
    document["issuers"][0]["keys"] = serde_json::json!({ "file": name });
    std::fs::write(keys.path(), set.to_string()).unwrap();
    std::fs::write(policy.path(), document.to_string()).unwrap();
    let upstream = format!("http://{}", tenant.address);
    let listen = ["--listen", "127.0.0.1:0", "--log", log.path()];
    let serve = ["serve", "--config", policy.path(), "--upstream", &upstream];
    let mut gateway = Server::start(&[&serve[..], &listen[..]].concat());

    std::fs::write(keys.path(), "{\"keys\":[]}").unwrap();
    gateway.hears("not reloaded");
    assert!(gateway.said.contains("issuers[0].keys.jwks.keys: expected"), "{}", gateway.said);
    std::fs::write(keys.path(), set.to_string().replace("\"keys\"", "\"x\":1,\"keys\"")).unwrap();
    gateway.hears("reloaded ");

    // Longer than the moment that it takes to replace a file.
    std::fs::write(keys.path(), "<html>").unwrap();
    gateway.hears("not reloaded");
    let output = format!("issuers[0].keys.file: `{name}`: expected JSON: ");
    assert!(gateway.said.contains(&output), "no `{output}` in\n{}", gateway.said);
    std::fs::write(keys.path(), set.to_string()).unwrap();
    gateway.hears("reloaded ");
    gateway.ends_when_asked();
}

#[test]
fn a_tenant_says_who_can_sign_in_and_lets_its_pages_call_the_gate() {
    let policy = Scratch::new("pages.json", "");
    let pages = ["--page", "http://localhost:5173/a", "--page", "http://localhost:5173/b"];
    let mut arguments = vec!["tenant", "--listen", "127.0.0.1:0", "--policy-out", policy.path()];
    arguments.extend(pages);
    let mut tenant = Server::start(&arguments);
    tenant.hears("alice@example.com, password alice-pw");
    tenant.hears("twitter|2244994945, password carol-twitter-pw");
    let written: Value =
        serde_json::from_str(&std::fs::read_to_string(policy.path()).unwrap()).unwrap();
    assert_eq!(
        written["cors"]["origins"],
        json!(["http://localhost:3000", "http://localhost:5173"])
    );
    let (code, output, complaints) = ended(&["check", policy.path()]);
    assert_eq!(code, Some(0), "{output}{complaints}");
}

#[test]
fn a_tenant_speaks_tls_with_who_is_given_its_ca_by_file_and_with_no_other() {
    let (policy, ca, other) =
        (Scratch::new("tls.json", ""), Scratch::new("ca.pem", ""), Scratch::new("other.pem", ""));
    let tls = ["tenant", "--tls", "--listen", "127.0.0.1:0", "--policy-out", policy.path()];
    let start = |ca: &Scratch| {
        let arguments = [&tls[..], &["--tls-ca-out", ca.path()]].concat();
        Server::start_at(&arguments, "listening on https://")
    };
    let (_another, tenant) = (start(&other), start(&ca));
    let upstream = format!("https://{}", tenant.address);
    assert!(upstream.starts_with("https://localhost:"), "{upstream}");
    let body = format!(
        r#"{{"grant_type":"password","client_id":"spa","username":"bob@example.com","password":"bob-pw","audience":"{upstream}/api/v2/","scope":"openid"}}"#
    );
    for (given, status) in [(&ca, 200), (&other, 502)] {
        let gateway = Server::start(&[
            "serve",
            "--config",
            policy.path(),
            "--upstream",
            &upstream,
            "--ca",
            given.path(),
            "--listen",
            "127.0.0.1:0",
        ]);
        let answer =
            gateway.answer(&post("/oauth/token", "content-type: application/json\r\n", &body));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let text = std::fs::read_to_string(ca.path()).unwrap();
    let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("-----BEGIN")).collect();
    assert_eq!(sections, ["-----BEGIN CERTIFICATE-----"], "no key is in a file");
}
