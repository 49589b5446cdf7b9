//! The evaluator instances: which one takes an exchange, and how long a request waits for one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::contract::{Decision, Failure, Head, KeySource, Shadow, Turn};
use crate::error::StartError;
use crate::evaluator::{Evaluator, Trap};
use crate::exchange::Exchange;
use crate::instance_handle::{InstanceHandle, Opened, Opening};
use crate::request::WantedHeaders;
use crate::settings::Limits;
use crate::shared_fetch::SharedFetches;
use crate::sink::{DecisionSink, Fault};
use crate::timings::{Phase, Stopwatch, Timings};
use crate::verifier::Verifier;

/// Makes a fresh evaluator instance.
pub(crate) type Make<E> = dyn Fn() -> Result<E, StartError> + Send + Sync;

/// A fixed number of places, each with a living instance or one that is being replaced.
pub(crate) struct Pool {
    /// Its band in the keys of the pools.
    band: u64,
    instances: Vec<Arc<InstanceHandle>>,
    turn: AtomicUsize,
    /// Marked whenever a place has a living instance again.
    living: watch::Sender<()>,
    limits: Limits,
    wanted: WantedHeaders,
    shared: Arc<Shared>,
    /// How the keys of each issuer stood when it was made.
    sources: Vec<KeySource>,
    shadow: Option<Shadow>,
}

/// What exchanges share with the gateway.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) sink: Box<dyn DecisionSink>,
    /// Set when the gateway is asked to stop: it finishes what is in flight.
    pub(crate) draining: AtomicBool,
    /// Set when the gateway breaks off what is still open.
    pub(crate) stopping: AtomicBool,
    /// Requests in flight, under whichever policy.
    pub(crate) tickets: Arc<Semaphore>,
    /// What instances want fetched, and know of keys.
    pub(crate) fetches: SharedFetches,
    /// Verifies signatures for all instances.
    pub(crate) verifier: Verifier,
}

impl Shared {
    pub(crate) fn new(sink: Box<dyn DecisionSink>, in_flight: usize) -> Arc<Self> {
        let tickets = Arc::new(Semaphore::new(in_flight));
        Arc::new(Self {
            clock: Clock::start(),
            sink: Box::new(Contained(sink)),
            draining: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            tickets,
            fetches: SharedFetches::new(),
            verifier: Verifier::default(),
        })
    }

    /// Gives a fresh instance the keys and the cooldowns of those before it: it costs no fetch, and
    /// lifts no limit. Then shows it what the verifier here can do.
    pub(crate) fn prime<E: Evaluator>(&self, evaluator: &mut E) -> Result<(), Trap> {
        self.fetches.pool_keys.prime(evaluator, self.clock.now())?;
        let probes = evaluator.probes()?;
        let answers: Vec<_> = probes.iter().map(|probe| self.verifier.verify(probe)).collect();
        for notice in evaluator.probed(&answers)? {
            self.sink.notice(&notice);
        }
        self.fetches.look();
        Ok(())
    }
}

/// A sink whose panics end with the call: it is called while instances are asked, and what goes
/// wrong in a log must not stop a decision.
struct Contained(Box<dyn DecisionSink>);

impl DecisionSink for Contained {
    fn decided(&self, decision: Decision, timings: &Timings) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.decided(decision, timings)));
    }

    fn upstream_failed(&self, failure: Failure, why: &str) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.upstream_failed(failure, why)));
    }

    fn notice(&self, notice: &str) {
        let _panicked = catch_unwind(AssertUnwindSafe(|| self.0.notice(notice)));
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

impl Pool {
    /// Makes `instances` instances, so that every mistake shows before anything listens.
    #[expect(clippy::needless_pass_by_value, reason = "each instance takes a share of it")]
    pub(crate) fn new<E: Evaluator>(
        make: Arc<Make<E>>,
        instances: usize,
        limits: Limits,
        shared: Arc<Shared>,
    ) -> Result<Self, StartError> {
        let (living, _receiver) = watch::channel(());
        let band = shared.fetches.pool_keys.number();
        let (mut wanted, mut sources, mut shadow) = (WantedHeaders::default(), Vec::new(), None);
        let mut handles = Vec::new();
        for _ in 0..instances.max(1) {
            let mut evaluator = make()?;
            shared.prime(&mut evaluator).map_err(StartError::Trapped)?;
            let now = shared.clock.now();
            sources = evaluator.key_sources(now).map_err(StartError::Trapped)?;
            wanted = evaluator.wanted_headers().into_iter().collect();
            shadow = evaluator.shadow();
            let (make, at) = (Arc::clone(&make), Arc::clone(&shared));
            let instance = InstanceHandle::take(evaluator, make, at, living.clone());
            shared.fetches.pool_keys.join(band, &instance);
            handles.push(instance);
        }
        let turn = AtomicUsize::new(0);
        Ok(Self { band, instances: handles, turn, living, limits, wanted, shared, sources, shadow })
    }

    /// It serves from now on.
    pub(crate) fn lead(&self) {
        self.shared.fetches.pool_keys.lead(self.band, &self.sources, self.shared.clock.now());
        self.shared.fetches.look();
    }

    /// Names of the request headers to hand over: those of the policy all instances share.
    pub(crate) fn wanted_headers(&self) -> &WantedHeaders {
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
            self.shared.sink.fault(&fault);
        }
        opened.unwrap_or(Err(Lost))
    }

    async fn open_somewhere(&self, head: Head) -> Result<(Exchange, Turn), Lost> {
        let watch = Box::new(Stopwatch::start());
        let ticket =
            Arc::clone(&self.shared.tickets).acquire_owned().await.map_err(|_closed| Lost)?;
        let mut opening = Opening { head, watch, ticket };
        let mut living = self.living.subscribe();
        loop {
            living.mark_unchanged();
            let Some(instance) = self.choose() else {
                living.changed().await.map_err(|_gone| Lost)?;
                continue;
            };
            opening.watch.enter(Phase::Policy);
            let opened: Opened = instance.open(opening).await?;
            match opened {
                Ok(opened) => return Ok(opened),
                Err(unseen) => opening = unseen,
            }
            opening.watch.enter(Phase::Wait);
        }
    }

    /// The living instance with the fewest calls before a new one; of equals, the next in turn.
    fn choose(&self) -> Option<&Arc<InstanceHandle>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.instances.len().max(1);
        let (before, from) = self.instances.split_at_checked(turn)?;
        let living = from.iter().chain(before).filter(|instance| instance.is_live());
        living.min_by_key(|instance| instance.waiting())
    }

    /// How many instances are alive.
    pub(crate) fn live(&self) -> usize {
        self.instances.iter().filter(|instance| instance.is_live()).count()
    }

    /// Resolves when every exchange that was closed before has its record written.
    pub(crate) async fn flush(&self) {
        for instance in &self.instances {
            let _gave_up = timeout(FLUSH_WAIT, instance.flush()).await;
        }
    }
}

/// For the records of what was closed last, at the end of the gateway: a guest that loops is stopped
/// within a second. Raised, a stuck instance holds up the end of the process.
const FLUSH_WAIT: tokio::time::Duration = tokio::time::Duration::from_secs(3);
