//! The thread of one evaluator instance. After a trap it makes a new one, off every request's path:
//!
//! ```text
//!  letters ─▶ live: one call at a time ── trap ─▶ vacant: turn letters away ── rest over ─▶ make ─▶ live
//! ```

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::contract::{End, Event, Step, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::fleet::{Desk, Lost, Make};
use crate::lost::{Brief, Closing};
use crate::seat::{Letter, Opening, Status};
use crate::sink::Fault;

/// What sits on the thread of an instance.
pub(crate) struct Sitter<E: Evaluator> {
    make: Arc<Make<E>>,
    inbox: Receiver<Letter>,
    status: Arc<Status>,
    desk: Arc<Desk>,
    living: watch::Sender<()>,
    /// Open exchanges of the present instance. Numbers are never used again, so that a letter for a
    /// dead instance finds nothing in the next one.
    exchanges: HashMap<u64, E::Exchange>,
    opened: u64,
}

/// The gateway is gone: no handle is left.
struct Forsaken;

impl<E: Evaluator> Sitter<E> {
    pub(crate) fn new(
        make: Arc<Make<E>>,
        inbox: Receiver<Letter>,
        status: Arc<Status>,
        desk: Arc<Desk>,
        living: watch::Sender<()>,
    ) -> Self {
        Self { make, inbox, status, desk, living, exchanges: HashMap::new(), opened: 0 }
    }

    /// Serves until the last handle of the seat is gone.
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
                Err(Forsaken) => return,
            };
            self.status.live.store(true, Ordering::Release);
            self.living.send_replace(());
        }
    }

    /// Deals with letters until the instance traps.
    fn serve(&mut self, mut evaluator: E) -> Result<(), Forsaken> {
        loop {
            let letter = self.inbox.recv().map_err(|_no_sender| Forsaken)?;
            let weight = letter.weight();
            let dealt = self.deal(&mut evaluator, letter);
            self.status.waiting.fetch_sub(weight, Ordering::Relaxed);
            if dealt.is_err() {
                return Ok(());
            }
        }
    }

    fn deal(&mut self, evaluator: &mut E, letter: Letter) -> Result<(), Lost> {
        match letter {
            // Who asked has stopped waiting.
            Letter::Open { reply, .. } if reply.is_closed() => Ok(()),
            Letter::Resume { reply, .. } if reply.is_closed() => Ok(()),
            Letter::Open { opening: Opening { head, watch, ticket }, seat, reply } => {
                let now = self.desk.clock.now();
                let brief = Brief::of(&head);
                let opened = self.call(|| {
                    let (exchange, turn) = evaluator.open(&head, now)?;
                    let turn = self.verified(evaluator, &exchange, turn)?;
                    Ok((exchange, turn))
                });
                let Ok((exchange, turn)) = opened else {
                    // Who asked for it counts the loss.
                    self.record(Closing { end: End::Shutdown, watch, brief });
                    return Err(Lost);
                };
                self.opened += 1;
                self.exchanges.insert(self.opened, exchange);
                let desk = Arc::clone(&self.desk);
                let exchange = Exchange::new(seat, self.opened, desk, watch, brief, ticket);
                // Not given away, it is dropped here and closes.
                drop(reply.send(Ok((exchange, turn))));
                Ok(())
            }
            Letter::Resume { id, sequence, event, reply } => {
                let now = self.desk.clock.now();
                if let Some(exchange) = self.exchanges.get(&id) {
                    let turn = self.call(|| {
                        let turn = evaluator.resume(exchange, sequence, &event, now)?;
                        self.verified(evaluator, exchange, turn)
                    })?;
                    drop(reply.send(turn));
                }
                Ok(())
            }
            Letter::MustFinish { id, reply } => {
                if let Some(exchange) = self.exchanges.get(&id) {
                    let must = self.call(|| evaluator.must_finish(exchange))?;
                    let _gone = reply.send(must);
                }
                Ok(())
            }
            Letter::Close { id, closing } => self.close(evaluator, id, closing),
            Letter::Flush(_done) => Ok(()),
            Letter::Keys(call) => {
                let now = self.desk.clock.now();
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
            let answer = Event::Verified(self.desk.verifier.verify(question));
            turn = evaluator.resume(exchange, turn.sequence, &answer, self.desk.clock.now())?;
        }
        Ok(turn)
    }

    fn close(&mut self, evaluator: &mut E, id: u64, closing: Closing) -> Result<(), Lost> {
        let now = self.desk.clock.now();
        let Some(exchange) = self.exchanges.remove(&id) else {
            self.lost(closing);
            return Ok(());
        };
        let Ok(decision) = self.call(|| evaluator.close(exchange, closing.end, now)) else {
            self.lost(closing);
            return Err(Lost);
        };
        self.desk.sink.decided(decision, &closing.watch.stop());
        Ok(())
    }

    /// The instance of an exchange is gone.
    fn lost(&self, closing: Closing) {
        self.desk.sink.fault(&Fault::ExchangeLost);
        self.record(closing);
    }

    fn record(&self, closing: Closing) {
        let (decision, timings) = closing.record();
        self.desk.sink.decided(decision, &timings);
    }

    /// Calls into the instance. A trap, or a panic of the host below, is the end of it.
    fn call<T>(&self, call: impl FnOnce() -> Result<T, Trap>) -> Result<T, Lost> {
        let panicked = |_panic| Err(Trap::new("the host panicked in a call"));
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(panicked).map_err(|trap| {
            // Before the reply is dropped: who hears of it finds no live instance here.
            self.status.live.store(false, Ordering::Release);
            self.desk.sink.fault(&Fault::InstanceLost(trap));
            Lost
        })
    }

    /// Rests, then makes an instance, until that succeeds.
    fn replace(&self, backoff: &mut Backoff) -> Result<E, Forsaken> {
        loop {
            self.turn_away(Instant::now() + backoff.rest())?;
            let failed = || StartError::Host("it panicked while making an instance".to_owned());
            let made = catch_unwind(AssertUnwindSafe(|| (self.make)()));
            match made.unwrap_or_else(|_panic| Err(failed())) {
                Ok(mut evaluator) => {
                    if self.call(|| self.desk.prime(&mut evaluator)).is_ok() {
                        return Ok(evaluator);
                    }
                }
                Err(error) => self.desk.sink.fault(&Fault::NotReplaced(error)),
            }
        }
    }

    /// Answers letters for which there is no instance, until `until`.
    fn turn_away(&self, until: Instant) -> Result<(), Forsaken> {
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let letter = match self.inbox.recv_timeout(rest) {
                Ok(letter) => letter,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Forsaken),
            };
            self.status.waiting.fetch_sub(letter.weight(), Ordering::Relaxed);
            match letter {
                Letter::Open { opening, reply, .. } => drop(reply.send(Err(opening))),
                Letter::Close { closing, .. } => self.lost(closing),
                // Dropped, the reply says it.
                Letter::Resume { .. }
                | Letter::MustFinish { .. }
                | Letter::Flush(_)
                | Letter::Keys(_) => {}
            }
        }
    }
}

/// Signatures that are verified in one call of an instance: a request has two tokens. Raised, an evaluator that asks
/// without end occupies its thread for longer.
const MAX_SIGNATURES: usize = 4;
