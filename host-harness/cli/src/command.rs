//! The commands, a file each.

mod bake;
mod bench;
mod check;
mod completions;
mod demo;
mod diff;
mod explain;
mod init;
mod inspect;
mod keys;
mod man;
mod plan;
mod reason;
mod replay;
mod schema;
mod serve;
mod tenant;
mod test;

use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;

use clap::{Parser, Subcommand};
use linkgate_policy::{Abilities, Policy, Secrets};

use crate::clock;
use crate::document;
use crate::exit::Exit;

/// The policy component in front of account linking: run it, try it.
#[derive(Parser)]
#[command(name = "linkgate", version, max_term_width = 100)]
struct Linkgate {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Bake(bake::Bake),
    Bench(bench::Bench),
    Check(check::Check),
    Completions(completions::Completions),
    Demo(demo::Demo),
    Diff(diff::Diff),
    Explain(explain::Explain),
    Init(init::Init),
    Inspect(inspect::Inspect),
    Keys(keys::Keys),
    Man(man::Man),
    Plan(plan::Plan),
    Reason(reason::Reason),
    Replay(replay::Replay),
    Schema(schema::Schema),
    Serve(serve::Serve),
    Tenant(tenant::Tenant),
    Test(test::Test),
}

/// Runs the command line.
#[must_use]
pub fn run() -> Exit {
    let outcome = match Linkgate::parse().command {
        Command::Bake(command) => command.run(),
        Command::Bench(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Keys(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Plan(command) => command.run(),
        Command::Reason(command) => command.run(),
        Command::Replay(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Tenant(command) => command.run(),
        Command::Test(command) => command.run(),
    };
    outcome.unwrap_or_else(|trouble| {
        eprintln!("linkgate: {}", trouble.text);
        trouble.exit
    })
}

/// Why a command ended early.
struct Trouble {
    exit: Exit,
    text: String,
}

impl Trouble {
    /// Something that was asked for cannot be meant: nothing was started.
    fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// Something did not work.
    fn failed(text: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Failed, text: text.to_string() }
    }
}

/// A policy, for commands that look at it without serving: compiled for a host that can do all there is.
/// `otherwise` is what a mistake in it prevents.
fn policy(config: &Path, secrets: &Secrets, otherwise: &str) -> Result<Policy, Trouble> {
    let host = Abilities::ALL;
    let document = document::read(config).map_err(|why| unusable(&why, otherwise))?;
    Policy::compile(document.json(), secrets, host, seed(), clock::now())
        .map_err(|mistakes| unusable(&document.explain(&mistakes), otherwise))
}

/// Says that a policy is in shadow, if it is: its decisions are not enforced.
fn tell_shadow(policy: &Policy) {
    let shadow = policy.shadow();
    let notices = shadow.map(|shadow| shadow.notices(clock::now().unix_ms)).unwrap_or_default();
    for notice in notices {
        eprintln!("linkgate: {notice}");
    }
}

/// A policy that cannot be used, and what that prevents.
fn unusable(explained: &str, otherwise: &str) -> Trouble {
    Trouble::usage(format!("{explained}: {otherwise}"))
}

/// Writes to standard output. A reader that has seen enough is no error.
fn tell(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::failed(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A number of threads or instances.
fn count(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_invalid| "expected a whole number, 1 or more".to_owned())
}

/// The runtime of every command that serves.
fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::failed(format!("no runtime: {error}")))
}

/// Ends when the process is asked to: Ctrl-C, or SIGTERM.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// The secrets that a policy may name, from the environment.
fn secrets() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?.strip_prefix(SECRET_PREFIX)?.to_owned();
            Some((name, value.into_string().ok()?))
        })
        .collect()
}

/// What the environment variables of secrets begin with.
const SECRET_PREFIX: &str = "LINKGATE_SECRET_";

/// A number that is not known outside this process.
fn seed() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::hash::RandomState::new().build_hasher().finish()
}
