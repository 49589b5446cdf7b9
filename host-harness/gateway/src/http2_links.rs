//! The connections of HTTP/2 of one pool, idle or with a request. One that takes no further request is no longer here:
//! the request on it keeps it open until it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::http2_link::Http2Link;
use crate::reuse::{Dropped, DroppedCounts};
use crate::settings::Limits;

/// The one opened last is at the end.
#[derive(Default)]
pub(crate) struct Http2Links(Mutex<Vec<Arc<Http2Link>>>);

impl Http2Links {
    /// One without a request, which is begun with one: the one opened last, and if it has to be `recent`, one that was
    /// used a moment ago.
    pub(crate) fn begin(
        &self,
        recent: bool,
        limits: &Limits,
        counts: &DroppedCounts,
    ) -> Option<Arc<Http2Link>> {
        let now = Instant::now();
        let links = self.refreshed(now, limits, counts);
        let longest = limits.upstream_recent;
        let fits =
            |link: &Http2Link| !recent || now.saturating_duration_since(link.used()) <= longest;
        links.iter().rev().find(|link| fits(link) && link.try_begin()).map(Arc::clone)
    }

    pub(crate) fn keep(&self, link: &Arc<Http2Link>) {
        self.lock().push(Arc::clone(link));
    }

    /// This one takes no further request. Counted once.
    pub(crate) fn retire(&self, link: &Arc<Http2Link>, why: Dropped, counts: &DroppedCounts) {
        let mut links = self.lock();
        if let Some(at) = links.iter().position(|kept| Arc::ptr_eq(kept, link)) {
            links.remove(at);
            counts.add(why);
        }
    }

    /// None takes a further request.
    pub(crate) fn retire_all(&self, why: Dropped, counts: &DroppedCounts) {
        for _link in self.lock().drain(..) {
            counts.add(why);
        }
    }

    /// Closes so many of those without a request, the oldest first.
    pub(crate) fn close_unused(&self, mut most: usize, why: Dropped, counts: &DroppedCounts) {
        self.lock().retain(|link| {
            let is_closed = most > 0 && link.is_idle();
            if is_closed {
                most -= 1;
                counts.add(why);
            }
            !is_closed
        });
    }

    /// Closes what was idle for too long. Says when the next is.
    pub(crate) fn expire(&self, limits: &Limits, counts: &DroppedCounts) -> Option<Instant> {
        let links = self.refreshed(Instant::now(), limits, counts);
        let unused = links.iter().filter(|link| link.is_idle());
        unused.map(|link| link.used() + limits.upstream_idle).min()
    }

    /// How many have no request.
    pub(crate) fn idle(&self) -> usize {
        self.lock().iter().filter(|link| link.is_idle()).count()
    }

    fn refreshed(
        &self,
        now: Instant,
        limits: &Limits,
        counts: &DroppedCounts,
    ) -> MutexGuard<'_, Vec<Arc<Http2Link>>> {
        let mut links = self.lock();
        links.retain(|link| {
            let refused = link.refused(now, limits);
            refused.inspect(|why| counts.add(*why)).is_none()
        });
        links
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Http2Link>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
