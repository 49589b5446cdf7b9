//! The time, as Envoy has it.

use std::cell::OnceCell;
use std::time::{Instant, SystemTime};

use linkgate_policy::Now;

thread_local! {
    /// Where this instance's monotonic time begins.
    static BEGAN: OnceCell<Instant> = const { OnceCell::new() };
}

/// The present.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mono_ms = milliseconds(elapsed().as_millis()).saturating_add(BEGINS_AT_MS);
    Now { unix_ms: milliseconds(unix.as_millis()), mono_ms }
}

/// Where monotonic time begins, so that what another worker did before this instance was there has a
/// moment, too: 34 years.
const BEGINS_AT_MS: u64 = 1 << 40;

/// Microseconds of monotonic time.
pub(crate) fn mono_us() -> u64 {
    milliseconds(elapsed().as_micros())
}

fn elapsed() -> std::time::Duration {
    BEGAN.with(|began| began.get_or_init(Instant::now).elapsed())
}

fn milliseconds(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
