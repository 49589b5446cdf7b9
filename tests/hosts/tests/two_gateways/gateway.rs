//! `linkgate serve` as a process, to be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use linkgate_tests::component;
use linkgate_tests::hosts::{Process, START_WITHIN};

use crate::world::World;

/// A gateway that serves.
pub(crate) struct Gateway {
    pub(crate) address: SocketAddr,
    process: Process,
}

impl Gateway {
    /// Starts one whose upstream is the middlebox at this address. That takes seconds, in which the middlebox goes on.
    pub(crate) async fn start(world: &World, nth: usize, upstream: SocketAddr) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let config = folder.join(format!("two-gateways-{}-{nth}.json", std::process::id()));
        std::fs::write(&config, world.document(nth > 0)).expect("a file to write");
        let mut command = Command::new(env!("CARGO_BIN_EXE_linkgate-gateway-process"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--instances", "1"])
            .args(["--upstream", &format!("http://{upstream}")])
            .arg("--config")
            .arg(&config)
            .arg("--component")
            .arg(component("linkgate-evaluator.wasm"));
        for (name, value) in world.secrets() {
            command.env(format!("LINKGATE_SECRET_{name}"), value);
        }
        tokio::task::spawn_blocking(move || Self::begin(command)).await.expect("it serves")
    }

    fn begin(mut command: Command) -> Self {
        let mut process =
            Process::start(&mut command).unwrap_or_else(|trouble| panic!("{trouble}"));
        let address = process.line(START_WITHIN, |line| {
            line.strip_prefix("listening on http://")?.split(',').next()?.parse().ok()
        });
        let address = address.unwrap_or_else(|| panic!("it does not serve:\n{}", process.said()));
        Self { address, process }
    }

    /// Ends it with SIGKILL, and waits for its end.
    pub(crate) fn kill(self) {
        drop(self.process);
    }
}
