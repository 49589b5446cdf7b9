//! Fetches that policies want made for all of their exchanges: once each, however many instances want
//! it, and the outcome given to all of them.
//!
//! ```text
//!  instances ── due ──▶ one fetch a name ──▶ fetched, in every instance ──▶ waiters are woken
//! ```
//!
//! One task does it for all instances, those of a replaced policy too, so that nothing is asked twice
//! when policies change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::contract::{Answer, Fetch};
use crate::evaluator::Trap;
use crate::fetch::Fetcher;
use crate::instance_handle::InstanceHandle;
use crate::pool::Shared;
use crate::pool_keys::PoolKeys;

/// What instances, waiting exchanges, and the task that fetches know of each other.
pub(crate) struct SharedFetches {
    pub(crate) pool_keys: PoolKeys,
    wanted: Notify,
    /// How many fetches are over. Also marked, unchanged, when none is under way.
    brought: watch::Sender<u64>,
}

impl SharedFetches {
    pub(crate) fn new() -> Self {
        Self { pool_keys: PoolKeys::default(), wanted: Notify::new(), brought: watch::channel(0).0 }
    }

    /// An instance may want something fetched.
    pub(crate) fn look(&self) {
        self.wanted.notify_one();
    }

    /// Waits until something was fetched, at the latest until then. A first wait also ends when nothing
    /// is under way: it may have come just before. One after that knows how many fetches `seen` were over,
    /// and waits for another: who still waits, waits for the time.
    pub(crate) async fn wait(&self, until: Instant, seen: &mut Option<u64>) {
        let mut brought = self.brought.subscribe();
        self.look();
        let is_news = |count: u64| seen.is_none_or(|seen| seen != count);
        if seen.is_none() || !is_news(*brought.borrow()) {
            let news = async {
                while brought.changed().await.is_ok() && !is_news(*brought.borrow_and_update()) {}
            };
            let _late = timeout_at(until, news).await;
        }
        *seen = Some(*self.brought.borrow());
    }
}

/// What came of a fetch.
struct Brought {
    source: String,
    /// When it was asked for, in monotonic milliseconds.
    asked: u64,
    outcome: Result<Answer, String>,
}

/// Fetches for all instances of a gateway, for as long as it is polled.
pub(crate) async fn run(shared: Arc<Shared>, fetcher: Arc<Fetcher>) {
    let mut under_way: JoinSet<Brought> = JoinSet::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    loop {
        let (wanted, next) = wants(&shared).await;
        for fetch in wanted {
            if names.insert(fetch.source.clone()) {
                let asked = shared.clock.now().mono_ms;
                under_way.spawn(perform(Arc::clone(&fetcher), fetch, asked));
            }
        }
        if under_way.is_empty() {
            shared.fetches.brought.send_modify(|_same| {});
        }
        let next = shared.clock.moment(next, LONGEST_REST).max(Instant::now() + SHORTEST_REST);
        tokio::select! {
            Some(Ok(brought)) = under_way.join_next() => {
                names.remove(&brought.source);
                give_to_all(&shared, brought).await;
            }
            () = shared.fetches.wanted.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

/// What all instances want fetched now, and when they may want something again.
async fn wants(shared: &Shared) -> (Vec<Fetch>, u64) {
    let instances = shared.fetches.pool_keys.instances();
    let looks: Vec<_> = instances
        .iter()
        .map(|(_, instance)| {
            instance.keys(|keys, now| {
                let mut wanted = Vec::new();
                while let Some(fetch) = keys.due(now)? {
                    if wanted.len() == MOST_WANTED {
                        return Err(Trap::new("it wants more fetched than a policy can name"));
                    }
                    wanted.push(fetch);
                }
                Ok((wanted, keys.next_due()?, keys.key_sources(now)?, now.mono_ms))
            })
        })
        .collect();
    let (mut all, mut next, mut shown) = (Vec::new(), u64::MAX, false);
    for ((band, _), look) in instances.iter().zip(looks) {
        let Some((wanted, due, sources, at)) = timeout(ANSWER_WAIT, look).await.ok().flatten()
        else {
            continue;
        };
        all.extend(wanted);
        next = next.min(due.unwrap_or(u64::MAX));
        if !shown {
            shared.fetches.pool_keys.show(*band, sources, at);
            shown = true;
        }
    }
    (all, next)
}

/// Performs a fetch, whatever happens.
async fn perform(fetcher: Arc<Fetcher>, fetch: Fetch, asked: u64) -> Brought {
    let source = fetch.source.clone();
    let outcome = tokio::spawn(async move { fetcher.fetch(&fetch).await });
    let panicked = |_panic| Err("expected an answer, found that the host panicked".to_owned());
    Brought { source, asked, outcome: outcome.await.unwrap_or_else(panicked) }
}

/// Gives an outcome to every instance and wakes who waits. Of each policy, what the first that takes it
/// knows is kept for its instances that come later; the first that has something to say of it speaks to
/// the operator for all of them.
async fn give_to_all(shared: &Shared, brought: Brought) {
    shared
        .sink
        .fetched(brought.outcome.as_ref().map(|answer| answer.status).map_err(String::as_str));
    let brought = Arc::new(brought);
    let (mut bands, mut informed): (Vec<u64>, Vec<Arc<InstanceHandle>>) = (Vec::new(), Vec::new());
    let mut spoken = false;
    loop {
        // Read anew each time: a policy may have come meanwhile.
        let is_left = |(band, instance): &(u64, Arc<InstanceHandle>)| {
            !bands.contains(band)
                && !informed.iter().any(|informed| Arc::ptr_eq(informed, instance))
        };
        let Some((band, instance)) = shared.fetches.pool_keys.instances().into_iter().find(is_left)
        else {
            break;
        };
        let ours = Arc::clone(&brought);
        let taken = instance.keys(move |keys, now| {
            let notices = keys.fetched(&ours.source, &ours.outcome, ours.asked, now)?;
            Ok((notices, keys.kept_keys()?))
        });
        informed.push(instance);
        let Some((notices, kept)) = timeout(ANSWER_WAIT, taken).await.ok().flatten() else {
            continue;
        };
        bands.push(band);
        shared.fetches.pool_keys.keep(band, kept, |instance| {
            if !informed.iter().any(|informed| Arc::ptr_eq(informed, instance)) {
                let ours = Arc::clone(&brought);
                drop(instance.keys(move |keys, now| {
                    keys.fetched(&ours.source, &ours.outcome, ours.asked, now)
                }));
            }
        });
        if !spoken {
            spoken = !notices.is_empty();
            for notice in notices {
                shared.sink.notice(&notice);
            }
        }
    }
    // A call of a waiter comes after those above in every instance.
    shared.fetches.brought.send_modify(|count| *count += 1);
}

/// Fetches that one instance may want at a time: two for each of its issuers would do. Raised, one with a
/// bug has more sent before it is noticed.
const MOST_WANTED: usize = 64;

/// The longest time without a look, when no instance asks for less.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The shortest, when an instance says that a fetch waits and then wants nothing. Lowered, such a bug
/// costs a core.
const SHORTEST_REST: Duration = Duration::from_millis(20);

/// For an instance to answer: one that loops is stopped within a second. Raised, a stuck one holds up
/// the keys of the others.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
