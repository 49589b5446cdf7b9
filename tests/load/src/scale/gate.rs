//! A gateway that is measured.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use super::Scale;
use crate::cores::Cores;
use crate::drive::{self, Calls};
use crate::issuer::Issuer;
use crate::process::{Process, address_in};
use crate::round::Round;
use crate::scratch::Scratch;
use crate::wire::Wire;
use crate::{Attempt, measure};

/// What all gateways are started with.
pub(super) struct Stage {
    pub(super) settings: Scale,
    pub(super) scratch: Scratch,
    pub(super) issuer: Arc<Issuer>,
    pub(super) upstream: SocketAddr,
    pub(super) cores: Cores,
}

/// One that runs.
pub(super) struct Gate {
    process: Process,
    pub(super) address: SocketAddr,
    pub(super) admin: SocketAddr,
    /// Processor seconds until it listened.
    pub(super) start_s: f64,
}

/// Requests that have one answer.
pub(super) struct Asked {
    pub(super) calls: Arc<Calls>,
    pub(super) status: u16,
}

impl Asked {
    pub(super) fn one(call: Vec<u8>, status: u16) -> Self {
        Self { calls: Arc::new(Calls::new(vec![call])), status }
    }
}

impl Gate {
    /// Starts one with this policy, and as many instances if that is said.
    pub(super) fn start(stage: &Stage, policy: &Value, instances: Option<usize>) -> Attempt<Self> {
        let config = stage.scratch.new_path("json");
        std::fs::write(&config, policy.to_string()).map_err(|error| error.to_string())?;
        let mut command: Command = stage.cores.command(&stage.settings.linkgate);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.args(["--log", "/dev/null", "--log-format", "json"]);
        command.args(["--upstream", &format!("http://{}", stage.upstream)]);
        command.arg("--config").arg(config);
        if let Some(component) = &stage.settings.component {
            command.arg("--component").arg(component);
        }
        if let Some(instances) = instances {
            command.args(["--instances", &instances.to_string()]);
        }
        let process = Process::start("the gateway", &mut command, drop)?;
        let admin = process.hear(|line| address_in(line, "admin on http://"))?;
        let address = process.hear(|line| address_in(line, "listening on http://"))?;
        let start_s = measure::processor(process.id()).unwrap_or_default().as_secs_f64();
        Ok(Self { process, address, admin, start_s })
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn resident_mib(&self) -> String {
        let kib = measure::resident_kib(self.id());
        kib.map_or_else(|| "-".to_owned(), |kib| (kib >> 10).to_string())
    }

    /// A round with so many clients, from the `first` call on: warmed up, then measured.
    pub(super) async fn round(
        &self,
        settings: &Scale,
        asked: &Asked,
        connections: usize,
        first: usize,
    ) -> Attempt<Round> {
        let Asked { calls, status } = asked;
        let blame = |error: String| self.process.blame(&error);
        let mut clients = Wire::some(self.address, connections);
        let counted = first + super::WARM_UP;
        let warm = drive::ask(&mut clients, calls, *status, first..counted, settings.length);
        warm.await.map_err(blame)?;
        let these = counted..counted + settings.requests;
        let round = drive::measure(self.id(), &mut clients, calls, *status, these, settings.length);
        round.await.map_err(blame)
    }
}
