//! `cargo xtask test`: the components, then every suite.

use std::ffi::OsString;

use crate::components;
use crate::edition;
use crate::exit::Failure;
use crate::process;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Builds the components and runs the suites. What is asked for goes to `cargo test` as it is.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    asked: &[OsString],
) -> Result<(), Failure> {
    components::run(workspace, progress)?;
    suites(workspace, progress, asked, &[])
}

/// Runs the suites on components that are there, with these variables beside the caller's.
pub(crate) fn suites(
    workspace: &Workspace,
    progress: &Progress,
    asked: &[OsString],
    environment: &[(&str, &str)],
) -> Result<(), Failure> {
    components::companions(workspace, progress)?;
    let mut test = workspace.cargo("test");
    if !chooses_packages(asked) {
        test.arg("--workspace").args(edition::excluded());
        for edition in edition::tested_alone() {
            let mut alone = workspace.cargo("test --lib --package");
            progress.step(&format!("cargo test --lib --package {}", edition.package));
            process::run(alone.arg(edition.package), "look for the first `FAILED` above")?;
        }
    }
    test.args(asked).envs(environment.iter().copied());
    progress.step(&process::line(&test));
    process::run(&mut test, "look for the first `FAILED` or `error` above")
}

/// Whether the caller names packages, before `--`: then the whole workspace is not meant.
fn chooses_packages(asked: &[OsString]) -> bool {
    let cargos = asked
        .iter()
        .take_while(|argument| *argument != "--")
        .filter_map(|argument| argument.to_str());
    cargos
        .into_iter()
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_package_stands_for_the_workspace() {
        for (row, asked, expected) in [
            ("nothing asked", &[][..], false),
            ("short", &["-p", "linkgate-policy"], true),
            ("short, joined", &["-plinkgate-policy"], true),
            ("long", &["--package=linkgate-policy"], true),
            ("a filter", &["layering"], false),
            ("for the test binary", &["--", "-p"], false),
        ] {
            let asked: Vec<OsString> = asked.iter().map(Into::into).collect();
            assert_eq!(chooses_packages(&asked), expected, "{row}");
        }
    }
}
