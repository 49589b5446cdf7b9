//! How a request was decided and how it ended, in a word each.

use serde::{Deserialize, Serialize};

use super::cause::Cause;

/// The outcome of a request, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Permitted and sent to the upstream, or a preflight answered.
    Allowed,
    /// Sent on unchanged: outside the guarded routes, under a configured prefix, or let through by a
    /// policy in shadow.
    Passed,
    /// Refused: the caller's doing.
    Denied,
    /// Not decided or not carried out: ours or the upstream's doing.
    Failed,
}

impl Cause {
    /// The outcome of a request that was decided for this, in one word.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Granted | Self::LinkFound | Self::Preflight => Outcome::Allowed,
            Self::Passed | Self::Shadowed => Outcome::Passed,
            Self::Denied(_) => Outcome::Denied,
            Self::Failed(_) | Self::Unfinished => Outcome::Failed,
        }
    }
}

impl Outcome {
    /// The word for it, in logs and as a label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Passed => "passed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// How an exchange ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The last step was carried out.
    Finished,
    /// The client went away before.
    ClientGone,
    /// The host stopped before.
    Shutdown,
}

impl End {
    /// The word for it in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::ClientGone => "client-gone",
            Self::Shutdown => "shutdown",
        }
    }
}
