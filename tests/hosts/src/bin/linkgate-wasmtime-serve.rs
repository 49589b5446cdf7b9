//! `wasmtime serve`, and `wasmtime compile` so that a suite compiles a component once: a real host
//! for the suites, with wasmtime's own command line.
//!
//! It is a crate of its own so that only who runs the suites pays for compiling it. It has no word
//! in what happens: all of it is wasmtime's.

use clap::Parser as _;
use wasmtime_cli::commands::{CompileCommand, ServeCommand};

/// The commands, as `wasmtime` has them.
#[derive(clap::Parser)]
enum Command {
    /// Compile a component
    Compile(Box<CompileCommand>),
    /// Serve HTTP with a component
    Serve(Box<ServeCommand>),
}

fn main() -> wasmtime::Result<()> {
    match Command::parse() {
        Command::Compile(command) => command.execute(),
        Command::Serve(command) => command.execute(),
    }
}
