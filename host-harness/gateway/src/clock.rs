//! The two clocks of the contract.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::contract::Now;

/// Reads wall time, and monotonic time since the gateway was built.
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { unix_ms: millis(wall), mono_ms: millis(self.began.elapsed()) }
    }

    /// The moment that `mono_ms` means, but at most `limit` from now.
    pub(crate) fn moment(&self, mono_ms: u64, limit: Duration) -> Instant {
        let latest = Instant::now() + limit;
        self.began
            .checked_add(Duration::from_millis(mono_ms))
            .map_or(latest, |moment| moment.min(latest))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
