//! The command line of `scale`.

use std::path::PathBuf;
use std::time::Duration;

use super::Scale;
use crate::Attempt;
use crate::process::beside;

/// A thousand of everything, a million requests, many clients, all cores.
#[derive(clap::Args)]
pub(crate) struct ScaleArguments {
    /// Small numbers, to try it: its figures say little
    #[arg(long, conflicts_with = "docs")]
    quick: bool,
    /// Rounds that count
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Requests of a row in a round
    #[arg(long, value_name = "N", default_value_t = 1000)]
    requests: usize,
    /// Longest time for a row in a round, in seconds
    #[arg(long, value_name = "S", default_value_t = 4)]
    seconds: u64,
    /// Requests of the gateway whose memory is measured
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    many_requests: usize,
    /// Tokens that these have in turn
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    tokens: usize,
    /// Longest time for these, in seconds
    #[arg(long, value_name = "S", default_value_t = 200)]
    memory_seconds: u64,
    /// Put the tables into this folder's `performance.md`, and the plot beside it
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
    /// The `linkgate` binary; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    linkgate: Option<PathBuf>,
    /// The evaluator component; the one that the `linkgate` binary finds unless given
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// Of each thing that a policy lists.
const MOST: usize = 1000;

impl ScaleArguments {
    /// The settings, if the binary is there.
    pub(crate) fn settings(self) -> Attempt<Scale> {
        let whole = Scale {
            linkgate: beside(self.linkgate, "linkgate")?,
            component: self.component,
            most: MOST,
            rounds: self.rounds.max(1),
            requests: self.requests.max(1),
            length: Duration::from_secs(self.seconds),
            many_requests: self.many_requests.max(100),
            tokens: self.tokens.max(1),
            memory_length: Duration::from_secs(self.memory_seconds),
            docs: self.docs,
        };
        Ok(if self.quick { quick(whole) } else { whole })
    }
}

fn quick(whole: Scale) -> Scale {
    Scale { rounds: 1, requests: 200, many_requests: 10_000, tokens: 1000, ..whole }
}
