//! An open exchange: closed exactly once, whatever happens to the task that holds it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use crate::contract::{End, Event, Turn};
use crate::evaluator::Evaluator;
use crate::fleet::{Desk, Instance, Lost};
use crate::sink::Fault;

/// An open exchange, pinned to its instance. Dropped, it closes as `client-gone`: a server drops
/// what it was doing for a client that left.
pub(crate) struct Exchange<E: Evaluator> {
    instance: Arc<Instance<E>>,
    /// `None` once closed.
    open: Option<E::Exchange>,
    desk: Arc<Desk>,
    began: Instant,
}

impl<E: Evaluator> Exchange<E> {
    pub(crate) fn new(
        instance: Arc<Instance<E>>,
        open: E::Exchange,
        desk: Arc<Desk>,
        began: Instant,
    ) -> Self {
        Self { instance, open: Some(open), desk, began }
    }

    /// Reports an event and takes the next step.
    pub(crate) fn resume(&self, sequence: u32, event: &Event) -> Result<Turn, Lost> {
        let exchange = self.open.as_ref().ok_or(Lost)?;
        let now = self.desk.clock.now();
        self.instance.call(&self.desk, |evaluator| evaluator.resume(exchange, sequence, event, now))
    }

    /// Closes the exchange and hands its record over.
    pub(crate) fn close(mut self, end: End) {
        self.close_once(end);
    }

    fn close_once(&mut self, end: End) {
        let Some(exchange) = self.open.take() else {
            return;
        };
        let now = self.desk.clock.now();
        match self.instance.call(&self.desk, |evaluator| evaluator.close(exchange, end, now)) {
            Ok(decision) => self.desk.sink.decided(&decision, self.began.elapsed()),
            Err(Lost) => self.desk.sink.fault(&Fault::ExchangeLost),
        }
    }
}

impl<E: Evaluator> Drop for Exchange<E> {
    fn drop(&mut self) {
        let stopping = self.desk.stopping.load(Ordering::Acquire);
        self.close_once(if stopping { End::Shutdown } else { End::ClientGone });
    }
}
