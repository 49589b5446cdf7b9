//! The way to an evaluator instance, which is a task of its own ([`InstanceTask`]).
//!
//! Calls go in as requests and come out as replies. The thread that posts a request deals with it, if the instance is
//! free, and no other has to be woken. Yet no thread of the server waits for a guest that loops: its call is set aside
//! after moments. What waits is a future, and that can be bounded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::contract::{Event, Head, Now, Turn};
use crate::evaluator::{Evaluator, Keys, Trap};
use crate::exchange::Exchange;
use crate::instance_queue::InstanceQueue;
use crate::instance_task::InstanceTask;
use crate::lost::Closing;
use crate::pool::{Lost, Make, Shared};
use crate::timings::Stopwatch;

/// The way to an instance, whichever is alive at the time.
pub(crate) struct InstanceHandle {
    queue: Arc<InstanceQueue>,
}

pub(crate) enum Request {
    Open { opening: Opening, instance: Arc<InstanceHandle>, reply: oneshot::Sender<Opened> },
    Resume { id: u64, sequence: u32, event: Event, reply: oneshot::Sender<Turn> },
    MustFinish { id: u64, reply: oneshot::Sender<bool> },
    Close { id: u64, closing: Closing },
    Flush(oneshot::Sender<()>),
    Keys(KeysCall),
}

/// A call about the keys of an instance. It sends its own reply.
type KeysCall = Box<dyn FnOnce(&mut dyn Keys, Now) -> Result<(), Trap> + Send>;

impl Request {
    /// What it counts for where an instance is chosen. A question about keys takes microseconds: counted, it
    /// would send requests to an instance that is stuck.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Keys(_) => 0,
            Self::Open { .. }
            | Self::Resume { .. }
            | Self::MustFinish { .. }
            | Self::Close { .. }
            | Self::Flush(_) => 1,
        }
    }
}

/// What an exchange is opened with.
pub(crate) struct Opening {
    pub(crate) head: Head,
    pub(crate) watch: Box<Stopwatch>,
    /// The request's place among those in flight.
    pub(crate) ticket: OwnedSemaphorePermit,
}

/// An exchange with its first step, or the opening back because the instance never saw it.
pub(crate) type Opened = Result<(Exchange, Turn), Opening>;

impl InstanceHandle {
    /// Makes a task of `evaluator`. It ends with the last handle.
    pub(crate) fn take<E: Evaluator>(
        evaluator: E,
        make: Arc<Make<E>>,
        shared: Arc<Shared>,
        living: watch::Sender<()>,
    ) -> Arc<Self> {
        let queue = InstanceQueue::new();
        let task = InstanceTask::new(make, Arc::clone(&queue), shared, living);
        queue.begin(Box::pin(task.run(evaluator)));
        Arc::new(Self { queue })
    }

    pub(crate) fn is_live(&self) -> bool {
        self.queue.live.load(Ordering::Acquire)
    }

    /// How many calls stand before a new one.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Opens an exchange. The opening comes back when the instance died before it saw it.
    pub(crate) async fn open(self: &Arc<Self>, opening: Opening) -> Result<Opened, Lost> {
        let (reply, opened) = oneshot::channel();
        self.post(Request::Open { opening, instance: Arc::clone(self), reply })?;
        opened.await.map_err(|_trapped| Lost)
    }

    /// Reports an event and takes the next step.
    pub(crate) async fn resume(&self, id: u64, sequence: u32, event: Event) -> Result<Turn, Lost> {
        let (reply, turn) = oneshot::channel();
        self.post(Request::Resume { id, sequence, event, reply })?;
        turn.await.map_err(|_trapped| Lost)
    }

    /// Whether an exchange goes on without its client.
    pub(crate) async fn must_finish(&self, id: u64) -> Result<bool, Lost> {
        let (reply, answer) = oneshot::channel();
        self.post(Request::MustFinish { id, reply })?;
        answer.await.map_err(|_trapped| Lost)
    }

    /// Closes an exchange. Never waits: it is called where a future is dropped.
    pub(crate) fn close(&self, id: u64, closing: Closing) -> Result<(), Lost> {
        self.post(Request::Close { id, closing })
    }

    /// Asks an instance about its keys, or tells it of some, whether or not the answer is awaited;
    /// nothing when there is none to ask.
    pub(crate) fn keys<T, F>(&self, act: F) -> impl Future<Output = Option<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Keys, Now) -> Result<T, Trap> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let call: KeysCall = Box::new(move |keys, now| {
            drop(reply.send(act(keys, now)?));
            Ok(())
        });
        // With no receiver, the reply is dropped, and says so.
        let _gone = self.queue.post_aside(Request::Keys(call));
        async { answer.await.ok() }
    }

    /// Resolves when every request before it has been dealt with.
    pub(crate) async fn flush(&self) {
        let (reply, done) = oneshot::channel();
        if self.post(Request::Flush(reply)).is_ok() {
            let _dropped = done.await;
        }
    }

    fn post(&self, request: Request) -> Result<(), Lost> {
        self.queue.post(request)
    }
}

impl Drop for InstanceHandle {
    fn drop(&mut self) {
        self.queue.close();
    }
}
