//! How a run of xtask ends.

use std::process::{ExitCode, Termination};

/// The exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done.
    Ok = 0,
    /// A step failed.
    Failed = 1,
    /// The command line was not understood; nothing was done.
    Usage = 2,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// A step that failed: what happened, and the one thing to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened, a phrase in lower case.
    pub(crate) what: String,
    /// The one thing to do, a phrase in lower case.
    pub(crate) todo: String,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { what: what.into(), todo: todo.into() }
    }
}
