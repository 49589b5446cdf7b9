//! The hosts, each a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use linkgate_tests::component;
use linkgate_tests::hosts::{
    Envoy, PATIENCE, PLAIN, Policy, Process, Running as _, Serving, ServingEnvoy, WasmtimeServe,
    environment,
};
use serde_json::json;

use crate::world::{Rule, World};

/// Which host.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hosts {
    /// The reference gateway, which asks for its token itself.
    Gateway,
    /// `wasmtime serve` with the proxy edition, which is given one.
    WasmtimeServe,
    /// `wasmtime serve` with the middleware edition in front of a handler; it is given one, too.
    Chain,
    /// Envoy, which asks for its token itself; none where its binary cannot be had.
    Envoy,
}

/// A host that serves.
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    running: Running,
}

enum Running {
    Gateway(Process),
    WasmtimeServe(Serving),
    Envoy(ServingEnvoy),
}

impl Host {
    /// Ends it with SIGKILL, and waits for its end.
    pub(crate) fn kill(self) {
        drop(self.running);
    }

    /// What it has printed so far.
    pub(crate) fn said(&self) -> String {
        match &self.running {
            Running::Gateway(process) => process.said(),
            Running::WasmtimeServe(serving) => serving.output(),
            Running::Envoy(serving) => serving.output(),
        }
    }
}

impl Hosts {
    pub(crate) fn start(self, world: &World, rule: Rule) -> Host {
        match self {
            Self::Gateway => gateway(world, rule),
            Self::WasmtimeServe => wasmtime_serve(world, rule, proxy()),
            Self::Chain => wasmtime_serve(world, rule, chain()),
            Self::Envoy => envoy(world, rule),
        }
    }

    /// Whether it can be had on this machine. What cannot has said so.
    pub(crate) fn is_there(self) -> bool {
        match self {
            Self::Gateway | Self::WasmtimeServe | Self::Chain => true,
            Self::Envoy => envoy_binary().is_some(),
        }
    }
}

fn gateway(world: &World, rule: Rule) -> Host {
    let service = json!({ "client_id": "machine", "client_secret": "MACHINE" });
    let policy = world.policy(rule, &service).to_string();
    // Tests run beside each other, each with a tenant of its own.
    let port = world.origin.rsplit(':').next().unwrap_or_default();
    let config = folder().join(format!("crash-{}-{port}.json", std::process::id()));
    std::fs::write(&config, policy).expect("a file to write");
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
    let mut command = Command::new(binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--instances", "1", "--upstream", &world.origin])
        .arg("--config")
        .arg(&config)
        .arg("--component")
        .arg(component("linkgate-evaluator.wasm"))
        .env("LINKGATE_SECRET_MACHINE", "machine-secret");
    let mut process = Process::start(&mut command).unwrap_or_else(|trouble| panic!("{trouble}"));
    let address = process.line(PATIENCE, |line| {
        line.strip_prefix("listening on http://")?.split(',').next()?.parse().ok()
    });
    let address = address.unwrap_or_else(|| panic!("it does not serve:\n{}", process.said()));
    Host { address, running: Running::Gateway(process) }
}

fn proxy() -> &'static WasmtimeServe {
    static SERVE: OnceLock<WasmtimeServe> = OnceLock::new();
    SERVE.get_or_init(|| {
        WasmtimeServe::prepare(binary(), &component("linkgate-proxy.wasm"), folder())
            .unwrap_or_else(|trouble| panic!("{trouble}"))
    })
}

fn chain() -> &'static WasmtimeServe {
    static SERVE: OnceLock<WasmtimeServe> = OnceLock::new();
    SERVE.get_or_init(|| {
        let (middleware, next) =
            (component("linkgate-middleware.wasm"), component("linkgate-next-handler.wasm"));
        WasmtimeServe::prepare_chain(binary(), &middleware, &next, folder())
            .unwrap_or_else(|trouble| panic!("{trouble}"))
    })
}

fn wasmtime_serve(world: &World, rule: Rule, serve: &WasmtimeServe) -> Host {
    let document = world.policy(rule, &json!({ "token": "SERVICE" })).to_string();
    let secrets = vec![("SERVICE".to_owned(), world.service_token())];
    let environment = environment(&Policy { document, secrets }, &world.origin);
    let flags = [PLAIN, &["--max-instance-reuse-count", "1000"]].concat();
    let serving = serve.serve(&environment, &flags).unwrap_or_else(|trouble| panic!("{trouble}"));
    Host { address: serving.address(), running: Running::WasmtimeServe(serving) }
}

fn envoy_binary() -> Option<&'static Envoy> {
    static ENVOY: OnceLock<Option<Envoy>> = OnceLock::new();
    ENVOY.get_or_init(|| Some(Envoy::of_suite(folder())?.workers(2))).as_ref()
}

fn envoy(world: &World, rule: Rule) -> Host {
    let envoy = envoy_binary().expect("an Envoy");
    let service = json!({ "client_id": "machine", "client_secret": "MACHINE" });
    let document = world.policy(rule, &service).to_string();
    let secrets = vec![("MACHINE".to_owned(), "machine-secret".to_owned())];
    let upstream = world.origin.trim_start_matches("http://").parse().expect("an address");
    let configuration = envoy.configuration(&Policy { document, secrets }, upstream);
    let serving = configuration.and_then(|configuration| envoy.serve(&configuration));
    let serving = serving.unwrap_or_else(|trouble| panic!("{trouble}"));
    Host { address: serving.address(), running: Running::Envoy(serving) }
}

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"))
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
