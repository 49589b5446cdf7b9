//! `cargo xtask load`: load and measurement, on release builds.

use std::ffi::OsString;
use std::process::Command;

use crate::components;
use crate::edition;
use crate::exit::Failure;
use crate::process;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// The first argument for a debug build instead: quick to try, its figures mean nothing.
const DEBUG: &str = "--debug";

/// Builds the components and the binaries, and runs `linkgate-load`, which gets what was asked for as
/// it is.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    asked: &[OsString],
) -> Result<(), Failure> {
    components::run(workspace, progress)?;
    let is_debug = asked.first().is_some_and(|first| first == DEBUG);
    let asked = asked.get(usize::from(is_debug)..).unwrap_or_default();
    let mut build = workspace.cargo("build --workspace");
    build.args(edition::excluded());
    for binary in ["linkgate", "linkgate-load", "linkgate-wasmtime-serve"] {
        build.args(["--bin", binary]);
    }
    if !is_debug {
        // As it is shipped.
        build.args(["--release", "--features", "linkgate/jemalloc"]);
    }
    progress.step(&process::line(&build));
    process::run(&mut build, "look for the first `error` above")?;
    let folder = workspace.target.join(if is_debug { "debug" } else { "release" });
    let mut load = Command::new(folder.join("linkgate-load"));
    load.args(asked);
    progress.step(&process::line(&load));
    process::run(&mut load, "look at the last lines above: they say what is wrong")
}
