//! An open exchange: closed exactly once, whatever happens to the task that holds it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Duration, Instant, timeout};

use crate::contract::{End, Event, Turn};
use crate::fleet::{Desk, Lost};
use crate::seat::Seat;
use crate::sink::Fault;

/// An open exchange, pinned to its instance. Dropped, it closes as `client-gone`: a server drops
/// what it was doing for a client that left.
pub(crate) struct Exchange {
    seat: Arc<Seat>,
    id: u64,
    desk: Arc<Desk>,
    began: Instant,
    closed: bool,
    /// Its place among the requests in flight, free again when the answer has ended.
    _ticket: OwnedSemaphorePermit,
}

impl Exchange {
    pub(crate) fn new(
        seat: Arc<Seat>,
        id: u64,
        desk: Arc<Desk>,
        began: Instant,
        ticket: OwnedSemaphorePermit,
    ) -> Self {
        Self { seat, id, desk, began, closed: false, _ticket: ticket }
    }

    /// Reports an event and takes the next step.
    pub(crate) async fn resume(&self, sequence: u32, event: Event) -> Result<Turn, Lost> {
        timeout(RESUME_WAIT, self.seat.resume(self.id, sequence, event)).await.unwrap_or(Err(Lost))
    }

    /// Closes the exchange, so that its record is handed over.
    pub(crate) fn close(mut self, end: End) {
        self.close_once(end);
    }

    fn close_once(&mut self, end: End) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        if let Err(Lost) = self.seat.close(self.id, end, self.began) {
            self.desk.sink.fault(&Fault::ExchangeLost);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let stopping = self.desk.stopping.load(Ordering::Acquire);
        self.close_once(if stopping { End::Shutdown } else { End::ClientGone });
    }
}

/// The longest wait for an instance's next step. What stands before it are calls of milliseconds, or
/// one that loops and is stopped within a second. Raised, a client of a gateway that is far beyond
/// its capacity waits longer for its 503.
const RESUME_WAIT: Duration = Duration::from_secs(10);
