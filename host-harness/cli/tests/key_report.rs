//! `linkgate keys` as its users run it, against simulated tenants on loopback.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use linkgate_tenant::faults::{Amendment, Fault, FaultRule, Point};
use linkgate_tenant::keys::Place;
use linkgate_tenant::{Answer, Operation, Settings, SigningKey, Tenant, TenantHandle, Users};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

#[tokio::test(flavor = "multi_thread")]
async fn a_report_shows_every_key_and_why_one_is_refused() {
    let world = World::troubled().await;
    let (code, output, complaints) = world.keys(&[]).await;
    assert_eq!((code, complaints.as_str()), (Some(1), ""), "{output}");
    let output = world.normal(&output);
    assert!(output == TROUBLED, "this is another report than key_report/troubled.txt:\n{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_for_programs_says_the_same() {
    let world = World::troubled().await;
    let (code, output, complaints) = world.keys(&["--format", "json"]).await;
    assert_eq!((code, complaints.as_str()), (Some(1), ""), "{output}");
    assert_eq!(output.lines().count(), 1, "one object in one line:\n{output}");
    let report: Value = serde_json::from_str(&world.normal(&output)).unwrap();
    let expected: Value = serde_json::from_str(TROUBLED_JSON).unwrap();
    assert!(
        report == expected,
        "this is another report than key_report/troubled.json:\n{report:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_shown() {
    let world = World::troubled().await;
    let published = world.tenants[0].tenant.tenant().published_keys();
    let secret = |name: &str| {
        published.iter().filter_map(|key| key[name].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let secrets = [secret("n"), secret("x"), secret("d"), secret("k")].concat();
    assert_eq!(secrets.len(), 8, "{published:?}");
    for format in ["human", "json"] {
        let (_, output, _) = world.keys(&["--format", format]).await;
        for secret in &secrets {
            assert!(!output.contains(secret), "{format}: `{secret}` in\n{output}");
        }
        assert!(
            output.is_ascii() || format == "human",
            "an issuer's characters are shown as ASCII"
        );
        assert!(!output.contains('\u{1b}') && !output.contains('\u{202e}'), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_once_and_as_they_are_now() {
    let tenant = Listening::start().await;
    let world =
        World::of(vec![tenant], |tenants| vec![tenants[0].entry(&json!({ "discovery": true }))]);
    let (code, output, complaints) = world.keys(&[]).await;
    assert_eq!((code, complaints.as_str()), (Some(0), ""), "{output}");
    assert!(
        output.ends_with("1 issuer, 1 key in use, 0 refused: every issuer has a usable key\n"),
        "{output}"
    );
    let asked = |operation| world.tenants[0].tenant.arrived(operation);
    assert_eq!((asked(Operation::Discovery), asked(Operation::Jwks)), (1, 1));

    let first = world.tenants[0].tenant.tenant().signing_key().kid().to_owned();
    let next = SigningKey::from_pem(NEXT).unwrap().with_kid("next");
    world.tenants[0].tenant.tenant().rotate_key(next);
    let (code, output, _) = world.keys(&[]).await;
    assert_eq!(code, Some(0));
    assert!(
        output.contains(&first) && output.contains("next") && output.contains("2 keys in use"),
        "{output}"
    );
    world.tenants[0].tenant.withdraw_key(&first).unwrap();
    let (code, output, _) = world.keys(&[]).await;
    assert_eq!(code, Some(0));
    assert!(!output.contains(&first) && output.contains("1 key in use"), "{output}");
}

/// Each is a cause of its own, and none is asked again within the run.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_gives_no_set_is_told() {
    let status = |status, body: &str| Fault::Status {
        at: Point::BeforeEffect,
        answer: Answer { status, headers: vec![], body: body.as_bytes().to_vec() },
    };
    let elsewhere = status(302, "");
    for (row, fault, cause) in [
        ("HTML", status(200, "<!doctype html>"), "expected JSON, found something else"),
        ("gone", status(404, "{}"), "expected status 200, found 404"),
        ("redirect", elsewhere, "expected status 200, found 302"),
        ("empty set", status(200, r#"{"keys":[]}"#), "lacking     a key that can be used"),
        ("silent", Fault::Hold { at: Point::BeforeEffect }, "expected an answer within 0.2 s"),
        (
            "large",
            Fault::Amend(Amendment { pad_to_bytes: Some(1 << 20), ..Amendment::default() }),
            "expected at most 262144 bytes, found more",
        ),
        (
            "cut off",
            Fault::CutBody { after_bytes: Some(9) },
            "expected the whole body, found it cut off",
        ),
    ] {
        let tenant = Listening::start().await;
        tenant.tenant.add_fault(FaultRule::new(Operation::Jwks, fault));
        let world = World::of(vec![tenant], |tenants| {
            vec![tenants[0].entry(&tenants[0].by_url(&json!({ "timeout": "200ms" })))]
        });
        let (code, output, _) = world.keys(&[]).await;
        assert_eq!(code, Some(1), "{row}: {output}");
        assert!(output.contains(cause), "{row}: {output}");
        assert!(output.contains("1 of 1 has no usable key"), "{row}: {output}");
        assert_eq!(world.tenants[0].tenant.arrived(Operation::Jwks), 1, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_https_endpoint_is_checked_against_the_given_ca() {
    let (tenant, ca) = Listening::over_tls().await;
    let world =
        World::of(vec![tenant], |tenants| vec![tenants[0].entry(&json!({ "discovery": true }))]);
    let ours = world.file("ca.pem", &ca);
    let others = world.file("other.pem", &Ca::new().pem);
    let (code, output, _) = world.keys(&["--ca", ours.to_str().unwrap()]).await;
    assert_eq!(code, Some(0), "{output}");
    let (code, output, _) = world.keys(&["--ca", others.to_str().unwrap()]).await;
    assert_eq!(code, Some(1), "{output}");
    assert!(
        output.contains("expected a certificate that the given CA trusts, found another's"),
        "{output}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_ends_before_anything_is_fetched() {
    let tenant = Listening::start().await;
    let world = World::of(vec![tenant], |tenants| {
        let mut mistaken = tenants[0].entry(&json!({ "discovery": true }));
        mistaken["audience"] = json!("x");
        vec![mistaken]
    });
    let (code, output, complaints) = world.keys(&[]).await;
    assert_eq!((code, output.as_str()), (Some(2), ""));
    assert!(complaints.contains("issuers[0].audience: expected a known key"), "{complaints}");
    assert!(complaints.ends_with("mistake: nothing was fetched\n"), "{complaints}");
    let (code, output, complaints) = world.keys(&["--format", "xml"]).await;
    assert_eq!((code, output.as_str()), (Some(2), ""), "{complaints}");
    assert_eq!(world.tenants[0].tenant.received(), 0);

    let world = World::of(vec![Listening::start().await], |tenants| {
        vec![tenants[0].entry(&json!({ "discovery": true }))]
    });
    let (code, _, complaints) = world.keys(&["--ca", "/nowhere.pem"]).await;
    assert_eq!(code, Some(2), "{complaints}");
    assert!(complaints.contains("/nowhere.pem"), "{complaints}");
    let missing = world.file("file.json", &json!({ "version": 1, "issuers": [world.tenants[0].entry(&json!({ "file": "none.json" }))] }).to_string());
    let (code, _, complaints) = run(&["keys", "--config", missing.to_str().unwrap()]).await;
    assert_eq!(code, Some(2), "{complaints}");
    assert!(
        complaints.contains("issuers[0].keys.file: `none.json`: cannot read it"),
        "{complaints}"
    );
    assert_eq!(world.tenants[0].tenant.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_error() {
    let world = World::of(vec![Listening::start().await], |tenants| {
        vec![tenants[0].entry(&json!({ "discovery": true }))]
    });
    let mut command = linkgate(&["keys", "--config", world.policy.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// The report of the troubled world, for people and for programs.
const TROUBLED: &str = include_str!("key_report/troubled.txt");
const TROUBLED_JSON: &str = include_str!("key_report/troubled.json");

const FIRST: &str = include_str!("../../../tests/keys/tenant-rs.pem");
const NEXT: &str = include_str!("../../../tests/keys/tenant-rs-next.pem");

/// A policy in a folder of its own, and the tenants that it names.
struct World {
    folder: PathBuf,
    policy: PathBuf,
    tenants: Vec<Listening>,
}

impl World {
    fn of(tenants: Vec<Listening>, issuers: impl FnOnce(&[Listening]) -> Vec<Value>) -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("keys-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let world = Self { policy: folder.join("policy.json"), folder, tenants };
        let policy = json!({ "version": 1, "issuers": issuers(&world.tenants) });
        std::fs::write(&world.policy, policy.to_string()).unwrap();
        world
    }

    /// Three issuers: one publishes what it should not beside its keys, one answers with a page, and the
    /// keys of one are in a file.
    async fn troubled() -> Self {
        let (first, second) = (Listening::start().await, Listening::start().await);
        let next = SigningKey::from_pem(NEXT).unwrap().with_kid("2026-11");
        first.tenant.tenant().rotate_key(next);
        let page = Answer { status: 200, headers: vec![], body: b"<!doctype html>".to_vec() };
        second.tenant.add_fault(FaultRule::new(
            Operation::Jwks,
            Fault::Status { at: Point::BeforeEffect, answer: page },
        ));
        first.tenant.publish_strange_keys(strange(), Place::Last);
        let hour = Amendment::default().with_header("cache-control", "max-age=300");
        first.tenant.add_fault(FaultRule::new(Operation::Jwks, Fault::Amend(hour)));
        let world = Self::of(vec![first, second], |tenants| {
            let mut discovered = tenants[0].entry(&json!({ "discovery": true }));
            discovered["algorithms"] = json!(["RS256", "ES256"]);
            let from_file = json!({
                "issuer": "https://file.example/",
                "audiences": ["https://file.example/api/v2/"],
                "algorithms": ["EdDSA"],
                "secondary": { "algorithms": ["EdDSA"] },
                "keys": { "file": "file.json" },
            });
            vec![
                discovered,
                tenants[1].entry(&tenants[1].by_url(&json!({ "stale": "0s" }))),
                from_file,
            ]
        });
        world.file(
            "file.json",
            &json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": ED }] })
                .to_string(),
        );
        world
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    async fn keys(&self, further: &[&str]) -> (Option<i32>, String, String) {
        run(&[&["keys", "--config", self.policy.to_str().unwrap()], further].concat()).await
    }

    /// A report with the ports and the moments left out that every run has of its own.
    fn normal(&self, output: &str) -> String {
        let mut output = output.to_owned();
        for (tenant, name) in self.tenants.iter().zip(["first.test", "second.test"]) {
            output = output.replace(tenant.origin.trim_start_matches("http://"), name);
        }
        let (mut normal, mut rest) = (String::new(), output.as_str());
        while let Some(place) = (0..rest.len()).find(|place| begins_a_moment(rest, *place)) {
            normal.push_str(&rest[..place]);
            normal.push_str("TIME");
            let (_, after) = rest[place..].split_once(['C', 'Z']).unwrap();
            rest = after;
        }
        normal + rest
    }
}

/// Whether `2026-11-25T14:30:05.123Z` or `2026-11-25 14:30:05 UTC` begins there, whenever it is.
fn begins_a_moment(text: &str, place: usize) -> bool {
    let form = b"0000-00-00*00:00:00";
    text.as_bytes().get(place..place + form.len()).is_some_and(|found| {
        found.iter().zip(form).all(|(found, form)| match form {
            b'0' => found.is_ascii_digit(),
            b'*' => b"T ".contains(found),
            form => found == form,
        })
    })
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// Keys that are refused, each for another reason.
fn strange() -> Vec<Value> {
    let long = "k".repeat(400);
    vec![
        json!({ "kty": "RSA", "kid": "weak", "use": "sig", "n": format!("{}w", "v".repeat(170)), "e": "AQAB" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "private", "x": ED, "d": "bm90IHNvIHByaXZhdGU" }),
        json!({ "kty": "oct", "kid": long, "k": "c2VjcmV0IG9mIHRoZSB0ZW5hbnQ" }),
        json!({ "kty": "RSA", "kid": "\u{1b}[2J\u{202e}gpj.exe\n", "use": "enc", "n": "w".repeat(342), "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "AA" }),
        json!(7),
    ]
}

/// A tenant that listens.
struct Listening {
    tenant: TenantHandle,
    origin: String,
}

impl Listening {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, origin)
    }

    /// One behind TLS, and the certificate of its CA.
    async fn over_tls() -> (Self, String) {
        let ca = Ca::new();
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://{}", front.local_addr().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let behind = listener.local_addr().unwrap();
        let acceptor = ca.certify("127.0.0.1");
        tokio::spawn(async move {
            while let Ok((stream, _)) = front.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us leaves here.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut tenant = TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut tenant).await;
                });
            }
        });
        (Self::serve(listener, origin), ca.pem)
    }

    fn serve(listener: TcpListener, origin: String) -> Self {
        let key = SigningKey::from_pem(FIRST).unwrap();
        let tenant = Tenant::new(Settings::new(&origin), key, Users::default());
        let tenant = TenantHandle::new(tenant);
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        Self { tenant, origin }
    }

    fn by_url(&self, rules: &Value) -> Value {
        let mut keys = rules.clone();
        keys["jwks_uri"] = json!(format!("{}/.well-known/jwks.json", self.origin));
        keys
    }

    /// A policy's entry for it.
    fn entry(&self, keys: &Value) -> Value {
        json!({
            "issuer": format!("{}/", self.origin),
            "audiences": [format!("{}/api/v2/", self.origin)],
            "keys": keys,
        })
    }
}

/// A CA of a test's own.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn certify(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &self.issuer)
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn linkgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the binary to its end, while the tenants of this process go on answering.
async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = linkgate(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output { status, stdout, stderr } = output.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}
