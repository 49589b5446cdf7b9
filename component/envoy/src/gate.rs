//! What requests are judged with: the compiled policy, its upstream, and the exchanges that are open.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use linkgate_policy::{Abilities, Fetch, Now, Policy};

use crate::clock::now;
use crate::host;
use crate::open::{Awaits, Open};
use crate::outbound_queue::{self, OutboundQueue};
use crate::record::{self, Metrics};
use crate::settings::{Settings, Upstream};
use crate::shared_leases::{Found, SharedLeases, Turn};
use crate::verifier;

/// A configured filter, in one worker.
pub(crate) struct Gate {
    /// The number of the root.
    pub(crate) root: u32,
    /// INVARIANT: a borrow ends before the call into the core that began it returns, and an instance
    /// is not entered a second time meanwhile. So no borrow meets another.
    pub(crate) policy: RefCell<Policy>,
    pub(crate) upstream: Upstream,
    pub(crate) clusters: BTreeMap<String, String>,
    /// The exchanges that are open, by the number of their stream; some have lost it.
    pub(crate) streams: RefCell<BTreeMap<u32, Box<Open>>>,
    pub(crate) outbound_queue: OutboundQueue,
    pub(crate) shared_leases: SharedLeases,
    /// Fetches that another worker makes, and the wall clock until which it has them.
    pub(crate) followed: RefCell<BTreeMap<String, (Fetch, u64)>>,
    pub(crate) metrics: Metrics,
    /// When the root's tick comes next.
    tick_at_ms: Cell<u64>,
    /// Whether a part of a body was ever seen: then Envoy gives it to us.
    pub(crate) sees_bodies: Cell<bool>,
}

/// Milliseconds between ticks at rest: how late a timeout may be noticed, and how old another worker's
/// outcome may be. Lowered, an idle worker wakes more often.
const REST_MS: u64 = 100;

/// Milliseconds between looks at the leases while another worker fetches.
const FOLLOW_MS: u64 = 10;

impl Gate {
    /// Compiles the policy, with what is to be logged of it. All mistakes are reported in one go.
    pub(crate) fn build(
        root: u32,
        configuration: &[u8],
    ) -> Result<(Self, Vec<String>), Vec<String>> {
        let settings = Settings::read(configuration).map_err(|mistake| vec![mistake])?;
        let secrets = settings.secrets(std::env::vars());
        let abilities =
            Abilities { serialises: false, verifies: verifier::ALGORITHMS, ..Abilities::ALL };
        // What std seeds its maps with is the host's randomness.
        let seed = RandomState::new().build_hasher().finish();
        let policy = Policy::compile(&settings.document(), &secrets, abilities, seed, now());
        let mut policy =
            policy.map_err(|mistakes| mistakes.iter().map(record::mistake).collect::<Vec<_>>())?;
        let unreachable = without_cluster(&policy, &settings.clusters);
        if !unreachable.is_empty() {
            return Err(unreachable);
        }
        let answers: Vec<_> = policy.probes().iter().map(verifier::verify).collect();
        let shadow = policy.shadow().map(|shadow| shadow.notices(now().unix_ms));
        let notices = shadow.into_iter().flatten().chain(policy.probed(&answers)).collect();
        policy.warm();
        let gate = Self {
            root,
            policy: RefCell::new(policy),
            upstream: settings.upstream,
            clusters: settings.clusters,
            streams: RefCell::default(),
            outbound_queue: OutboundQueue::default(),
            shared_leases: SharedLeases::of(configuration),
            followed: RefCell::default(),
            metrics: Metrics::default(),
            tick_at_ms: Cell::new(0),
            sees_bodies: Cell::new(false),
        };
        Ok((gate, notices))
    }

    /// Takes an exchange out to drive it.
    pub(crate) fn taken(&self, id: u32) -> Option<Box<Open>> {
        self.streams.borrow_mut().remove(&id)
    }

    /// The streams of the exchanges that wait for such.
    pub(crate) fn waiting(&self, wanted: impl Fn(Awaits) -> bool) -> Vec<u32> {
        let streams = self.streams.borrow();
        streams.iter().filter(|(_, open)| wanted(open.awaits)).map(|(id, _)| *id).collect()
    }

    /// Whether there is something that the root should do at once.
    pub(crate) fn is_urgent(&self) -> bool {
        self.outbound_queue.is_pending() || !self.followed.borrow().is_empty()
    }

    /// Sets the root's tick, whose turn this is.
    pub(crate) fn rest(&self) {
        let now = now();
        let next = now.mono_ms.saturating_add(REST_MS);
        self.tick_at_ms.set(next);
        let mut until = next;
        for stream in self.streams.borrow().values() {
            until = until.min(stream.until_mono_ms().unwrap_or(next));
        }
        if !self.followed.borrow().is_empty() {
            until = until.min(now.mono_ms.saturating_add(FOLLOW_MS));
        }
        if self.outbound_queue.is_pending() {
            until = now.mono_ms;
        }
        self.tick_at_ms.set(until);
        host::tick_every(until.saturating_sub(now.mono_ms).max(1));
    }

    /// Has the root's tick come no later than that, from within a stream.
    pub(crate) fn tick_by(&self, stream: u32, mono_ms: u64) {
        if mono_ms >= self.tick_at_ms.get() {
            return;
        }
        self.tick_at_ms.set(mono_ms);
        host::enter(self.root);
        host::tick_every(mono_ms.saturating_sub(now().mono_ms).max(1));
        host::enter(stream);
    }

    /// Posts the scheduled fetches, unless another worker has them.
    pub(crate) fn fetch_due(&self) {
        loop {
            let now = now();
            let due = self.policy.borrow_mut().due(now);
            let Some(fetch) = due else { return };
            self.fetch(fetch, now);
        }
    }

    /// Takes up again what another worker had begun and did not finish.
    pub(crate) fn fetch_abandoned(&self) {
        let now = now();
        let mut followed = self.followed.borrow_mut();
        let is_over = |(_, until): &(Fetch, u64)| *until <= now.unix_ms;
        let over: Vec<String> = followed
            .iter()
            .filter(|(_, followed)| is_over(followed))
            .map(|(source, _)| source.clone())
            .collect();
        let over: Vec<_> = over.iter().filter_map(|source| followed.remove(source)).collect();
        drop(followed);
        for (fetch, _) in over {
            self.fetch(fetch, now);
        }
    }

    fn fetch(&self, fetch: Fetch, now: Now) {
        match self.shared_leases.turn(&fetch.source, now.unix_ms, fetch.timeout_ms) {
            Turn::Fetch => {
                let (source, asked_unix_ms) = (fetch.source.clone(), now.unix_ms);
                if let Err(failure) =
                    self.outbound_queue.fetch(&self.clusters, fetch, asked_unix_ms)
                {
                    let found = Found { source, outcome: Err(failure), asked_unix_ms };
                    self.shared_leases.publish(&found);
                    let Found { source, outcome, .. } = found;
                    let mut policy = self.policy.borrow_mut();
                    let notices = policy.fetched(&source, outcome, now.mono_ms, now);
                    for notice in notices {
                        record::notice(&notice);
                    }
                }
            }
            Turn::Follow { until_unix_ms } => {
                let source = fetch.source.clone();
                self.followed.borrow_mut().insert(source, (fetch, until_unix_ms));
            }
        }
    }
}

/// A mistake for each place of keys that no cluster is configured for.
fn without_cluster(policy: &Policy, clusters: &BTreeMap<String, String>) -> Vec<String> {
    let urls = policy.key_sources(now()).into_iter().filter_map(|source| source.url);
    let authorities = urls.map(|url| outbound_queue::split(&url).0);
    let missing = authorities.filter(|authority| !clusters.contains_key(authority));
    missing
        .map(|authority| format!("/clusters: expected a cluster for `{authority}`, found none"))
        .collect()
}
