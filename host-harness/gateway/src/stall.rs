//! A bound on standing still.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Turns a wait without progress into an error once it has lasted too long. The time in which
/// nobody asks does not count.
pub(crate) struct Stall {
    limit: Duration,
    since: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    /// Gives `progress` on, or an error when there was none for the limit.
    pub(crate) fn bound<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.since = None;
            return progress;
        }
        let limit = self.limit;
        let since = self.since.get_or_insert_with(|| Box::pin(sleep(limit)));
        since.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}
