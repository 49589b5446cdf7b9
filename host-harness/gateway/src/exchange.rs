//! An open exchange: closed exactly once, whatever happens to the task that holds it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Duration, timeout};

use crate::accounts::Hold;
use crate::contract::{End, Event, Step, Turn};
use crate::instance_handle::InstanceHandle;
use crate::lost::{Brief, Closing};
use crate::pool::{Lost, Shared};
use crate::sink::Fault;
use crate::timings::{Phase, Stopwatch};

/// An open exchange, pinned to its instance. Dropped, it closes as `client-gone`: a server drops
/// what it was doing for a client that left.
pub(crate) struct Exchange {
    instance: Arc<InstanceHandle>,
    id: u64,
    shared: Arc<Shared>,
    /// Taken when the exchange is closed.
    open: Option<(Box<Stopwatch>, Brief)>,
    /// The accounts that no other exchange may link meanwhile.
    hold: Option<Box<Hold>>,
    /// Its place among the requests in flight, free again when the answer has ended.
    _ticket: OwnedSemaphorePermit,
}

impl Exchange {
    pub(crate) fn new(
        instance: Arc<InstanceHandle>,
        id: u64,
        shared: Arc<Shared>,
        watch: Box<Stopwatch>,
        brief: Brief,
        ticket: OwnedSemaphorePermit,
    ) -> Self {
        Self { instance, id, shared, open: Some((watch, brief)), hold: None, _ticket: ticket }
    }

    /// Reports an event and takes the next step.
    pub(crate) async fn resume(&mut self, sequence: u32, event: Event) -> Result<Turn, Lost> {
        self.enter(Phase::Policy);
        timeout(RESUME_WAIT, self.instance.resume(self.id, sequence, event))
            .await
            .unwrap_or(Err(Lost))
    }

    /// A question to be asked while a step is carried out: whether it goes on without its client. An
    /// instance that cannot say has lost it.
    pub(crate) fn must_finish(&self) -> impl Future<Output = bool> + use<> {
        let (instance, id) = (Arc::clone(&self.instance), self.id);
        async move { matches!(timeout(RESUME_WAIT, instance.must_finish(id)).await, Ok(Ok(true))) }
    }

    /// Holds accounts until it is closed, or longer if its decision says so.
    pub(crate) fn keep(&mut self, hold: Hold) {
        self.hold = Some(Box::new(hold));
    }

    /// From here on its time goes into carrying out `step`.
    pub(crate) fn begin(&mut self, step: &Step) {
        self.enter(step.into());
        if let Some((_, brief)) = &mut self.open {
            brief.begin(step);
        }
    }

    fn enter(&mut self, phase: Phase) {
        if let Some((watch, _)) = &mut self.open {
            watch.enter(phase);
        }
    }

    /// Closes the exchange, so that its record is handed over.
    pub(crate) fn close(mut self, end: End) {
        self.close_once(end);
    }

    fn close_once(&mut self, end: End) {
        let Some((mut watch, brief)) = self.open.take() else {
            return;
        };
        watch.enter(Phase::Policy);
        let hold = self.hold.take();
        if let Err(Lost) = self.instance.close(self.id, Closing { end, watch, brief, hold }) {
            self.shared.sink.fault(&Fault::ExchangeLost);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let stopping = self.shared.stopping.load(Ordering::Acquire);
        self.close_once(if stopping { End::Shutdown } else { End::ClientGone });
    }
}

/// The longest wait for an instance's next step. Before it are calls of milliseconds, or
/// one that loops and is stopped within a second. Raised, a client of a gateway that is far beyond
/// its capacity waits longer for its 503.
const RESUME_WAIT: Duration = Duration::from_secs(10);
