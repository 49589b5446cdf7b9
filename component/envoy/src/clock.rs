//! The time, as Envoy has it.

use std::cell::OnceCell;
use std::time::{Instant, SystemTime};

use linkgate_policy::Now;

thread_local! {
    /// Where this instance's monotonic time begins.
    static BEGAN: OnceCell<Instant> = const { OnceCell::new() };
}

/// One reading of both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Now,
    /// Microseconds of monotonic time.
    pub(crate) mono_us: u64,
}

/// The present, for who measures from it. Each clock that is read is a call of the host.
pub(crate) fn moment() -> Moment {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let elapsed = elapsed();
    let mono_ms = count(elapsed.as_millis()).saturating_add(BEGINS_AT_MS);
    let now = Now { unix_ms: count(unix.as_millis()), mono_ms };
    Moment { now, mono_us: count(elapsed.as_micros()) }
}

/// The present.
pub(crate) fn now() -> Now {
    moment().now
}

/// Where monotonic time begins, so that what another worker did before this instance was there has a
/// moment, too: 34 years.
const BEGINS_AT_MS: u64 = 1 << 40;

fn elapsed() -> std::time::Duration {
    BEGAN.with(|began| began.get_or_init(Instant::now).elapsed())
}

fn count(of: u128) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
