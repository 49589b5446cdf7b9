//! The evaluator instances: which one takes an exchange, and what happens when one dies.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::clock::Clock;
use crate::contract::{Head, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::sink::{DecisionSink, Fault};

/// Makes a fresh evaluator instance.
pub(crate) type Make<E> = Box<dyn Fn() -> Result<E, StartError> + Send + Sync>;

/// A fixed number of seats, each with a living instance or one that waits to be replaced.
pub(crate) struct Fleet<E: Evaluator> {
    make: Make<E>,
    seats: Vec<Mutex<Arc<Instance<E>>>>,
    turn: AtomicUsize,
    wanted: Vec<String>,
    desk: Arc<Desk>,
}

/// What exchanges share with the gateway.
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) sink: Box<dyn DecisionSink>,
    /// Set when the gateway breaks off what is still open.
    pub(crate) stopping: AtomicBool,
}

/// The instance is gone and the exchange with it: there is no answer but a 503.
#[derive(Debug)]
pub(crate) struct Lost;

impl<E: Evaluator> Fleet<E> {
    /// Makes `instances` instances, so that every mistake shows before anything listens.
    pub(crate) fn new(
        make: Make<E>,
        instances: usize,
        sink: Box<dyn DecisionSink>,
    ) -> Result<Self, StartError> {
        let mut wanted = Vec::new();
        let mut seats = Vec::new();
        for _ in 0..instances.max(1) {
            let evaluator = make()?;
            wanted = evaluator.wanted_headers();
            seats.push(Mutex::new(Instance::new(evaluator)));
        }
        let desk = Arc::new(Desk { clock: Clock::start(), sink, stopping: AtomicBool::new(false) });
        Ok(Self { make, seats, turn: AtomicUsize::new(0), wanted, desk })
    }

    /// Names of the request headers to hand over: those of the policy all instances share.
    pub(crate) fn wanted_headers(&self) -> &[String] {
        &self.wanted
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Opens an exchange in the next instance in turn. The exchange stays with that instance.
    pub(crate) fn open(&self, head: &Head) -> Result<(Exchange<E>, Turn), Lost> {
        let began = Instant::now();
        let opened = self.instance().and_then(|instance| {
            let now = self.desk.clock.now();
            let (exchange, turn) =
                instance.call(&self.desk, |evaluator| evaluator.open(head, now))?;
            Ok((Exchange::new(instance, exchange, Arc::clone(&self.desk), began), turn))
        });
        if opened.is_err() {
            self.desk.sink.fault(&Fault::ExchangeLost);
        }
        opened
    }

    /// The instance in the next seat, replaced first if it is dead.
    fn instance(&self) -> Result<Arc<Instance<E>>, Lost> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let seat = self.seats.get(turn % self.seats.len().max(1)).ok_or(Lost)?;
        // A panic under this lock came from `make`, which left the old instance in its seat.
        let mut seat = seat.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seat.is_dead() {
            let evaluator = (self.make)().map_err(|error| {
                self.desk.sink.fault(&Fault::NotReplaced(error));
                Lost
            })?;
            *seat = Instance::new(evaluator);
        }
        Ok(Arc::clone(&seat))
    }
}

/// One instance. The lock is held for a call at a time, never across an await.
pub(crate) struct Instance<E> {
    /// `None` once it trapped: no further call can reach it.
    evaluator: Mutex<Option<E>>,
    dead: AtomicBool,
}

impl<E: Evaluator> Instance<E> {
    fn new(evaluator: E) -> Arc<Self> {
        Arc::new(Self { evaluator: Mutex::new(Some(evaluator)), dead: AtomicBool::new(false) })
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire) || self.evaluator.is_poisoned()
    }

    /// Calls into the instance. A trap, or a panic of the host below, is the end of it.
    pub(crate) fn call<T>(
        &self,
        desk: &Desk,
        call: impl FnOnce(&mut E) -> Result<T, Trap>,
    ) -> Result<T, Lost> {
        let mut place = self.evaluator.lock().map_err(|_poisoned| Lost)?;
        let evaluator = place.as_mut().ok_or(Lost)?;
        call(evaluator).map_err(|trap| {
            *place = None;
            self.dead.store(true, Ordering::Release);
            desk.sink.fault(&Fault::InstanceLost(trap));
            Lost
        })
    }
}
