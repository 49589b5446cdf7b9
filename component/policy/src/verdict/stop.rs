//! Why an exchange goes no further, before the reply is written.

use super::cause::{Cause, Denial, Fault};

/// Why an exchange goes no further.
pub(crate) enum Stop {
    Denied(Denial),
    /// Ours or the upstream's doing, and when to come again if that can be said.
    Failed(Fault, Option<u32>),
}

impl Stop {
    /// It cannot be decided now, and the client may come again after so long.
    pub(crate) fn for_now(fault: Fault, retry_after_ms: u64) -> Self {
        let seconds = retry_after_ms.div_ceil(1000).max(1);
        Self::Failed(fault, u32::try_from(seconds).ok())
    }

    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Denied(denial) => Cause::Denied(*denial),
            Self::Failed(fault, _) => Cause::Failed(*fault),
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault, None)
    }
}

impl<T: Into<Denial>> From<T> for Stop {
    fn from(denial: T) -> Self {
        Self::Denied(denial.into())
    }
}
