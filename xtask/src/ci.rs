//! `cargo xtask ci`: everything that has to hold before a change is merged.

use std::process::Stdio;
use std::time::Instant;

use crate::components;
use crate::edition;
use crate::exit::Failure;
use crate::guest;
use crate::instructions;
use crate::process;
use crate::progress::{Progress, seconds};
use crate::table;
use crate::test;
use crate::workspace::Workspace;

/// What is run, in this order; the first failure ends it.
const PHASES: &[Phase] = &[
    Phase { name: "format", run: format },
    Phase { name: "clippy, host", run: clippy_host },
    Phase { name: "clippy, guest", run: clippy_guest },
    Phase { name: "cargo deny", run: deny },
    Phase { name: "components", run: build },
    Phase { name: "instructions", run: count },
    Phase { name: "test", run: suites },
];

struct Phase {
    name: &'static str,
    run: fn(&Workspace, &Progress) -> Result<Verdict, Failure>,
}

/// The outcome of a phase that did not fail.
enum Verdict {
    Held,
    Skipped,
}

/// Runs the phases and prints how long each took, whatever happened.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<(), Failure> {
    let mut rows = vec![row("phase", "result", "took")];
    let mut failed = None;
    for phase in PHASES {
        if failed.is_some() {
            rows.push(row(phase.name, "not run", ""));
            continue;
        }
        progress.step(phase.name);
        let start = Instant::now();
        let result = (phase.run)(workspace, progress);
        rows.push(row(phase.name, said(&result), &seconds(start.elapsed())));
        failed = result.err();
    }
    print!("\n{}", table::aligned(&rows));
    failed.map_or(Ok(()), Err)
}

fn row(phase: &str, result: &str, took: &str) -> Vec<String> {
    [phase, result, took].map(str::to_owned).to_vec()
}

fn said(result: &Result<Verdict, Failure>) -> &'static str {
    match result {
        Ok(Verdict::Held) => "ok",
        Ok(Verdict::Skipped) => "SKIPPED",
        Err(_) => "FAILED",
    }
}

fn format(workspace: &Workspace, _: &Progress) -> Result<Verdict, Failure> {
    process::run(&mut workspace.cargo("fmt --all --check"), "run `cargo fmt --all`")?;
    Ok(Verdict::Held)
}

fn clippy_host(workspace: &Workspace, _: &Progress) -> Result<Verdict, Failure> {
    let mut clippy = workspace.cargo("clippy --workspace --all-targets");
    clippy.args(edition::excluded());
    process::run(clippy.args(["--", "-D", "warnings"]), "mend what clippy says above")?;
    Ok(Verdict::Held)
}

fn clippy_guest(workspace: &Workspace, progress: &Progress) -> Result<Verdict, Failure> {
    guest::add_target(progress)?;
    let mut clippy = guest::cargo(workspace, "clippy");
    process::run(clippy.args(["--", "-D", "warnings"]), "mend what clippy says above")?;
    Ok(Verdict::Held)
}

/// Licences, advisories and banned crates. Not demanded, even where skips are forbidden: compiling
/// cargo-deny takes longer than all else here.
fn deny(workspace: &Workspace, progress: &Progress) -> Result<Verdict, Failure> {
    let mut version = workspace.cargo("deny --version");
    let installed = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        let what = "licences and advisories are not checked: cargo-deny is not installed";
        progress.skip(what, "cargo install --locked cargo-deny");
        return Ok(Verdict::Skipped);
    }
    let todo = "take the crate out, or allow it in `deny.toml` with the reason";
    process::run(&mut workspace.cargo("deny --all-features check"), todo)?;
    Ok(Verdict::Held)
}

fn build(workspace: &Workspace, progress: &Progress) -> Result<Verdict, Failure> {
    components::run(workspace, progress)?;
    Ok(Verdict::Held)
}

/// The instructions of the core's operations. Demanded where skips are forbidden.
fn count(workspace: &Workspace, progress: &Progress) -> Result<Verdict, Failure> {
    if !instructions::is_possible() && std::env::var_os(FORBID_SKIPS).is_none() {
        let what = "instructions are not counted: valgrind is not installed";
        progress.skip(what, "apt-get install valgrind");
        return Ok(Verdict::Skipped);
    }
    instructions::run(workspace, progress)?;
    Ok(Verdict::Held)
}

/// All suites, also after one has failed: the count at the end is of everything.
fn suites(workspace: &Workspace, progress: &Progress) -> Result<Verdict, Failure> {
    test::suites(workspace, progress, &["--no-fail-fast".into()], NO_SKIPS)?;
    Ok(Verdict::Held)
}

/// A suite that cannot run for want of somebody else's software fails.
const NO_SKIPS: &[(&str, &str)] = &[(FORBID_SKIPS, "1")];

const FORBID_SKIPS: &str = "LINKGATE_FORBID_SKIPS";
