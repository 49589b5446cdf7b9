//! The hosts that are measured: ours, and Envoy and HAProxy with a check of their own and with none.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use super::server::{Log, Server};
use super::work::Work;
use super::{Bench, envoy, haproxy};
use crate::Attempt;
use crate::cores::Cores;
use crate::issuer::{Algorithm, Issuer};
use crate::process::address_in;
use crate::scratch::Scratch;
use envoy::Filter;

/// A host and how it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKind {
    /// `linkgate serve` with the evaluator edition.
    Gateway,
    /// `wasmtime serve` with the proxy edition.
    Serve(Instance),
    /// Envoy with this filter before its router.
    Envoy(Filter),
    /// HAProxy, with a rule that checks tokens or without.
    HaProxy { has_rule: bool },
}

/// What `wasmtime serve` answers a request with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instance {
    /// An instance that is kept for 1000 requests.
    Kept,
    /// An instance of its own, as is the default.
    Fresh,
    /// The same, with the policy and its keys baked into the component.
    Baked,
}

/// What all hosts are started with.
pub(super) struct Stage<'a> {
    pub(super) settings: &'a Bench,
    pub(super) scratch: &'a Scratch,
    pub(super) issuer: &'a Arc<Issuer>,
    pub(super) upstream: SocketAddr,
    pub(super) cores: Cores,
}

/// One that runs.
pub(super) struct Host {
    pub(super) kind: HostKind,
    /// Of Envoy with a filter that makes one call: which.
    call: &'static str,
    server: Server,
    pub(super) address: SocketAddr,
}

impl HostKind {
    const OURS: [Self; 4] = [
        Self::Gateway,
        Self::Serve(Instance::Kept),
        Self::Serve(Instance::Fresh),
        Self::Serve(Instance::Baked),
    ];
    const HAPROXY: [Self; 2] =
        [Self::HaProxy { has_rule: false }, Self::HaProxy { has_rule: true }];

    /// All that can be run with these settings.
    pub(super) fn all(settings: &Bench) -> Vec<Self> {
        let envoy = settings.envoy.iter().flat_map(|_| Filter::ALL.map(Self::Envoy));
        let haproxy = settings.haproxy.iter().flat_map(|_| Self::HAPROXY);
        let all = Self::OURS.into_iter().chain(envoy).chain(haproxy);
        all.filter(|kind| kind.name().contains(&settings.host)).collect()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Serve(Instance::Kept) => "wasmtime serve, kept",
            Self::Serve(Instance::Fresh) => "wasmtime serve, fresh",
            Self::Serve(Instance::Baked) => "wasmtime serve, fresh and baked",
            Self::Envoy(filter) => filter.name(),
            Self::HaProxy { has_rule: false } => "HAProxy, no rule",
            Self::HaProxy { has_rule: true } => "HAProxy, jwt_verify and subject = path",
        }
    }

    /// How many of so many requests it is asked: what makes an instance for each takes ten times as long.
    pub(super) fn share(self, requests: usize) -> usize {
        match self {
            Self::Serve(Instance::Fresh | Instance::Baked) => (requests / 8).max(1),
            Self::Gateway | Self::Serve(Instance::Kept) | Self::Envoy(_) | Self::HaProxy { .. } => {
                requests
            }
        }
    }

    /// The status that it has to answer; none where it does not offer the check.
    pub(super) fn expects(self, work: Work) -> Option<u16> {
        match (self, work) {
            (
                Self::Envoy(Filter::None | Filter::Nothing) | Self::HaProxy { has_rule: false },
                _,
            ) => Some(work.granted()),
            // It compares no path, and reads no body.
            (Self::Envoy(Filter::JwtAuthn { .. }), Work::Mismatch | Work::Link)
            | (
                Self::HaProxy { has_rule: true },
                Work::Link | Work::First(Algorithm::Ps256 | Algorithm::EdDsa),
            ) => None,
            (
                Self::Gateway | Self::Serve(_) | Self::Envoy(_) | Self::HaProxy { has_rule: true },
                _,
            ) => Some(work.deserved()),
        }
    }

    /// What a row is compared with: the same requests to the same host without a check, or where there is no such host,
    /// what it merely passes.
    pub(super) fn baseline(self, work: Work) -> (Self, Work) {
        match self {
            Self::Gateway | Self::Serve(_) => (self, Work::Pass),
            Self::Envoy(_) => (Self::Envoy(Filter::None), work),
            Self::HaProxy { .. } => (Self::HaProxy { has_rule: false }, work),
        }
    }
}

impl Host {
    /// Starts it. Each host writes a line an exchange into a file.
    pub(super) fn start(kind: HostKind, stage: &Stage<'_>) -> Attempt<Self> {
        let (server, address) = match kind {
            HostKind::Gateway => gateway(stage)?,
            HostKind::Serve(instance) => serve(instance, stage)?,
            HostKind::Envoy(filter) => envoy::start(filter, stage)?,
            HostKind::HaProxy { has_rule } => haproxy::start(has_rule, stage)?,
        };
        Ok(Self { kind, call: "", server, address })
    }

    /// Envoy with a filter in WAT that makes this call.
    pub(super) fn of_module(
        stage: &Stage<'_>,
        wat: &str,
        call: &'static str,
        log: Log,
    ) -> Attempt<Self> {
        let (server, address) = envoy::start_module(stage, wat, log)?;
        Ok(Self { kind: HostKind::Envoy(Filter::Nothing), call, server, address })
    }

    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    pub(super) fn blame(&self, what: &str) -> String {
        self.server.blame(&format!("{} {}: {what}", self.kind.name(), self.call))
    }
}

fn gateway(stage: &Stage<'_>) -> Attempt<(Server, SocketAddr)> {
    let mut command = stage.cores.command(&stage.settings.linkgate);
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.args(["--upstream", &format!("http://{}", stage.upstream)]);
    command.arg("--config").arg(policy_file(stage)?);
    listening("linkgate serve", &mut command, stage, "listening on http://")
}

fn serve(instance: Instance, stage: &Stage<'_>) -> Attempt<(Server, SocketAddr)> {
    let mut command = stage.cores.command(&stage.settings.wasmtime_serve);
    command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0", "--no-logging-prefix"]);
    command.args(["--env", &format!("LINKGATE_UPSTREAM=http://{}", stage.upstream)]);
    if instance == Instance::Kept {
        command.args(["--max-instance-reuse-count", "1000"]);
    }
    if instance == Instance::Baked {
        command.arg(baked(stage)?);
    } else {
        command.args(["--env", &format!("LINKGATE_POLICY={}", stage.issuer.policy())]);
        command.arg(&stage.settings.proxy);
    }
    listening("wasmtime serve", &mut command, stage, "Serving HTTP on http://")
}

/// The proxy edition with the policy baked in; its keys are in the policy.
fn baked(stage: &Stage<'_>) -> Attempt<PathBuf> {
    let file = stage.scratch.path("baked.wasm");
    let mut command = Command::new(&stage.settings.linkgate);
    command.args(["bake", "--edition", "proxy", "--config"]).arg(policy_file(stage)?);
    command.arg("--component").arg(&stage.settings.proxy).arg("-o").arg(&file);
    let output = command.output().map_err(|error| format!("linkgate bake: {error}"))?;
    if output.status.success() {
        return Ok(file);
    }
    Err(format!("linkgate bake: {}", String::from_utf8_lossy(&output.stderr)))
}

fn policy_file(stage: &Stage<'_>) -> Attempt<PathBuf> {
    stage.scratch.write("policy.json", stage.issuer.policy().to_string())
}

/// Starts one that prints where it listens, behind these words.
fn listening(
    name: &'static str,
    command: &mut Command,
    stage: &Stage<'_>,
    words: &str,
) -> Attempt<(Server, SocketAddr)> {
    let mut process = Server::start(name, command, stage, Log::File)?;
    let address = process.hear(|line| address_in(line, words))?;
    Ok((process, address))
}
