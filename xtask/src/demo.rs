//! `cargo xtask demo`: the gateway in front of a simulated tenant, on this machine.

use std::ffi::OsString;

use crate::components;
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
    let mut demo = workspace.cargo("run --package linkgate -- demo");
    demo.args(asked);
    progress.step(&process::line(&demo));
    process::run(&mut demo, "look at the last lines above: the demo says what it missed")
}
