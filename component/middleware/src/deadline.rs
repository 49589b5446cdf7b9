//! The end of a wait.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::bindings::monotonic_clock;
use crate::gate::NANOS_IN_MS;

/// A moment at which a wait ends, whatever else happened.
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    nanoseconds: u64,
}

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after(milliseconds: u32) -> Self {
        let wait = u64::from(milliseconds).saturating_mul(NANOS_IN_MS);
        Self { nanoseconds: monotonic_clock::now().saturating_add(wait) }
    }

    /// At this monotonic time in milliseconds.
    pub(crate) fn at(mono_ms: u64) -> Self {
        Self { nanoseconds: mono_ms.saturating_mul(NANOS_IN_MS) }
    }

    /// What comes of `work`; nothing when the deadline comes first. Then the work is dropped, which
    /// cancels what it waits for.
    pub(crate) async fn bound<T>(self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut end = pin!(monotonic_clock::wait_until(self.nanoseconds));
        poll_fn(|task| match work.as_mut().poll(task) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => end.as_mut().poll(task).map(|()| None),
        })
        .await
    }
}
