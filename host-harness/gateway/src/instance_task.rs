//! The task of one evaluator instance. After a trap it has a new one made, off every request's path:
//!
//! ```text
//!  requests ─▶ live: one call at a time ── trap ─▶ vacant: turn requests away ── rest over ─▶ make ─▶ live
//! ```

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::backoff::Backoff;
use crate::contract::{End, Event, Step, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::instance_handle::{Opening, Request};
use crate::instance_queue::InstanceQueue;
use crate::lost::{Brief, Closing};
use crate::pool::{Lost, Make, Shared};
use crate::sink::Fault;

/// What an instance has with it.
pub(crate) struct InstanceTask<E: Evaluator> {
    make: Arc<Make<E>>,
    queue: Arc<InstanceQueue>,
    shared: Arc<Shared>,
    living: watch::Sender<()>,
    /// Open exchanges of the present instance. Numbers are never used again, so that a request for a
    /// dead instance finds nothing in the next one.
    exchanges: HashMap<u64, E::Exchange>,
    opened: u64,
}

/// The gateway is gone: no handle is left.
struct Disconnected;

impl<E: Evaluator> InstanceTask<E> {
    pub(crate) fn new(
        make: Arc<Make<E>>,
        queue: Arc<InstanceQueue>,
        shared: Arc<Shared>,
        living: watch::Sender<()>,
    ) -> Self {
        Self { make, queue, shared, living, exchanges: HashMap::new(), opened: 0 }
    }

    /// Serves until the last handle is gone.
    pub(crate) async fn run(mut self, first: E) {
        let mut backoff = Backoff::new();
        let mut evaluator = first;
        loop {
            let began = Instant::now();
            let Ok(()) = self.serve(evaluator).await else {
                return;
            };
            self.exchanges.clear();
            backoff.lived(began.elapsed());
            evaluator = match self.replace(&mut backoff).await {
                Ok(evaluator) => evaluator,
                Err(Disconnected) => return,
            };
            self.queue.live.store(true, Ordering::Release);
            self.living.send_replace(());
        }
    }

    /// Serves requests until the instance traps.
    async fn serve(&mut self, mut evaluator: E) -> Result<(), Disconnected> {
        loop {
            let request = self.queue.next(true).await.ok_or(Disconnected)?;
            let weight = request.weight();
            let dealt = self.deal(&mut evaluator, request).await;
            self.queue.dealt(weight);
            if dealt.is_err() {
                return Ok(());
            }
        }
    }

    async fn deal(&mut self, evaluator: &mut E, request: Request) -> Result<(), Lost> {
        match request {
            // Who asked has stopped waiting.
            Request::Open { reply, .. } if reply.is_closed() => Ok(()),
            Request::Resume { reply, .. } if reply.is_closed() => Ok(()),
            Request::Open { opening: Opening { head, watch, ticket }, instance, reply } => {
                let now = self.shared.clock.now();
                let brief = Brief::of(&head);
                let opened = self.call(async {
                    let (exchange, turn) = evaluator.open(head, now).await?;
                    let turn = self.verified(evaluator, &exchange, turn).await?;
                    Ok((exchange, turn))
                });
                let Ok((exchange, turn)) = opened.await else {
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
                    let turn = self.call(async {
                        let turn = evaluator.resume(exchange, sequence, event, now).await?;
                        self.verified(evaluator, exchange, turn).await
                    });
                    drop(reply.send(turn.await?));
                }
                Ok(())
            }
            Request::MustFinish { id, reply } => {
                if let Some(exchange) = self.exchanges.get(&id) {
                    let must = self.call(evaluator.must_finish(exchange)).await?;
                    let _gone = reply.send(must);
                }
                Ok(())
            }
            Request::Close { id, closing } => self.close(evaluator, id, closing).await,
            Request::Flush(_done) => Ok(()),
            Request::Keys(call) => {
                let now = self.shared.clock.now();
                self.call(async { call(evaluator, now) }).await
            }
        }
    }

    /// Verifies what a turn asks for, here on this thread: another would have to be woken for microseconds of work.
    async fn verified(
        &self,
        evaluator: &mut E,
        exchange: &E::Exchange,
        mut turn: Turn,
    ) -> Result<Turn, Trap> {
        for _ in 0..MAX_SIGNATURES {
            let Step::Verify(question) = &turn.step else { break };
            let answer = Event::Verified(self.shared.verifier.verify(question));
            let now = self.shared.clock.now();
            turn = evaluator.resume(exchange, turn.sequence, answer, now).await?;
        }
        Ok(turn)
    }

    async fn close(&mut self, evaluator: &mut E, id: u64, closing: Closing) -> Result<(), Lost> {
        let now = self.shared.clock.now();
        let Some(exchange) = self.exchanges.remove(&id) else {
            self.lost(closing);
            return Ok(());
        };
        let Ok(decision) = self.call(evaluator.close(exchange, closing.end, now)).await else {
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
    async fn call<T>(&self, call: impl Future<Output = Result<T, Trap>>) -> Result<T, Lost> {
        let mut call = pin!(call);
        let panicked = |_panic| Poll::Ready(Err(Trap::new("the host panicked in a call")));
        let outcome = poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context))).unwrap_or_else(panicked)
        });
        outcome.await.map_err(|trap| self.trapped(trap))
    }

    fn trapped(&self, trap: Trap) -> Lost {
        // Before the reply is dropped: who hears of it finds no live instance here.
        self.queue.live.store(false, Ordering::Release);
        self.shared.sink.fault(&Fault::InstanceLost(trap));
        Lost
    }

    /// Rests, then has an instance made, until that succeeds.
    async fn replace(&self, backoff: &mut Backoff) -> Result<E, Disconnected> {
        loop {
            let Ok(runtime) = Handle::try_current() else { return Err(Disconnected) };
            self.turn_away(Instant::now() + backoff.rest()).await?;
            let (maker, shared) = (Arc::clone(&self.make), Arc::clone(&self.shared));
            // It compiles a policy, and takes the lock of what is known of keys.
            let made = runtime.spawn_blocking(move || {
                let mut evaluator = maker()?;
                let primed = shared.prime(&mut evaluator);
                Ok(primed.map(|()| evaluator))
            });
            match made.await {
                Ok(Ok(Ok(evaluator))) => return Ok(evaluator),
                Ok(Ok(Err(trap))) => _ = self.trapped(trap),
                Ok(Err(error)) => self.shared.sink.fault(&Fault::NotReplaced(error)),
                Err(end) if end.is_panic() => {
                    let panicked = "it panicked while making an instance".to_owned();
                    let error = StartError::Host(panicked);
                    self.shared.sink.fault(&Fault::NotReplaced(error));
                }
                Err(_no_runtime) => return Err(Disconnected),
            }
        }
    }

    /// Answers requests for which there is no instance, until `until`.
    async fn turn_away(&self, until: Instant) -> Result<(), Disconnected> {
        while let Ok(request) = timeout_at(until, self.queue.next(false)).await {
            let request = request.ok_or(Disconnected)?;
            self.queue.dealt(request.weight());
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
        Ok(())
    }
}

/// Signatures that are verified in one call of an instance: a request has two tokens. Raised, an evaluator that asks
/// without end occupies a thread for longer.
const MAX_SIGNATURES: usize = 4;
