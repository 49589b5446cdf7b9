//! A bound on standing still, and on creeping.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::settings::Limits;

/// Turns the wait for a peer into an error once it has lasted too long: this very wait, or all
/// waits together in view of the bytes that came of them. The time without a read does not
/// count.
pub(crate) struct Pace {
    stall: Duration,
    grace: Duration,
    bytes_per_second: u32,
    /// Bytes that moved so far.
    moved: u64,
    /// How long was waited for them.
    waited: Duration,
    wait: Option<Wait>,
}

/// A wait that is not over.
struct Wait {
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pace {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            stall: limits.stall_timeout,
            grace: limits.body_grace,
            bytes_per_second: limits.body_rate.get(),
            moved: 0,
            waited: Duration::ZERO,
            wait: None,
        }
    }

    /// For a peer that may say little, but must not fall silent: an event stream. Its waits together
    /// have no bound.
    pub(crate) fn idle(limits: &Limits) -> Self {
        Self { stall: limits.idle_timeout, grace: Duration::MAX, ..Self::new(limits) }
    }

    /// Gives `progress` on, or an error when the peer was too slow. `bytes` says how much came of it.
    pub(crate) fn bound<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        match &progress {
            Poll::Pending => self.wait(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
            Poll::Ready(outcome) => {
                self.moved(outcome.as_ref().map_or(0, bytes));
                progress
            }
        }
    }

    /// The peer is waited for. Resolves when that has lasted too long.
    pub(crate) fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let longest = self.longest_wait();
        let begin = || Wait { since: Instant::now(), timer: Box::pin(sleep(longest)) };
        self.wait.get_or_insert_with(begin).timer.as_mut().poll(cx)
    }

    /// The wait is over, and this came of it.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes as u64);
        if let Some(wait) = self.wait.take() {
            self.waited += wait.since.elapsed();
        }
    }

    fn longest_wait(&self) -> Duration {
        let earned = Duration::from_secs(self.moved) / self.bytes_per_second;
        self.stall.min(self.grace.saturating_add(earned).saturating_sub(self.waited))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_wait_is_as_long_as_the_bytes_before_it_have_earned() {
        let limits = Limits {
            stall_timeout: Duration::from_secs(30),
            body_grace: Duration::from_secs(40),
            body_rate: NonZeroU32::new(500).unwrap(),
            ..Limits::default()
        };
        let mut pace = Pace::new(&limits);
        for (name, waited, moved, expected) in [
            ("nothing yet", 0, 0, 30),
            ("within the grace", 29, 1, 11),
            ("a byte earns two milliseconds", 11, 500, 1),
            ("at the very rate", 1, 500, 1),
            ("behind it", 2, 0, 0),
            ("far ahead, but no longer than a stall", 0, 500_000, 30),
        ] {
            pace.waited += Duration::from_secs(waited);
            pace.moved(moved);
            assert_eq!(pace.longest_wait().as_secs(), expected, "{name}");
        }
        pace.moved(usize::MAX);
        pace.moved(usize::MAX);
        assert_eq!(pace.longest_wait(), limits.stall_timeout, "no overflow");
        let mut pace = Pace::idle(&limits);
        for _ in 0..1000 {
            pace.waited += limits.idle_timeout / 2;
            pace.moved(1);
            assert_eq!(pace.longest_wait(), limits.idle_timeout, "a heartbeat");
        }
    }
}
