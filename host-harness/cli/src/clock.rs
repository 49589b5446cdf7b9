//! The wall clock of the commands.

use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_policy::Now;

/// The present. A clock before 1970 shows 1970; the monotonic one does not move, for commands
/// that wait for nothing.
pub(crate) fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), mono_ms: 0 }
}
