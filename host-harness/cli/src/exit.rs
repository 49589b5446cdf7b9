//! How a command ends.

use std::process::ExitCode;

/// The exit codes of `linkgate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Ok = 0,
    /// It could not, or what it checked is not as it should be.
    Failed = 1,
    /// The command line, a policy document or a file of cases is wrong: nothing was started.
    Usage = 2,
    /// Cases fail, decisions change, or something newly passes.
    Cases = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
