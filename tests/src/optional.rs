//! Software of somebody else's that some suites run: where it cannot be had, a newcomer's run goes on without, and says so.

use std::io::Write as _;
use std::process::{Command, Output};

use linkgate_cases::Trouble;

/// The variable that turns a suite that cannot run into a failure. CI sets it.
pub const FORBID_SKIPS: &str = "LINKGATE_FORBID_SKIPS";

/// What a suite needs, or nothing after a loud line on standard error.
///
/// # Panics
/// It cannot be had, and skips are forbidden.
#[expect(clippy::panic, reason = "it is required")]
pub fn unless_missing<T>(suite: &str, found: Result<T, Trouble>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(trouble) if std::env::var_os(FORBID_SKIPS).is_some() => panic!("{suite}: {trouble}"),
        Err(trouble) => {
            aloud(&format!("{suite:<27} NOT RUN: {trouble}"));
            None
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started, or fails; with what it said.
pub fn done(command: &mut Command) -> Result<(), Trouble> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Trouble::new(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Trouble::new(format!("{program} ended with {}: {}", output.status, said(&output))))
}

/// What a command printed, on both of its streams.
#[must_use]
pub fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Says something straight on standard error: libtest hides what `println!` says of a test that passes.
pub fn aloud(text: &str) {
    let _ = write!(std::io::stderr().lock(), "\n{text}\n");
}
