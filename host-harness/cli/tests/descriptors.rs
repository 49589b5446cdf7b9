//! `linkgate serve` with few file descriptors: it serves fewer clients, and nothing else fails.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const DESCRIPTORS: &str = "128";

/// More than there are descriptors for.
const CLIENTS: usize = 300;

#[test]
fn with_few_descriptors_fewer_clients_are_served_and_nothing_else_fails() {
    let (origin, fetches) = origin();
    let folder = Folder::new();
    folder.write_policy(&origin, "first");
    let mut gateway = Gateway::start(&origin, &folder.policy());
    gateway.hears(
        "128 file descriptors are enough for 40 connections of clients and 8 to the upstream",
    );
    let admin = gateway.address("admin on http://");
    let address = gateway.address("listening on http://");

    let mut clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(&address)).collect();
    assert!(get(&mut clients[0], "/open/a").ends_with("\r\n\r\n{}"), "the first is served");
    assert!(get(&mut connect(&admin), "/live").starts_with("HTTP/1.1 200 "), "/live");
    let before = fetches.load(Ordering::Relaxed);
    folder.write_policy(&origin, "second");
    gateway.hears("reloaded ");
    assert!(get(&mut clients[1], "/open/a").ends_with("\r\n\r\n{}"), "after the reload");
    let metrics = metrics(&admin);
    assert!(fetches.load(Ordering::Relaxed) > before, "the new set was fetched");
    assert!(!metrics.contains("result=\"unanswered\""), "{metrics}");
    drop(clients);
    assert!(get(&mut connect(&address), "/open/a").ends_with("\r\n\r\n{}"), "once they left");
}

/// What the metrics say of keys, once the second set was fetched and is in use.
fn metrics(admin: &str) -> String {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let text = get(&mut connect(admin), "/metrics");
        let lines: String = text
            .lines()
            .filter(|line| {
                line.starts_with("linkgate_keys_usable") || line.starts_with("linkgate_key_fetches")
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        // The fetch is counted a moment before its keys are in use.
        if lines.contains("result=\"answered\"} 2") && lines.contains("/\"} 1\n") {
            return lines;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        std::thread::yield_now();
    }
}

const PATIENCE: Duration = Duration::from_mins(1);

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A request and its answer, on a connection that stays open.
fn get(stream: &mut TcpStream, target: &str) -> String {
    write!(stream, "GET {target} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap()) {
                return text;
            }
        }
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).expect(target);
        assert_ne!(count, 0, "{target}: the connection ended after {text}");
        received.extend_from_slice(bytes.get(..count).unwrap());
    }
}

/// Serves keys, and `{}` for everything else. Says how often keys were fetched.
fn origin() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetches);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let counted = Arc::clone(&counted);
            std::thread::spawn(move || answers(&stream.unwrap(), &counted));
        }
    });
    (origin, fetches)
}

fn answers(mut stream: &TcpStream, fetches: &AtomicUsize) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        let is_of_keys = line.contains("/keys/");
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let body = if is_of_keys { KEYS } else { "{}" };
        fetches.fetch_add(usize::from(is_of_keys), Ordering::Relaxed);
        let length = body.len();
        if write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").is_err() {
            return;
        }
    }
}

/// RFC 7517 appendix A.1.
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"1",
    "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("{}-descriptors", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn policy(&self) -> String {
        self.0.join("policy.json").to_str().unwrap().to_owned()
    }

    /// A policy with keys from this path.
    fn write_policy(&self, origin: &str, keys: &str) {
        let policy = format!(
            r#"{{"version": 1, "pass": ["/open"], "issuers": [{{"issuer": "{origin}/",
                "audiences": ["https://a.test/api/v2/"], "algorithms": ["ES256"], "client_claim": "azp",
                "secondary": {{"algorithms": ["ES256"]}}, "keys": {{"jwks_uri": "{origin}/keys/{keys}"}}}}]}}"#
        );
        fs::write(self.policy(), policy).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Gateway(Child, BufReader<ChildStderr>);

impl Gateway {
    fn start(upstream: &str, policy: &str) -> Self {
        let script = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_linkgate"), "serve"]);
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.args(["--upstream", upstream, "--config", policy]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stderr.take().unwrap());
        Self(child, output)
    }

    /// Reads on until it says that. Gives the line.
    fn hears(&mut self, part: &str) -> String {
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "it ended after:\n{said}");
            if line.contains(part) {
                return line;
            }
            said.push_str(&line);
        }
    }

    fn address(&mut self, before: &str) -> String {
        let line = self.hears(before);
        let (_, rest) = line.split_once(before).unwrap();
        rest.split([',', '\n']).next().unwrap().to_owned()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
