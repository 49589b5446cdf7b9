//! A baked component, and the host that runs it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use linkgate_tests::component;
use linkgate_tests::hosts::{
    PATIENCE, PLAIN, Process, Running as _, Serving, WasmtimeServe, chained,
};
use serde_json::Value;

use crate::world::World;

/// What `linkgate bake` wrote, gone when the test ends.
pub(crate) struct Baked {
    edition: String,
    /// Whether the handler behind it is in the same file.
    is_chain: bool,
    file: PathBuf,
    policy: PathBuf,
}

/// A host that serves.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    running: Running,
    /// What it was compiled to goes with it, then the folder of that.
    _compiled: Option<(WasmtimeServe, Folder)>,
}

/// A folder that is gone once it is empty.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

enum Running {
    Gateway(Process),
    WasmtimeServe(Serving),
}

impl Baked {
    /// Bakes a policy into the shipped component of an edition.
    pub(crate) fn new(edition: &str, policy: &Value, more: &[&str]) -> Self {
        Self::into(edition, &component(&format!("linkgate-{edition}.wasm")), policy, more)
    }

    /// Bakes a policy into the middleware edition, after it was chained with the handler behind it.
    pub(crate) fn chained(policy: &Value, more: &[&str]) -> Self {
        let (middleware, next) =
            (component("linkgate-middleware.wasm"), component("linkgate-next-handler.wasm"));
        let chain = chained(&middleware, &next).unwrap_or_else(|trouble| panic!("{trouble}"));
        let file = folder().join(format!("chain-{}.wasm", std::process::id()));
        std::fs::write(&file, chain).expect("a file to write");
        let mut baked = Self::into("middleware", &file, policy, more);
        std::fs::remove_file(&file).expect("the file");
        baked.is_chain = true;
        baked
    }

    fn into(edition: &str, component: &Path, policy: &Value, more: &[&str]) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("baked-{}-{number}", std::process::id());
        let file = folder().join(&name).with_extension("wasm");
        let config = folder().join(&name).with_extension("json");
        std::fs::write(&config, policy.to_string()).expect("a file to write");
        let output = linkgate()
            .args(["bake", "--edition", edition])
            .args(more)
            .arg("--config")
            .arg(&config)
            .arg("--component")
            .arg(component)
            .arg("-o")
            .arg(&file)
            .output()
            .expect("it runs");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{edition}: {complaints}");
        Self { edition: edition.to_owned(), is_chain: false, file, policy: config }
    }

    /// The same file, with a mark in what was baked in changed for another of its length.
    pub(crate) fn edited(self, mark: &str) -> Self {
        let mut bytes = std::fs::read(&self.file).expect("the component");
        let at = bytes.windows(mark.len()).position(|found| found == mark.as_bytes());
        let last = at.and_then(|at| bytes.get_mut(at + mark.len() - 1));
        *last.expect("the mark is in what was baked in") ^= 1;
        std::fs::write(&self.file, bytes).expect("a file to write");
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.file).expect("the component")
    }

    pub(crate) fn policy_file(&self) -> String {
        self.policy.display().to_string()
    }

    /// Starts its host in front of the tenant, with more of an environment.
    pub(crate) fn serve(&self, world: &World, more: &[(String, String)]) -> Host {
        if self.edition == "evaluator" {
            return self.gateway(world);
        }
        let (name, upstream) = if self.edition == "proxy" {
            ("LINKGATE_UPSTREAM", world.origin.as_str())
        } else {
            // What the handler behind the middleware edition reads.
            ("LINKGATE_TEST_UPSTREAM", world.origin.trim_start_matches("http://"))
        };
        let upstream = (name.to_owned(), upstream.to_owned());
        self.serve_with(&[&[upstream], more].concat())
    }

    /// Starts `wasmtime serve` with this environment and no other. Each request has an instance of its own.
    pub(crate) fn serve_with(&self, environment: &[(String, String)]) -> Host {
        let folder = self.folder();
        // To wasmtime a chain is what the proxy edition is: a component with nothing left to plug.
        let prepared = if self.edition == "proxy" || self.is_chain {
            WasmtimeServe::prepare(wasmtime(), &self.file, &folder.0)
        } else {
            let next = component("linkgate-next-handler.wasm");
            WasmtimeServe::prepare_chain(wasmtime(), &self.file, &next, &folder.0)
        };
        let prepared = prepared.unwrap_or_else(|trouble| panic!("{trouble}"));
        let flags = [PLAIN, &["--max-instance-reuse-count", "1"]].concat();
        let serving = prepared.serve(environment, &flags);
        let serving = serving.unwrap_or_else(|trouble| panic!("{trouble}"));
        let (address, running) = (serving.address(), Running::WasmtimeServe(serving));
        Host { address, running, _compiled: Some((prepared, folder)) }
    }

    /// `linkgate serve`, without a policy of its own.
    fn gateway(&self, world: &World) -> Host {
        let mut process = Process::start(&mut self.gateway_command(world))
            .unwrap_or_else(|trouble| panic!("{trouble}"));
        let address = process.line(PATIENCE, |line| {
            line.strip_prefix("listening on http://")?.split(',').next()?.parse().ok()
        });
        let address = address.unwrap_or_else(|| panic!("it does not serve:\n{}", process.said()));
        Host { address, running: Running::Gateway(process), _compiled: None }
    }

    fn gateway_command(&self, world: &World) -> Command {
        let mut command = linkgate();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--instances", "1"])
            .args(["--upstream", &world.origin, "--component"])
            .arg(&self.file);
        command
    }

    /// Wants `linkgate serve` to end with 2, and to say why.
    pub(crate) fn does_not_start(&self, world: &World, more: &[&str], why: &str) {
        let output = self.gateway_command(world).args(more).output().expect("it runs");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaints}");
        assert!(complaints.contains(why), "{complaints}");
    }

    /// Where its compiled form goes: those of one edition have one name.
    fn folder(&self) -> Folder {
        let folder = self.file.with_extension("d");
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }
}

impl Drop for Baked {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = std::fs::remove_file(&self.policy);
    }
}

impl Host {
    /// What it has printed so far.
    pub(crate) fn said(&self) -> String {
        match &self.running {
            Running::Gateway(process) => process.said(),
            Running::WasmtimeServe(serving) => serving.output(),
        }
    }

    /// Waits for a line with these words, of those that were read and those to come.
    pub(crate) fn tells(&mut self, words: &str) {
        let process = match &mut self.running {
            Running::Gateway(process) => process,
            Running::WasmtimeServe(serving) => &mut serving.process,
        };
        let is_said = process.said().contains(words)
            || process.line(PATIENCE, |line| line.contains(words).then_some(())).is_some();
        assert!(is_said, "no `{words}` in\n{}", process.said());
    }
}

fn linkgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"))
}

fn wasmtime() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"))
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
