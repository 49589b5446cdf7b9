//! `wasmtime serve` with the proxy edition, or with the middleware edition in front of a handler.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use linkgate_cases::Trouble;
use linkgate_policy::LogLine;

use super::chain::chained;
use super::process::{Process, Stream};
use super::{Host, PATIENCE, Policy, Running, START_WITHIN, missing};

/// A `wasmtime` binary and a component that it has compiled.
pub struct WasmtimeServe {
    edition: &'static str,
    binary: PathBuf,
    compiled: PathBuf,
}

impl WasmtimeServe {
    /// Compiles the proxy edition, once for all starts, into `folder`.
    ///
    /// # Errors
    /// It does not compile.
    pub fn prepare(binary: &Path, component: &Path, folder: &Path) -> Result<Self, Trouble> {
        Self::compile("proxy", binary, component, folder)
    }

    /// Compiles a component that is the upstream of others, into `folder`.
    ///
    /// # Errors
    /// It does not compile.
    pub fn prepare_upstream(
        binary: &Path,
        component: &Path,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        Self::compile("upstream", binary, component, folder)
    }

    /// Chains the middleware edition with the handler behind it, and compiles that.
    ///
    /// # Errors
    /// They do not fit, or do not compile.
    pub fn prepare_chain(
        binary: &Path,
        middleware: &Path,
        next: &Path,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let chain = folder.join(format!("linkgate-chain-{}.wasm", std::process::id()));
        std::fs::write(&chain, chained(middleware, next)?)
            .map_err(|error| Trouble::new(error.to_string()).at(chain.display()))?;
        let prepared = Self::compile("middleware", binary, &chain, folder);
        let _ = std::fs::remove_file(&chain);
        prepared
    }

    fn compile(
        edition: &'static str,
        binary: &Path,
        component: &Path,
        folder: &Path,
    ) -> Result<Self, Trouble> {
        let compiled = folder.join(format!("linkgate-{edition}-{}.cwasm", std::process::id()));
        let mut command = Command::new(binary);
        command.arg("compile").arg(component).arg("-o").arg(&compiled);
        let output = command
            .output()
            .map_err(|error| Trouble::new(error.to_string()).at(binary.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Trouble::new(said).at(component.display()));
        }
        Ok(Self { edition, binary: binary.to_owned(), compiled })
    }
}

impl Drop for WasmtimeServe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.compiled);
    }
}

impl Host for WasmtimeServe {
    fn name(&self) -> &'static str {
        "wasmtime-serve"
    }

    fn edition(&self) -> &'static str {
        self.edition
    }

    /// A component's request of WASI 0.3 may have trailers for all that wasmtime 48 knows, so it is chunked.
    fn frames_no_body(&self) -> bool {
        self.edition == "middleware"
    }

    fn start(&self, policy: &Policy, upstream: SocketAddr) -> Result<Box<dyn Running>, Trouble> {
        let environment = environment(policy, &format!("http://{upstream}"));
        let flags = [PLAIN, &["--max-instance-reuse-count", "1000"]].concat();
        Ok(Box::new(self.serve(&environment, &flags)?))
    }
}

/// The environment that an operator gives an edition for a policy and an upstream's URL.
#[must_use]
pub fn environment(policy: &Policy, upstream: &str) -> Vec<(String, String)> {
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let own = [
        variable("LINKGATE_POLICY", &policy.document),
        variable("LINKGATE_UPSTREAM", upstream),
        // What the handler behind the middleware edition reads; that edition knows of no upstream.
        variable("LINKGATE_TEST_UPSTREAM", upstream.trim_start_matches("http://")),
    ];
    let secrets = policy.secrets.iter();
    let secrets = secrets.map(|(name, value)| variable(&format!("LINKGATE_SECRET_{name}"), value));
    own.into_iter().chain(secrets).collect()
}

/// The flags with which lines come as they were written.
pub const PLAIN: &[&str] = &["-S", "cli", "--no-logging-prefix"];

impl WasmtimeServe {
    /// Serves on a port of its own, with these flags of `wasmtime serve`. The component gets this
    /// environment and no other.
    ///
    /// # Errors
    /// It does not begin to serve; with what it said.
    pub fn serve(
        &self,
        environment: &[(String, String)],
        flags: &[&str],
    ) -> Result<Serving, Trouble> {
        let mut command = Command::new(&self.binary);
        command.args(["serve", "--allow-precompiled", "--addr", "127.0.0.1:0"]).args(flags);
        for (name, value) in environment {
            // By name alone: a value in an argument is one that every user of the machine can read.
            command.arg("--env").arg(name).env(name, value);
        }
        let mut process = Process::start(command.arg(&self.compiled))?;
        let address = process.line(START_WITHIN, |line| {
            line.strip_prefix("Serving HTTP on http://")?.trim_end_matches('/').parse().ok()
        });
        match address {
            Some(address) => Ok(Serving { process, address }),
            None => Err(Trouble::new(format!("it does not serve. It said:\n{}", process.said()))),
        }
    }
}

/// `wasmtime serve`, serving.
pub struct Serving {
    /// It.
    pub process: Process,
    address: SocketAddr,
}

impl Running for Serving {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<LogLine> {
        self.process.line(PATIENCE, |line| LogLine::read(line.as_bytes()))
    }

    fn notices(&mut self, phrases: &[String]) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let notices = |process: &Process| -> Vec<String> {
            let lines = process.said_on(Stream::Err).into_iter();
            lines.filter_map(|line| line.strip_prefix("linkgate: ")).map(str::to_owned).collect()
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
        self.process.said()
    }
}
