//! `cargo xtask demo`: the gateway in front of a simulated tenant, on this machine.

use std::ffi::OsString;
use std::process::Command;

use crate::components;
use crate::edition;
use crate::exit::Failure;
use crate::process;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Builds the components and runs `linkgate demo`, which gets what was asked for as it is.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    asked: &[OsString],
) -> Result<(), Failure> {
    components::run(workspace, progress)?;
    // Of the whole workspace, and with two tests: so every dependency has the features and the debug information that
    // the tests compile it with, and wasmtime is compiled once for both commands.
    let targets = "build --workspace --bin linkgate --test gateway --test words";
    let mut build = workspace.cargo(targets);
    build.args(edition::excluded());
    progress.step(&process::line(&build));
    process::run(&mut build, "look for the first `error` above")?;
    let mut demo = Command::new(workspace.target.join("debug").join("linkgate"));
    demo.arg("demo").args(asked);
    progress.step(&process::line(&demo));
    process::run(&mut demo, "look at the last lines above: the demo says what it missed")
}
