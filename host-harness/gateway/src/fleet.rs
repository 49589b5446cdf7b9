//! The evaluator instances: which one takes an exchange, and how long a request waits for one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::contract::{Decision, Failure, Head, KeySource, Shadow, Turn};
use crate::errand::Errands;
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::seat::{Opened, Opening, Seat};
use crate::settings::Limits;
use crate::sink::{DecisionSink, Fault};
use crate::timings::{Phase, Stopwatch, Timings};
use crate::verifier::Verifier;

/// Makes a fresh evaluator instance.
pub(crate) type Make<E> = dyn Fn() -> Result<E, StartError> + Send + Sync;

/// A fixed number of seats, each with a living instance or one that is being replaced.
pub(crate) struct Fleet {
    /// Its band in the crew.
    band: u64,
    seats: Vec<Arc<Seat>>,
    turn: AtomicUsize,
    /// Marked whenever a seat has a living instance again.
    living: watch::Sender<()>,
    limits: Limits,
    wanted: Vec<String>,
    desk: Arc<Desk>,
    /// How the keys of each issuer stood when it was made.
    sources: Vec<KeySource>,
    shadow: Option<Shadow>,
}

/// What exchanges share with the gateway.
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) sink: Box<dyn DecisionSink>,
    /// Set when the gateway is asked to stop: it finishes what is in flight.
    pub(crate) draining: AtomicBool,
    /// Set when the gateway breaks off what is still open.
    pub(crate) stopping: AtomicBool,
    /// Requests in flight, under whichever policy.
    pub(crate) tickets: Arc<Semaphore>,
    /// What instances want fetched, and know of keys.
    pub(crate) errands: Errands,
    /// Verifies signatures for all instances.
    pub(crate) verifier: Verifier,
}

impl Desk {
    pub(crate) fn new(sink: Box<dyn DecisionSink>, in_flight: usize) -> Arc<Self> {
        let tickets = Arc::new(Semaphore::new(in_flight));
        Arc::new(Self {
            clock: Clock::start(),
            sink: Box::new(Contained(sink)),
            draining: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            tickets,
            errands: Errands::new(),
            verifier: Verifier::default(),
        })
    }

    /// Gives a fresh instance the keys and the cooldowns of those before it: it costs no fetch, and
    /// lifts no limit. Then shows it what the verifier here can do.
    pub(crate) fn prime<E: Evaluator>(&self, evaluator: &mut E) -> Result<(), Trap> {
        self.errands.crew.prime(evaluator, self.clock.now())?;
        let probes = evaluator.probes()?;
        let answers: Vec<_> = probes.iter().map(|probe| self.verifier.verify(probe)).collect();
        for notice in evaluator.probed(&answers)? {
            self.sink.verification(&notice);
        }
        self.errands.look();
        Ok(())
    }
}

/// A sink whose panics end with the call: it is called from the threads of instances, and what goes
/// wrong in a log must not stop a decision.
struct Contained(Box<dyn DecisionSink>);

impl DecisionSink for Contained {
    fn decided(&self, decision: Decision, timings: &Timings) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.decided(decision, timings)));
    }

    fn upstream_failed(&self, failure: Failure, why: &str) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.upstream_failed(failure, why)));
    }

    fn keys(&self, notice: &str) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.keys(notice)));
    }

    fn verification(&self, notice: &str) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.verification(notice)));
    }

    fn fetched(&self, outcome: Result<u16, &str>) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.fetched(outcome)));
    }

    fn fault(&self, fault: &Fault) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.fault(fault)));
    }
}

/// The instance is gone and the exchange with it: there is no answer but a 503.
#[derive(Debug)]
pub(crate) struct Lost;

impl Fleet {
    /// Makes `instances` instances, so that every mistake shows before anything listens.
    #[expect(clippy::needless_pass_by_value, reason = "each seat takes a share of it")]
    pub(crate) fn new<E: Evaluator>(
        make: Arc<Make<E>>,
        instances: usize,
        limits: Limits,
        desk: Arc<Desk>,
    ) -> Result<Self, StartError> {
        let (living, _receiver) = watch::channel(());
        let band = desk.errands.crew.number();
        let (mut wanted, mut sources, mut shadow) = (Vec::new(), Vec::new(), None);
        let mut seats = Vec::new();
        for _ in 0..instances.max(1) {
            let mut evaluator = make()?;
            desk.prime(&mut evaluator).map_err(StartError::Trapped)?;
            let now = desk.clock.now();
            sources = evaluator.key_sources(now).map_err(StartError::Trapped)?;
            wanted = evaluator.wanted_headers();
            shadow = evaluator.shadow();
            let (make, at) = (Arc::clone(&make), Arc::clone(&desk));
            let seat = Seat::take(evaluator, make, at, living.clone())?;
            desk.errands.crew.join(band, &seat);
            seats.push(seat);
        }
        let turn = AtomicUsize::new(0);
        Ok(Self { band, seats, turn, living, limits, wanted, desk, sources, shadow })
    }

    /// It serves from now on.
    pub(crate) fn lead(&self) {
        self.desk.errands.crew.lead(self.band, &self.sources, self.desk.clock.now());
        self.desk.errands.look();
    }

    /// Names of the request headers to hand over: those of the policy all instances share.
    pub(crate) fn wanted_headers(&self) -> &[String] {
        &self.wanted
    }

    /// What the policy does not enforce.
    pub(crate) fn shadow(&self) -> Option<Shadow> {
        self.shadow.clone()
    }

    /// Opens an exchange once there is room for a request and a living instance, if that is soon.
    /// The exchange stays with that instance.
    pub(crate) async fn open(&self, head: Head) -> Result<(Exchange, Turn), Lost> {
        let opened = timeout(self.limits.wait, self.open_somewhere(head)).await;
        let fault = match &opened {
            Ok(Ok(_)) => None,
            Ok(Err(Lost)) => Some(Fault::ExchangeLost),
            Err(_elapsed) => Some(Fault::TurnedAway),
        };
        if let Some(fault) = fault {
            self.desk.sink.fault(&fault);
        }
        opened.unwrap_or(Err(Lost))
    }

    async fn open_somewhere(&self, head: Head) -> Result<(Exchange, Turn), Lost> {
        let watch = Box::new(Stopwatch::start());
        let ticket =
            Arc::clone(&self.desk.tickets).acquire_owned().await.map_err(|_closed| Lost)?;
        let mut opening = Opening { head, watch, ticket };
        let mut living = self.living.subscribe();
        loop {
            living.mark_unchanged();
            let Some(seat) = self.choose() else {
                living.changed().await.map_err(|_gone| Lost)?;
                continue;
            };
            opening.watch.enter(Phase::Policy);
            let opened: Opened = seat.open(opening).await?;
            match opened {
                Ok(opened) => return Ok(opened),
                Err(unseen) => opening = unseen,
            }
            opening.watch.enter(Phase::Wait);
        }
    }

    /// The living instance with the fewest calls before a new one; of equals, the next in turn.
    fn choose(&self) -> Option<&Arc<Seat>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.seats.len().max(1);
        let (before, from) = self.seats.split_at_checked(turn)?;
        let living = from.iter().chain(before).filter(|seat| seat.is_live());
        living.min_by_key(|seat| seat.waiting())
    }

    /// How many instances are alive.
    pub(crate) fn live(&self) -> usize {
        self.seats.iter().filter(|seat| seat.is_live()).count()
    }

    /// Resolves when every exchange that was closed before has its record written.
    pub(crate) async fn flush(&self) {
        for seat in &self.seats {
            let _gave_up = timeout(FLUSH_WAIT, seat.flush()).await;
        }
    }
}

/// For the records of what was closed last, at the end of the gateway: a guest that loops is stopped
/// within a second. Raised, a stuck instance holds up the end of the process.
const FLUSH_WAIT: tokio::time::Duration = tokio::time::Duration::from_secs(3);
