//! The thread of one evaluator instance. After a trap it makes a new one, off every request's path:
//!
//! ```text
//!  requests ─▶ live: one call at a time ── trap ─▶ vacant: turn requests away ── rest over ─▶ make ─▶ live
//! ```

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::contract::{End, Event, Step, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::instance_handle::{Opening, Request, Status};
use crate::lost::{Brief, Closing};
use crate::pool::{Lost, Make, Shared};
use crate::sink::Fault;

/// What sits on the thread of an instance.
pub(crate) struct InstanceThread<E: Evaluator> {
    make: Arc<Make<E>>,
    inbox: Receiver<Request>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    living: watch::Sender<()>,
    /// Open exchanges of the present instance. Numbers are never used again, so that a request for a
    /// dead instance finds nothing in the next one.
    exchanges: HashMap<u64, E::Exchange>,
    opened: u64,
}

/// The gateway is gone: no handle is left.
struct Disconnected;

impl<E: Evaluator> InstanceThread<E> {
    pub(crate) fn new(
        make: Arc<Make<E>>,
        inbox: Receiver<Request>,
        status: Arc<Status>,
        shared: Arc<Shared>,
        living: watch::Sender<()>,
    ) -> Self {
        Self { make, inbox, status, shared, living, exchanges: HashMap::new(), opened: 0 }
    }

    /// Serves until the last handle is gone.
    pub(crate) fn run(mut self, first: E) {
        let mut backoff = Backoff::new();
        let mut evaluator = first;
        loop {
            let began = Instant::now();
            let Ok(()) = self.serve(evaluator) else {
                return;
            };
            self.exchanges.clear();
            backoff.lived(began.elapsed());
            evaluator = match self.replace(&mut backoff) {
                Ok(evaluator) => evaluator,
                Err(Disconnected) => return,
            };
            self.status.live.store(true, Ordering::Release);
            self.living.send_replace(());
        }
    }

    /// Serves requests until the instance traps.
    fn serve(&mut self, mut evaluator: E) -> Result<(), Disconnected> {
        loop {
            let request = self.inbox.recv().map_err(|_no_sender| Disconnected)?;
            let weight = request.weight();
            let dealt = self.deal(&mut evaluator, request);
            self.status.waiting.fetch_sub(weight, Ordering::Relaxed);
            if dealt.is_err() {
                return Ok(());
            }
        }
    }

    fn deal(&mut self, evaluator: &mut E, request: Request) -> Result<(), Lost> {
        match request {
            // Who asked has stopped waiting.
            Request::Open { reply, .. } if reply.is_closed() => Ok(()),
            Request::Resume { reply, .. } if reply.is_closed() => Ok(()),
            Request::Open { opening: Opening { head, watch, ticket }, instance, reply } => {
                let now = self.shared.clock.now();
                let brief = Brief::of(&head);
                let opened = self.call(|| {
                    let (exchange, turn) = evaluator.open(&head, now)?;
                    let turn = self.verified(evaluator, &exchange, turn)?;
                    Ok((exchange, turn))
                });
                let Ok((exchange, turn)) = opened else {
                    // Who asked for it counts the loss.
                    self.record(Closing { end: End::Shutdown, watch, brief, hold: None });
                    return Err(Lost);
                };
                self.opened += 1;
                self.exchanges.insert(self.opened, exchange);
                let shared = Arc::clone(&self.shared);
                let exchange = Exchange::new(instance, self.opened, shared, watch, brief, ticket);
                // Not given away, it is dropped here and closes.
                drop(reply.send(Ok((exchange, turn))));
                Ok(())
            }
            Request::Resume { id, sequence, event, reply } => {
                let now = self.shared.clock.now();
                if let Some(exchange) = self.exchanges.get(&id) {
                    let turn = self.call(|| {
                        let turn = evaluator.resume(exchange, sequence, &event, now)?;
                        self.verified(evaluator, exchange, turn)
                    })?;
                    drop(reply.send(turn));
                }
                Ok(())
            }
            Request::MustFinish { id, reply } => {
                if let Some(exchange) = self.exchanges.get(&id) {
                    let must = self.call(|| evaluator.must_finish(exchange))?;
                    let _gone = reply.send(must);
                }
                Ok(())
            }
            Request::Close { id, closing } => self.close(evaluator, id, closing),
            Request::Flush(_done) => Ok(()),
            Request::Keys(call) => {
                let now = self.shared.clock.now();
                self.call(|| call(evaluator, now))
            }
        }
    }

    /// Verifies what a turn asks for, here on the thread of the instance: another would have to be woken for
    /// microseconds of work.
    fn verified(
        &self,
        evaluator: &mut E,
        exchange: &E::Exchange,
        mut turn: Turn,
    ) -> Result<Turn, Trap> {
        for _ in 0..MAX_SIGNATURES {
            let Step::Verify(question) = &turn.step else { break };
            let answer = Event::Verified(self.shared.verifier.verify(question));
            turn = evaluator.resume(exchange, turn.sequence, &answer, self.shared.clock.now())?;
        }
        Ok(turn)
    }

    fn close(&mut self, evaluator: &mut E, id: u64, closing: Closing) -> Result<(), Lost> {
        let now = self.shared.clock.now();
        let Some(exchange) = self.exchanges.remove(&id) else {
            self.lost(closing);
            return Ok(());
        };
        let Ok(decision) = self.call(|| evaluator.close(exchange, closing.end, now)) else {
            self.lost(closing);
            return Err(Lost);
        };
        if let Some(hold) = closing.hold {
            hold.linger(Duration::from_millis(decision.hold_ms.into()));
        }
        self.shared.sink.decided(decision, &closing.watch.stop());
        Ok(())
    }

    /// The instance of an exchange is gone.
    fn lost(&self, closing: Closing) {
        self.shared.sink.fault(&Fault::ExchangeLost);
        self.record(closing);
    }

    fn record(&self, closing: Closing) {
        let (decision, timings) = closing.record();
        self.shared.sink.decided(decision, &timings);
    }

    /// Calls into the instance. A trap, or a panic of the host below, is the end of it.
    fn call<T>(&self, call: impl FnOnce() -> Result<T, Trap>) -> Result<T, Lost> {
        let panicked = |_panic| Err(Trap::new("the host panicked in a call"));
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(panicked).map_err(|trap| {
            // Before the reply is dropped: who hears of it finds no live instance here.
            self.status.live.store(false, Ordering::Release);
            self.shared.sink.fault(&Fault::InstanceLost(trap));
            Lost
        })
    }

    /// Rests, then makes an instance, until that succeeds.
    fn replace(&self, backoff: &mut Backoff) -> Result<E, Disconnected> {
        loop {
            self.turn_away(Instant::now() + backoff.rest())?;
            let failed = || StartError::Host("it panicked while making an instance".to_owned());
            let made = catch_unwind(AssertUnwindSafe(|| (self.make)()));
            match made.unwrap_or_else(|_panic| Err(failed())) {
                Ok(mut evaluator) => {
                    if self.call(|| self.shared.prime(&mut evaluator)).is_ok() {
                        return Ok(evaluator);
                    }
                }
                Err(error) => self.shared.sink.fault(&Fault::NotReplaced(error)),
            }
        }
    }

    /// Answers requests for which there is no instance, until `until`.
    fn turn_away(&self, until: Instant) -> Result<(), Disconnected> {
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let request = match self.inbox.recv_timeout(rest) {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Disconnected),
            };
            self.status.waiting.fetch_sub(request.weight(), Ordering::Relaxed);
            match request {
                Request::Open { opening, reply, .. } => drop(reply.send(Err(opening))),
                Request::Close { closing, .. } => self.lost(closing),
                // Dropped, the reply says it.
                Request::Resume { .. }
                | Request::MustFinish { .. }
                | Request::Flush(_)
                | Request::Keys(_) => {}
            }
        }
    }
}

/// Signatures that are verified in one call of an instance: a request has two tokens. Raised, an evaluator that asks
/// without end occupies its thread for longer.
const MAX_SIGNATURES: usize = 4;
