//! One evaluator instance on a thread of its own.
//!
//! Calls go in as letters and come out as replies, so the server's threads never wait for a guest:
//! not for a signature, and not for a second when a guest loops. What waits is a future, and that
//! can be bounded. After a trap the same thread makes a new instance, off every request's path:
//!
//! ```text
//!  letters ─▶ live: one call at a time ── trap ─▶ vacant: turn letters away ── rest over ─▶ make ─▶ live
//! ```

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::contract::{End, Event, Head, Now, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Keys, Trap};
use crate::exchange::Exchange;
use crate::fleet::{Desk, Lost, Make};
use crate::sink::Fault;
use crate::timings::Stopwatch;

/// The way to an instance, whichever sits there at the time.
pub(crate) struct Seat {
    mailbox: Sender<Letter>,
    status: Arc<Status>,
}

/// What a chooser of seats looks at.
struct Status {
    live: AtomicBool,
    /// Letters not dealt with yet. A guest that loops collects some.
    waiting: AtomicUsize,
}

enum Letter {
    Open { opening: Opening, seat: Arc<Seat>, reply: oneshot::Sender<Opened> },
    Resume { id: u64, sequence: u32, event: Event, reply: oneshot::Sender<Turn> },
    Close { id: u64, end: End, watch: Box<Stopwatch> },
    Flush(oneshot::Sender<()>),
    Keys(KeysCall),
}

/// A call about the keys of an instance. It sends its own reply.
type KeysCall = Box<dyn FnOnce(&mut dyn Keys, Now) -> Result<(), Trap> + Send>;

impl Letter {
    /// What it counts for where a seat is chosen. A question about keys takes microseconds: counted, it
    /// would send requests to an instance that is stuck.
    fn weight(&self) -> usize {
        match self {
            Self::Keys(_) => 0,
            Self::Open { .. } | Self::Resume { .. } | Self::Close { .. } | Self::Flush(_) => 1,
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

impl Seat {
    /// Puts `evaluator` on a thread of its own. The thread ends with the last handle of the seat.
    pub(crate) fn take<E: Evaluator>(
        evaluator: E,
        make: Arc<Make<E>>,
        desk: Arc<Desk>,
        living: watch::Sender<()>,
    ) -> Result<Arc<Self>, StartError> {
        let (mailbox, inbox) = channel();
        let status = Arc::new(Status { live: AtomicBool::new(true), waiting: AtomicUsize::new(0) });
        let sitter = Sitter {
            make,
            inbox,
            status: Arc::clone(&status),
            desk,
            living,
            exchanges: HashMap::new(),
            opened: 0,
        };
        thread::Builder::new()
            .name("linkgate-guest".to_owned())
            .spawn(move || sitter.run(evaluator))
            .map_err(|error| StartError::Host(error.to_string()))?;
        Ok(Arc::new(Self { mailbox, status }))
    }

    pub(crate) fn is_live(&self) -> bool {
        self.status.live.load(Ordering::Acquire)
    }

    /// How many calls stand before a new one.
    pub(crate) fn waiting(&self) -> usize {
        self.status.waiting.load(Ordering::Relaxed)
    }

    /// Opens an exchange. The opening comes back when the instance died before it saw it.
    pub(crate) async fn open(self: &Arc<Self>, opening: Opening) -> Result<Opened, Lost> {
        let (reply, opened) = oneshot::channel();
        self.post(Letter::Open { opening, seat: Arc::clone(self), reply })?;
        opened.await.map_err(|_trapped| Lost)
    }

    /// Reports an event and takes the next step.
    pub(crate) async fn resume(&self, id: u64, sequence: u32, event: Event) -> Result<Turn, Lost> {
        let (reply, turn) = oneshot::channel();
        self.post(Letter::Resume { id, sequence, event, reply })?;
        turn.await.map_err(|_trapped| Lost)
    }

    /// Closes an exchange. Never waits: it is called where a future is dropped.
    pub(crate) fn close(&self, id: u64, end: End, watch: Box<Stopwatch>) -> Result<(), Lost> {
        self.post(Letter::Close { id, end, watch })
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
        // With nobody to take it, the reply is dropped, and says so.
        let _gone = self.post(Letter::Keys(call));
        async { answer.await.ok() }
    }

    /// Resolves when every letter before it has been dealt with.
    pub(crate) async fn flush(&self) {
        let (reply, done) = oneshot::channel();
        if self.post(Letter::Flush(reply)).is_ok() {
            let _dropped = done.await;
        }
    }

    fn post(&self, letter: Letter) -> Result<(), Lost> {
        self.status.waiting.fetch_add(letter.weight(), Ordering::Relaxed);
        self.mailbox.send(letter).map_err(|_gone| Lost)
    }
}

/// The thread's side.
struct Sitter<E: Evaluator> {
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

/// The gateway is gone: nobody holds the seat any more.
struct Forsaken;

impl<E: Evaluator> Sitter<E> {
    fn run(mut self, first: E) {
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
                let (exchange, turn) = self.call(|| evaluator.open(&head, now))?;
                self.opened += 1;
                self.exchanges.insert(self.opened, exchange);
                let desk = Arc::clone(&self.desk);
                let exchange = Exchange::new(seat, self.opened, desk, watch, ticket);
                // Given to nobody, it is dropped here and closes.
                drop(reply.send(Ok((exchange, turn))));
                Ok(())
            }
            Letter::Resume { id, sequence, event, reply } => {
                let now = self.desk.clock.now();
                if let Some(exchange) = self.exchanges.get(&id) {
                    let turn = self.call(|| evaluator.resume(exchange, sequence, &event, now))?;
                    drop(reply.send(turn));
                }
                Ok(())
            }
            Letter::Close { id, end, watch } => {
                let now = self.desk.clock.now();
                let Some(exchange) = self.exchanges.remove(&id) else {
                    self.desk.sink.fault(&Fault::ExchangeLost);
                    return Ok(());
                };
                let closed = self.call(|| evaluator.close(exchange, end, now));
                match &closed {
                    Ok(decision) => self.desk.sink.decided(decision, &watch.stop()),
                    Err(Lost) => self.desk.sink.fault(&Fault::ExchangeLost),
                }
                closed.map(drop)
            }
            Letter::Flush(_done) => Ok(()),
            Letter::Keys(call) => {
                let now = self.desk.clock.now();
                self.call(|| call(evaluator, now))
            }
        }
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
                Letter::Close { .. } => self.desk.sink.fault(&Fault::ExchangeLost),
                // Dropped, the reply says it.
                Letter::Resume { .. } | Letter::Flush(_) | Letter::Keys(_) => {}
            }
        }
    }
}
