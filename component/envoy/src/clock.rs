//! The time, as Envoy has it.
//!
//! Each clock that is read is a call of the host. So a request reads the monotonic one, and the wall clock is read by the
//! root's tick: in between it is as far on as the monotonic one. Who sets it is noticed a tick later.

use std::cell::Cell;
use std::time::{Instant, SystemTime};

use linkgate_policy::Now;

thread_local! {
    /// Where this instance's monotonic time begins, and what the wall clock showed then.
    static BEGAN: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
}

/// One moment on both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Now,
    /// Microseconds of monotonic time.
    pub(crate) mono_us: u64,
}

/// The present, for who measures from it.
pub(crate) fn moment() -> Moment {
    let (began, began_unix_ms) = BEGAN.get().unwrap_or_else(read_wall_clock);
    let elapsed = began.elapsed();
    let elapsed_ms = count(elapsed.as_millis());
    let now = Now {
        unix_ms: began_unix_ms.saturating_add(elapsed_ms),
        mono_ms: elapsed_ms.saturating_add(BEGINS_AT_MS),
    };
    Moment { now, mono_us: count(elapsed.as_micros()) }
}

/// The present.
pub(crate) fn now() -> Now {
    moment().now
}

/// Reads the wall clock anew.
pub(crate) fn read_wall_clock() -> (Instant, u64) {
    let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let began = BEGAN.get().map_or_else(Instant::now, |(began, _)| began);
    let both = (began, count(unix.saturating_sub(began.elapsed()).as_millis()));
    BEGAN.set(Some(both));
    both
}

/// Where monotonic time begins, so that what another worker did before this instance was there has a
/// moment, too: 34 years.
const BEGINS_AT_MS: u64 = 1 << 40;

fn count(of: u128) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
