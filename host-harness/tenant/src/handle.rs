//! A tenant that several tasks share: the server answers from it, tests and demos look into it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::answer::Answer;
use crate::arrivals::Arrivals;
use crate::faults::{FaultPlan, Fired, Holds};
use crate::request::Request;
use crate::request_log::{Recorded, RequestLog};
use crate::route::Operation;
use crate::tenant::Tenant;

/// A shared tenant with a log of what it received. Clones share the same tenant.
#[derive(Clone)]
pub struct TenantHandle {
    shared: Arc<Shared>,
}

struct Shared {
    tenant: Mutex<Tenant>,
    arrivals: Arrivals,
    log: Mutex<RequestLog>,
    watcher: Mutex<Option<Watcher>>,
    plan: Mutex<FaultPlan>,
    holds: Holds,
}

type Watcher = Arc<dyn Fn(&Recorded) + Send + Sync>;

impl TenantHandle {
    /// Shares `tenant`, with an empty log.
    #[must_use]
    pub fn new(tenant: Tenant) -> Self {
        let shared = Shared {
            tenant: Mutex::new(tenant),
            arrivals: Arrivals::default(),
            log: Mutex::default(),
            watcher: Mutex::default(),
            plan: Mutex::default(),
            holds: Holds::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The tenant itself, to look into, to mint tokens with, or to change. Requests wait while this is held.
    pub fn tenant(&self) -> MutexGuard<'_, Tenant> {
        lock(&self.shared.tenant)
    }

    /// Answers `request`, records it, and tells the watcher.
    #[must_use]
    pub fn answer(&self, request: Request, now_unix_s: u64) -> Answer {
        self.arrive(Operation::of(&request));
        self.answer_arrived(request, now_unix_s)
    }

    /// Counts a request whose last byte has arrived.
    pub(crate) fn arrive(&self, operation: Operation) {
        self.shared.arrivals.add(operation);
    }

    /// Answers a request that was counted when it arrived.
    pub(crate) fn answer_arrived(&self, request: Request, now_unix_s: u64) -> Answer {
        let answer = self.tenant().answer(&request, now_unix_s);
        self.record(request, answer.status, now_unix_s);
        answer
    }

    /// Records a request and the status it got, and tells the watcher.
    pub(crate) fn record(&self, request: Request, status: u16, now_unix_s: u64) {
        let recorded = lock(&self.shared.log).record(request, status, now_unix_s);
        let watcher = lock(&self.shared.watcher).clone();
        if let Some(watcher) = watcher {
            watcher(&recorded);
        }
    }

    /// Counts a request against the fault plan, and says what hits it.
    pub(crate) fn decide(&self, operation: Operation) -> Vec<Fired> {
        self.plan().decide(operation)
    }

    pub(crate) fn plan(&self) -> MutexGuard<'_, FaultPlan> {
        lock(&self.shared.plan)
    }

    pub(crate) fn holds(&self) -> &Holds {
        &self.shared.holds
    }

    /// The last requests, oldest first: up to 512, fewer when their bodies are large.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        lock(&self.shared.log).kept()
    }

    /// How many requests were received, including those no longer kept.
    #[must_use]
    pub fn received(&self) -> u64 {
        lock(&self.shared.log).received()
    }

    /// How many of them asked for `operation`.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        lock(&self.shared.log).count(operation)
    }

    /// The counts of every operation that was asked for.
    pub(crate) fn counts(&self) -> BTreeMap<Operation, u64> {
        lock(&self.shared.log).counts()
    }

    /// How many requests for `operation` arrived, whatever became of them. Those that a fault holds or delays count here
    /// at once, and in [`count`](Self::count) when they have had their effect, or the fault in place of it.
    #[must_use]
    pub fn arrived(&self, operation: Operation) -> u64 {
        self.shared.arrivals.of(operation)
    }

    /// Waits until at least `count` requests for `operation` have arrived. It may wait for ever: put a time limit around it.
    pub async fn until_arrived(&self, operation: Operation, count: u64) {
        self.until_all_arrived(&BTreeMap::from([(operation, count)])).await;
    }

    pub(crate) async fn until_all_arrived(&self, wanted: &BTreeMap<Operation, u64>) {
        self.shared.arrivals.until(wanted).await;
    }

    /// Empties the log, and begins all counts of requests anew.
    pub fn forget_requests(&self) {
        self.shared.arrivals.forget();
        *lock(&self.shared.log) = RequestLog::default();
    }

    /// Calls `watcher` after each request from now on, in place of an earlier watcher. It must not block for long: the
    /// client's answer waits for it.
    pub fn watch(&self, watcher: impl Fn(&Recorded) + Send + Sync + 'static) {
        *lock(&self.shared.watcher) = Some(Arc::new(watcher));
    }
}

impl fmt::Debug for TenantHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantHandle").field("received", &self.received()).finish_non_exhaustive()
    }
}

/// A test that fails while it holds the lock must not stop the server for the others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
