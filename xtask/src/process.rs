//! Child processes, and what is said when one fails.

use std::process::{Command, Stdio};

use crate::exit::Failure;

/// Runs a command with our own stdout and stderr. `todo` is what to do when it fails.
pub(crate) fn run(command: &mut Command, todo: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("`{}` ended with {status}", line(command)), todo))
    }
}

/// Runs a command and takes its stdout. `todo` is what to do when it fails.
pub(crate) fn capture(command: &mut Command, todo: &str) -> Result<String, Failure> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        return Err(Failure::new(
            format!("`{}` ended with {}", line(command), output.status),
            todo,
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| Failure::new(format!("`{}` did not print UTF-8", line(command)), todo))
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program =
        std::path::Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    Failure::new(
        format!("`{program}` did not start: {error}"),
        format!("put `{program}` on the PATH"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_names_itself_and_what_to_do() {
        let failure =
            run(Command::new("rustc").arg("--no-such-flag").stderr(Stdio::null()), "do this")
                .unwrap_err();
        assert!(failure.what.starts_with("`rustc --no-such-flag` ended with"), "{}", failure.what);
        assert_eq!(failure.todo, "do this");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = run(&mut Command::new("no-such-program"), "").unwrap_err();
        assert_eq!(failure.todo, "put `no-such-program` on the PATH");
    }
}
