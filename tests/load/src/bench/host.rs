//! The hosts that are measured: ours, and Envoy with our filter, with its own, and with none.

use std::net::SocketAddr;
use std::process::Command;

use crate::Attempt;
use crate::process::{Process, address_in};
use crate::scratch::Scratch;

use super::work::Work;
use super::{Bench, envoy};

/// A host and how it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKind {
    /// `linkgate serve` with the evaluator edition.
    Gateway,
    /// `wasmtime serve` with the proxy edition, an instance kept for 1000 requests.
    Reused,
    /// The same, with an instance for each request, as it comes.
    Fresh,
    /// Envoy with this filter before its router.
    Envoy(envoy::Filter),
}

/// One that runs.
pub(super) struct Host {
    kind: HostKind,
    process: Process,
    pub(super) address: SocketAddr,
}

impl HostKind {
    /// All that can be run with these settings.
    pub(super) fn all(settings: &Bench) -> Vec<Self> {
        let ours = [Self::Gateway, Self::Reused, Self::Fresh];
        let envoy = envoy::Filter::ALL.map(Self::Envoy);
        let is_there = settings.envoy.is_some();
        let all = ours.into_iter().chain(envoy.into_iter().filter(|_| is_there));
        all.filter(|kind| kind.name().contains(&settings.host)).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Reused => "wasmtime serve, kept",
            Self::Fresh => "wasmtime serve, fresh",
            Self::Envoy(filter) => filter.name(),
        }
    }

    /// What it is asked: not what it has no word on.
    pub(super) fn works(self) -> &'static [Work] {
        match self {
            Self::Gateway | Self::Reused | Self::Fresh | Self::Envoy(envoy::Filter::Linkgate) => {
                &Work::ALL
            }
            Self::Envoy(envoy::Filter::None) => &[Work::Pass],
            Self::Envoy(envoy::Filter::JwtAuthn { .. }) => &[Work::Bare, Work::Again, Work::First],
        }
    }
}

impl Host {
    /// Starts it with a policy, before an upstream. Each writes a line an exchange into a pipe, which
    /// is read and forgotten.
    pub(super) fn start(
        kind: HostKind,
        settings: &Bench,
        scratch: &Scratch,
        document: &str,
        upstream: SocketAddr,
    ) -> Attempt<Self> {
        if let HostKind::Envoy(filter) = kind {
            let (process, address) = envoy::start(filter, settings, scratch, document, upstream)?;
            return Ok(Self { kind, process, address });
        }
        let upstream = format!("http://{upstream}");
        let (mut command, words) = match kind {
            HostKind::Gateway => {
                let config = scratch.write("policy.json", document)?;
                let mut command = Command::new(&settings.linkgate);
                command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
                command.args(["--upstream", &upstream, "--config"]).arg(config);
                (command, "listening on http://")
            }
            HostKind::Reused | HostKind::Fresh | HostKind::Envoy(_) => {
                let mut command = Command::new(&settings.wasmtime_serve);
                command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]);
                command.arg("--no-logging-prefix");
                if kind == HostKind::Reused {
                    command.args(["--max-instance-reuse-count", "1000"]);
                }
                command.args(["--env", &format!("LINKGATE_POLICY={document}")]);
                command.args(["--env", &format!("LINKGATE_UPSTREAM={upstream}")]);
                command.arg(&settings.proxy);
                (command, "Serving HTTP on http://")
            }
        };
        let process = Process::start("the host", &mut command, drop)?;
        let address = process.hear(|line| address_in(line, words))?;
        Ok(Self { kind, process, address })
    }

    pub(super) fn name(&self) -> &'static str {
        self.kind.name()
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn blame(&self, what: &str) -> String {
        self.process.blame(&format!("{}: {what}", self.name()))
    }
}
