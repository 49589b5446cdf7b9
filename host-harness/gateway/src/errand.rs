//! Fetches that a policy wants made for all of its exchanges: once each, however many instances want
//! it, and the outcome given to all of them.
//!
//! ```text
//!  instances ── due ──▶ one fetch a name ──▶ fetched, in every instance ──▶ waiters are woken
//! ```

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::contract::Answer;
use crate::fetch::Fetcher;
use crate::fleet::{Desk, Fleet};

/// What waiting exchanges and the fetches of a fleet know of each other.
pub(crate) struct Errand {
    wanted: Arc<Notify>,
    /// Marked when something was fetched.
    brought: watch::Sender<()>,
}

impl Default for Errand {
    fn default() -> Self {
        Self { wanted: Arc::default(), brought: watch::channel(()).0 }
    }
}

impl Errand {
    /// Waits until something was fetched, at the latest until then.
    pub(crate) async fn wait(&self, until: Instant) {
        let mut brought = self.brought.subscribe();
        self.wanted.notify_one();
        let _late = timeout_at(until, brought.changed()).await;
    }
}

/// What came of a fetch: its name, when it was asked, and the outcome.
type Brought = (String, u64, Result<Answer, String>);

/// Runs the errands of a fleet, for as long as it lives. Without a runtime nothing runs yet: whoever
/// serves begins it.
pub(crate) fn run(fleet: &Arc<Fleet>, desk: &Arc<Desk>, fetcher: &Arc<Fetcher>) {
    if let Ok(runtime) = Handle::try_current() {
        let (fleet, desk, fetcher) = (Arc::downgrade(fleet), Arc::clone(desk), Arc::clone(fetcher));
        runtime.spawn(async move { run_all(&fleet, &desk, &fetcher).await });
    }
}

async fn run_all(fleet: &Weak<Fleet>, desk: &Desk, fetcher: &Arc<Fetcher>) {
    let mut under_way: JoinSet<Brought> = JoinSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    while let Some(living) = fleet.upgrade() {
        hand_out(&living, desk, fetcher, &mut under_way, &mut names).await;
        if under_way.is_empty() {
            // There is nothing to wait for.
            living.errand.brought.send_replace(());
        }
        let next = next_due(&living).await.unwrap_or(u64::MAX);
        let wanted = Arc::clone(&living.errand.wanted);
        // Held no longer than needed: the fleet ends with its last exchange.
        drop(living);
        let brought = tokio::select! {
            Some(brought) = under_way.join_next() => brought.ok(),
            () = wanted.notified() => None,
            () = sleep_until(desk.clock.moment(next, LOOK_EVERY)) => None,
        };
        if let (Some(brought), Some(fleet)) = (brought, fleet.upgrade()) {
            names.remove(&brought.0);
            give_to_all(&fleet, desk, brought).await;
        }
    }
}

/// Begins every fetch that an instance wants and that is not under way.
async fn hand_out(
    fleet: &Fleet,
    desk: &Desk,
    fetcher: &Arc<Fetcher>,
    under_way: &mut JoinSet<Brought>,
    names: &mut BTreeSet<String>,
) {
    for seat in fleet.seats() {
        while let Some(Some(fetch)) = asked(seat.keys(|keys, now| keys.due(now))).await {
            if names.insert(fetch.source.clone()) {
                let (fetcher, asked) = (Arc::clone(fetcher), desk.clock.now().mono_ms);
                under_way.spawn(async move {
                    let outcome = fetcher.fetch(&fetch).await;
                    (fetch.source, asked, outcome)
                });
            }
        }
    }
}

async fn next_due(fleet: &Fleet) -> Option<u64> {
    let mut next = None;
    for seat in fleet.seats() {
        let due = asked(seat.keys(|keys, _now| keys.next_due())).await.flatten();
        next = next.into_iter().chain(due).min();
    }
    next
}

/// Gives an outcome to every instance, tells the operator what it means, once, and wakes who waits.
async fn give_to_all(fleet: &Fleet, desk: &Desk, (name, at, outcome): Brought) {
    let mut told = BTreeSet::new();
    for seat in fleet.seats() {
        let (name, outcome) = (name.clone(), outcome.clone());
        let fetched = seat.keys(move |keys, now| keys.fetched(&name, &outcome, at, now));
        for notice in asked(fetched).await.unwrap_or_default() {
            if told.insert(notice.clone()) {
                desk.sink.keys(&notice);
            }
        }
    }
    if let Some(seat) = fleet.seats().iter().find(|seat| seat.is_live())
        && let Some(kept) = asked(seat.keys(|keys, _now| keys.kept_keys())).await
    {
        *desk.kept_keys.lock().unwrap_or_else(PoisonError::into_inner) = kept;
    }
    fleet.errand.brought.send_replace(());
}

/// What an instance answers, if it does soon.
async fn asked<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    timeout(ANSWER_WAIT, answer).await.ok().flatten()
}

/// How often it is looked whether the fleet still lives. Raised, one that was replaced stays longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// For an instance to answer: one that loops is stopped within a second. Raised, a stuck one holds up
/// the keys of the others.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
