//! The command line: one word, and what goes to the command behind it.

use std::ffi::OsString;

use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::workspace::Workspace;
use crate::{ci, components, demo, instructions, load, mutants, test};

/// What `--help` prints.
const HELP: &str = "\
Build, try and check linkgate. Plain cargo underneath.

Usage: cargo xtask <command> [arguments]

Commands:
  demo        build the components, run the gateway in front of a simulated tenant
  test        build the components, run every suite
  load        build for release, run load and measurement: soak, idle, bench, merge, scale
  bench       the same as `load bench`: what a request costs, side by side with Envoy's and HAProxy's own checks
  mutants     remove fixes and rules one by one, see that a test fails
  instructions  count the instructions of the core's operations with valgrind, compare with tests/prices/instructions.txt
  components  build the components: <target>/components/linkgate-<edition>.wasm, the evaluator once more for hosts with
              wide arithmetic, and the example
  ci          formatting, lints, licences, the components and every suite, with the time each took

Arguments after `demo` go to `linkgate demo`, those after `test` to `cargo test`, those after `load`
and `bench` to `linkgate-load`.
<target> is CARGO_TARGET_DIR, or what cargo's configuration says.

Examples:
  cargo xtask demo
  cargo xtask test
  cargo xtask test layering                       only tests with that in their name
  cargo xtask test -p linkgate-policy             only one crate
  cargo xtask test -- --nocapture                 with what the tests print
  cargo xtask load soak --seconds 600             every answer checked, while the tenant fails
  cargo xtask bench --rounds 15 --docs docs       as docs/performance.md shows it
  cargo xtask load --debug idle                   on a debug build, to try it
  cargo xtask mutants wait                        only those with that in what they leave out
  cargo xtask components && sha256sum target/components/*.wasm

Exit codes: 0 done, 1 a step failed, 2 the command line was not understood.
NO_COLOR=1 switches colour off.
";

/// Runs what the arguments ask for.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let progress = Progress::start();
    match Command::parse(arguments) {
        Ok(Command::Help) => {
            print!("{HELP}");
            Exit::Ok
        }
        Ok(command) => match command.run(&progress) {
            Ok(()) => {
                progress.step("done");
                Exit::Ok
            }
            Err(failure) => {
                progress.failure(&failure);
                Exit::Failed
            }
        },
        Err(failure) => {
            progress.failure(&failure);
            Exit::Usage
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help,
    Demo(Vec<OsString>),
    Test(Vec<OsString>),
    Load(Vec<OsString>),
    Mutants(String),
    Instructions,
    Components,
    Ci,
}

impl Command {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, Failure> {
        let word = arguments.next().ok_or_else(|| misused("no command was given"))?;
        let rest: Vec<OsString> = arguments.collect();
        match (word.to_str(), rest.first()) {
            (Some("help" | "--help" | "-h"), _) => Ok(Self::Help),
            (
                Some("demo" | "test" | "load" | "bench" | "mutants" | "components" | "ci"),
                Some(flag),
            ) if asks_for_help(flag) => Ok(Self::Help),
            (Some("load"), None) => Err(misused("`load` needs `soak`, `idle` or `bench`")),
            (Some("load"), _) => Ok(Self::Load(rest)),
            (Some(bench @ "bench"), _) => {
                Ok(Self::Load(std::iter::once(bench.into()).chain(rest).collect()))
            }
            (Some("demo"), _) => Ok(Self::Demo(rest)),
            (Some("test"), _) => Ok(Self::Test(rest)),
            (Some("mutants"), asked) => {
                let asked = asked.map(|asked| asked.to_string_lossy().into_owned());
                Ok(Self::Mutants(asked.unwrap_or_default()))
            }
            (Some("components"), None) => Ok(Self::Components),
            (Some("instructions"), None) => Ok(Self::Instructions),
            (Some("ci"), None) => Ok(Self::Ci),
            (Some(command @ ("components" | "instructions" | "ci")), Some(extra)) => {
                let extra = extra.to_string_lossy();
                Err(misused(&format!("`{command}` takes no arguments, found `{extra}`")))
            }
            _ => Err(misused(&format!("there is no command `{}`", word.to_string_lossy()))),
        }
    }

    fn run(self, progress: &Progress) -> Result<(), Failure> {
        let workspace = Workspace::find()?;
        match self {
            Self::Help => Ok(()),
            Self::Demo(asked) => demo::run(&workspace, progress, &asked),
            Self::Test(asked) => test::run(&workspace, progress, &asked),
            Self::Load(asked) => load::run(&workspace, progress, &asked),
            Self::Mutants(asked) => mutants::run(&workspace, progress, &asked),
            Self::Components => {
                components::run(&workspace, progress)?;
                components::companions(&workspace, progress)
            }
            Self::Instructions => instructions::run(&workspace, progress),
            Self::Ci => ci::run(&workspace, progress),
        }
    }
}

fn asks_for_help(flag: &OsString) -> bool {
    flag == "--help" || flag == "-h"
}

fn misused(what: &str) -> Failure {
    Failure::new(
        what,
        "choose one of `demo`, `test`, `load`, `bench`, `mutants`, `instructions`, `components`, `ci`; `cargo xtask --help` shows examples",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Failure> {
        Command::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn every_command_is_understood_and_in_the_help() {
        let passed_on = || vec![OsString::from("--"), OsString::from("--nocapture")];
        for (line, expected) in [
            ("--help", Command::Help),
            ("ci --help", Command::Help),
            ("test -h", Command::Help),
            ("demo -- --nocapture", Command::Demo(passed_on())),
            ("test -- --nocapture", Command::Test(passed_on())),
            ("load idle", Command::Load(vec!["idle".into()])),
            ("bench --rounds", Command::Load(vec!["bench".into(), "--rounds".into()])),
            ("mutants", Command::Mutants(String::new())),
            ("mutants wait", Command::Mutants("wait".to_owned())),
            ("instructions", Command::Instructions),
            ("components", Command::Components),
            ("ci", Command::Ci),
        ] {
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
        for command in
            ["demo", "test", "load", "bench", "mutants", "instructions", "components", "ci"]
        {
            assert!(HELP.contains(&format!("\n  {command} ")), "{command} is not in the help");
        }
    }

    #[test]
    fn what_the_readme_begins_with_is_understood() {
        let readme = include_str!("../../README.md");
        let lines = readme.lines().filter_map(|line| line.strip_prefix("cargo xtask "));
        let lines: Vec<&str> = lines.filter_map(|line| line.split('#').next()).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        for line in lines {
            assert!(parsed(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, what) in [
            ("", "no command was given"),
            ("build", "there is no command `build`"),
            ("load", "`load` needs `soak`, `idle` or `bench`"),
            ("ci now", "`ci` takes no arguments, found `now`"),
        ] {
            assert_eq!(parsed(line).unwrap_err().what, what, "{line}");
        }
    }
}
