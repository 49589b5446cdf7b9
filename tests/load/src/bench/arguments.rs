//! The command line of `bench`.

use std::path::PathBuf;
use std::time::Duration;

use super::{Bench, fresh, haproxy};
use crate::Attempt;
use crate::process::beside;

/// Processor time a request, of hosts side by side.
#[derive(clap::Args)]
pub(crate) struct BenchArguments {
    /// Clients at once, a connection each; several numbers make a table each
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1, 64])]
    connections: Vec<usize>,
    /// Rounds over all hosts that count
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Most requests of a row in a round
    #[arg(long, value_name = "N", default_value_t = 1000)]
    requests: usize,
    /// Longest time for a row in a round, in seconds
    #[arg(long, value_name = "S", default_value_t = 8)]
    seconds: u64,
    /// Hosts whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    host: String,
    /// Work whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    work: String,
    /// Only what each call of Envoy costs a filter; without filters by name, it is measured too
    #[arg(long, conflicts_with_all = ["host", "work"])]
    calls: bool,
    /// Put the tables into this folder's `performance.md`, and the plot beside it
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
    /// The `linkgate` binary; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    linkgate: Option<PathBuf>,
    /// The binary with `wasmtime serve`; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    wasmtime_serve: Option<PathBuf>,
    /// The proxy edition; the one of the components beside this binary's folder unless given
    #[arg(long, value_name = "FILE")]
    proxy: Option<PathBuf>,
    /// The Envoy edition; the one of the components beside this binary's folder unless given
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Envoy's binary; the one that the suites fetched unless given. Without one it is not measured
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// HAProxy's binary; the one that is installed unless given. Without one it is not measured
    #[arg(long, value_name = "FILE")]
    haproxy: Option<PathBuf>,
}

impl BenchArguments {
    /// The settings, if all that is measured is there, and as new as its sources.
    pub(crate) fn settings(self) -> Attempt<Bench> {
        if self.linkgate.is_none() {
            // What `linkgate serve` runs.
            fresh::built(
                None,
                "../components/linkgate-evaluator.wasm",
                &format!("{GUESTS}/linkgate_evaluator.d"),
            )?;
        }
        Ok(Bench {
            linkgate: fresh::built(self.linkgate, "linkgate", "linkgate.d")?,
            wasmtime_serve: fresh::built(
                self.wasmtime_serve,
                "linkgate-wasmtime-serve",
                "linkgate-wasmtime-serve.d",
            )?,
            proxy: fresh::built(
                self.proxy,
                "../components/linkgate-proxy.wasm",
                &format!("{GUESTS}/linkgate_proxy.d"),
            )?,
            module: fresh::built(
                self.module,
                "../components/linkgate-envoy.wasm",
                &format!("{GUESTS}/linkgate_envoy.d"),
            )?,
            envoy: match self.envoy {
                Some(named) => Some(beside(Some(named), "")?),
                None => beside(None, FETCHED_ENVOY).ok(),
            },
            haproxy: match self.haproxy {
                Some(named) => Some(beside(Some(named), "")?),
                None => haproxy::installed(),
            },
            host: self.host,
            work: self.work,
            calls: self.calls,
            connections: self.connections,
            rounds: self.rounds.max(1),
            length: Duration::from_secs(self.seconds),
            requests: self.requests.max(1),
            docs: self.docs,
        })
    }
}

/// Where the suites put Envoy's binary.
const FETCHED_ENVOY: &str = "../envoy/1.40.0/envoy/_bin/envoy";

/// Where the guests are built: cargo's lists of their sources are there.
const GUESTS: &str = "../guests/wasm32-wasip1/guest";
