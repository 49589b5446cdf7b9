//! All instances of a gateway, and what is known of their keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::contract::{KeySource, Now};
use crate::evaluator::{Keys, Trap};
use crate::instance_handle::InstanceHandle;

/// The instances of all policies in use, and what they know of keys. The instances of one policy are a band:
/// those of another know nothing of its sources.
///
/// INVARIANT: what is kept of a band changes, and is handed to those who come later, under one lock,
/// together with the requests that say the same to those of the band who are here. So no instance misses an
/// outcome, and none is set back to an older one.
#[derive(Default)]
pub(crate) struct PoolKeys(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Each with the number of its band. Those of the policy that serves stand first.
    instances: Vec<(u64, Weak<InstanceHandle>)>,
    /// How many numbers of bands were given out.
    numbers: u64,
    /// The band of the policy that serves.
    lead: u64,
    /// Keys, cooldowns and back-offs, as `kept-keys` of a band's instances gives them; the latest last, so
    /// that it has the last word where two bands share a source.
    kept: Vec<(u64, String)>,
    /// How the keys of each issuer stood, and when: monotonic milliseconds.
    sources: Vec<KeySource>,
    as_of: u64,
}

impl PoolKeys {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a fresh instance the keys and the cooldowns of those before it: it costs no fetch, and
    /// lifts no limit.
    pub(crate) fn prime(&self, keys: &mut dyn Keys, now: Now) -> Result<(), Trap> {
        let kept = self.known().kept.clone();
        restore(&kept, keys, now)?;
        keys.warm()
    }

    /// A number for the band of another policy.
    pub(crate) fn number(&self) -> u64 {
        let mut known = self.known();
        known.numbers += 1;
        known.numbers
    }

    /// An instance of a band that does not serve yet. What was fetched while it was made is made up for.
    pub(crate) fn join(&self, band: u64, instance: &Arc<InstanceHandle>) {
        let mut known = self.known();
        let kept = known.kept.clone();
        drop(instance.keys(move |keys, now| restore(&kept, keys, now)));
        known.instances.push((band, Arc::downgrade(instance)));
    }

    /// The policy of this band serves from now on.
    pub(crate) fn lead(&self, band: u64, sources: &[KeySource], now: Now) {
        let mut known = self.known();
        known.instances.sort_by_key(|(other, _)| *other != band);
        known.lead = band;
        known.sources = sources.to_vec();
        known.as_of = now.mono_ms;
    }

    /// All instances there are, with the numbers of their bands; those of the policy that serves first.
    pub(crate) fn instances(&self) -> Vec<(u64, Arc<InstanceHandle>)> {
        let mut known = self.known();
        known.instances.retain(|(_, instance)| instance.strong_count() > 0);
        known
            .instances
            .iter()
            .filter_map(|(band, instance)| Some((*band, instance.upgrade()?)))
            .collect()
    }

    /// Keeps what an instance knows for its band, and has `tell` send requests to the others of it.
    pub(crate) fn keep(&self, band: u64, kept: String, tell: impl FnMut(&Arc<InstanceHandle>)) {
        let mut known = self.known();
        let Known { instances, kept: all, .. } = &mut *known;
        // A band that is gone stays known until another has the word.
        all.retain(|(other, _)| *other != band && instances.iter().any(|(one, _)| one == other));
        all.push((band, kept));
        let of_band = instances.iter().filter(|(one, _)| *one == band);
        let instances: Vec<_> = of_band.filter_map(|(_, instance)| instance.upgrade()).collect();
        instances.iter().for_each(tell);
    }

    /// How the keys of each issuer stand, as an instance of the policy that serves sees it. One of another
    /// may have been read just before that was replaced.
    pub(crate) fn show(&self, band: u64, sources: Vec<KeySource>, as_of: u64) {
        let mut known = self.known();
        if known.lead == band {
            known.sources = sources;
            known.as_of = as_of;
        }
    }

    /// The same, as it must have become since.
    pub(crate) fn sources(&self, now: Now) -> Vec<KeySource> {
        let known = self.known();
        let since = now.mono_ms.saturating_sub(known.as_of);
        let aged = |source: &KeySource| {
            let left = source.expires_in_ms.map(|left| left.saturating_sub(since));
            KeySource {
                usable: source.usable && left != Some(0),
                age_ms: source.age_ms.map(|age| age.saturating_add(since)),
                expires_in_ms: left,
                ..source.clone()
            }
        };
        known.sources.iter().map(aged).collect()
    }
}

/// Gives an instance what was kept.
fn restore(kept: &[(u64, String)], keys: &mut dyn Keys, now: Now) -> Result<(), Trap> {
    kept.iter().try_for_each(|(_, kept)| keys.restore_keys(kept, now))
}
