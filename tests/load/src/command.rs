//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::Attempt;
use crate::bench::{BenchArguments, bench};
use crate::idle::{Idle, idle};
use crate::merge::{Merge, merge};
use crate::process::beside;
use crate::scale::{ScaleArguments, scale};
use crate::soak::{Soak, soak};

/// Load and measurement of linkgate's binaries, over loopback.
#[derive(Parser)]
#[command(name = "linkgate-load", max_term_width = 100)]
struct LinkgateLoad {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Hold every answer against what its request deserves, while the tenant fails at random
    Soak(SoakArguments),
    /// Serve a client beside thousands of connections that say nothing, little, or too much
    Idle(IdleArguments),
    /// Processor time a request, of hosts side by side
    Bench(Box<BenchArguments>),
    /// What carrying metadata over adds to a link, and the window that it leaves to others
    Merge(MergeArguments),
    /// A thousand of everything, a million requests, many clients, all cores
    Scale(ScaleArguments),
}

#[derive(clap::Args)]
struct SoakArguments {
    /// Clients at once, a connection each
    #[arg(long, value_name = "N", default_value_t = 256)]
    connections: usize,
    /// How long, in seconds, before the gateway gets SIGTERM
    #[arg(long, value_name = "S", default_value_t = 60)]
    seconds: u64,
    /// What chance begins with
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The `linkgate` binary; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    linkgate: Option<PathBuf>,
}

#[derive(clap::Args)]
struct IdleArguments {
    /// Connections that say nothing
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    connections: usize,
    /// Connections that are slow, or say too much
    #[arg(long, value_name = "N", default_value_t = 500)]
    troublesome: usize,
    /// The `linkgate` binary; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    linkgate: Option<PathBuf>,
}

#[derive(clap::Args)]
struct MergeArguments {
    /// Links of a row, one after another
    #[arg(long, value_name = "N", default_value_t = 200)]
    links: usize,
    /// The `linkgate` binary; the one beside this binary unless given
    #[arg(long, value_name = "FILE")]
    linkgate: Option<PathBuf>,
}

/// Runs the command line. Exit codes: 0 all held, 1 something did not, 2 the command line is wrong.
#[must_use]
pub fn run() -> ExitCode {
    let told = match LinkgateLoad::parse().command {
        Command::Soak(arguments) => arguments.run(),
        Command::Idle(arguments) => arguments.run(),
        Command::Bench(arguments) => {
            arguments.settings().and_then(|settings| runtime()?.block_on(bench(settings)))
        }
        Command::Merge(arguments) => arguments.run(),
        Command::Scale(arguments) => {
            arguments.settings().and_then(|settings| runtime()?.block_on(scale(settings)))
        }
    };
    match told {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("linkgate-load: {text}");
            ExitCode::FAILURE
        }
    }
}

impl SoakArguments {
    fn run(self) -> Attempt<String> {
        let soak_settings = Soak {
            linkgate: beside(self.linkgate, "linkgate")?,
            connections: self.connections,
            length: Duration::from_secs(self.seconds),
            seed: self.seed,
        };
        runtime()?.block_on(soak(soak_settings))
    }
}

impl IdleArguments {
    fn run(self) -> Attempt<String> {
        let idle_settings = Idle {
            linkgate: beside(self.linkgate, "linkgate")?,
            connections: self.connections,
            troublesome: self.troublesome,
        };
        runtime()?.block_on(idle(idle_settings))
    }
}

impl MergeArguments {
    fn run(self) -> Attempt<String> {
        let linkgate = beside(self.linkgate, "linkgate")?;
        runtime()?.block_on(merge(Merge { linkgate, links: self.links }))
    }
}

fn runtime() -> Attempt<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| format!("no runtime: {error}"))
}
