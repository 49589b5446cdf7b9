//! A guest as a core module: the wasm target, and a cargo call of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::edition::{Arithmetic, COMPANIONS, EDITIONS, Edition, Wants};
use crate::exit::Failure;
use crate::machine::{self, Folder};
use crate::process;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// What the guests are built for. Its std is small once optimised; the few WASI calls it leaves in
/// are answered by `component/evaluator/src/wasi.wat`.
pub(crate) const TARGET: &str = "wasm32-wasip1";

/// Builds an edition, by itself: what one asks of a shared crate is not another's. Returns the
/// path of the core module. Does nothing when it is fresh.
pub(crate) fn build(
    workspace: &Workspace,
    edition: &Edition,
    arithmetic: Arithmetic,
    machine: &[Folder],
    progress: &Progress,
) -> Result<PathBuf, Failure> {
    let artifact = format!("{}{}", edition.package, arithmetic.suffix());
    progress.step(&format!("build {artifact} for {TARGET}"));
    let mut build = workspace.cargo(&what("build"));
    // Cargo takes a build with other flags for the same one: in one folder each would be made anew after the other.
    let folder = workspace.target.join(format!("guests{}", arithmetic.suffix()));
    build.args(["--package", edition.package]).arg("--target-dir").arg(&folder);
    build.env("CARGO_ENCODED_RUSTFLAGS", machine::flags(machine, arithmetic));
    if edition.wants == Wants::Speed {
        build.args(["--config", "profile.guest.opt-level=3"]);
    }
    process::run(&mut build, "mend what the compiler says above")?;
    let folder = folder.join(TARGET).join("guest");
    Ok(folder.join(edition.package.replace('-', "_")).with_extension("wasm"))
}

/// A cargo call on all editions. Their own target folder keeps their features from unifying with
/// the host's, and one profile lets a build find the macros that clippy compiled.
pub(crate) fn cargo(workspace: &Workspace, verb: &str) -> Command {
    let mut command = workspace.cargo(&what(verb));
    command.args(
        EDITIONS.iter().chain(&COMPANIONS).flat_map(|edition| ["--package", edition.package]),
    );
    command.arg("--target-dir").arg(workspace.guests());
    command
}

fn what(verb: &str) -> String {
    format!("{verb} --target {TARGET} --profile guest")
}

/// Adds the wasm target to the active toolchain when it is missing.
pub(crate) fn add_target(progress: &Progress) -> Result<(), Failure> {
    let todo = format!("run `rustup target add {TARGET}` with a network (https://rustup.rs)");
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    if Path::new(process::capture(&mut rustc, &todo)?.trim()).is_dir() {
        return Ok(());
    }
    progress.step(&format!("add the target {TARGET} to the toolchain"));
    let mut rustup = Command::new("rustup");
    process::run(rustup.args(["target", "add", TARGET]), &todo).map_err(|failure| {
        let what = format!("the target {TARGET} is missing: {}", failure.what);
        Failure::new(what, todo)
    })
}
