//! All instances of a gateway, and what is known of their keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::contract::{KeySource, Now};
use crate::evaluator::{Keys, Trap};
use crate::seat::Seat;

/// The seats of all policies in use, and what they know of keys.
///
/// INVARIANT: what is kept changes, and is handed to those who come later, under one lock, together with
/// the letters that say the same to those who are here. So no instance misses an outcome, and none is
/// set back to an older one.
#[derive(Default)]
pub(crate) struct Crew(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Those of the policy that serves stand first.
    seats: Vec<Weak<Seat>>,
    /// Those of the policy that serves, alone.
    leading: Vec<Weak<Seat>>,
    /// Keys, cooldowns and back-offs, as `kept-keys` gives them.
    kept: String,
    /// How the keys of each issuer stood, and when: monotonic milliseconds.
    sources: Vec<KeySource>,
    as_of: u64,
}

impl Crew {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a fresh instance the keys and the cooldowns of those before it: it costs no fetch, and
    /// lifts no limit.
    pub(crate) fn prime(&self, keys: &mut dyn Keys, now: Now) -> Result<(), Trap> {
        let kept = self.known().kept.clone();
        keys.restore_keys(&kept, now)?;
        keys.warm()
    }

    /// A seat of a policy that does not serve yet. What was fetched while it was made is made up for.
    pub(crate) fn join(&self, seat: &Arc<Seat>) {
        let mut known = self.known();
        let kept = known.kept.clone();
        drop(seat.keys(move |keys, now| keys.restore_keys(&kept, now)));
        known.seats.push(Arc::downgrade(seat));
    }

    /// The policy of these seats serves from now on.
    pub(crate) fn lead(&self, seats: &[Arc<Seat>], sources: &[KeySource], now: Now) {
        let mut known = self.known();
        let leading: Vec<Weak<Seat>> = seats.iter().map(Arc::downgrade).collect();
        known.seats.sort_by_key(|seat| !leading.iter().any(|lead| lead.ptr_eq(seat)));
        known.leading = leading;
        known.sources = sources.to_vec();
        known.as_of = now.mono_ms;
    }

    /// All seats there are; those of the policy that serves first.
    pub(crate) fn seats(&self) -> Vec<Arc<Seat>> {
        let mut known = self.known();
        known.seats.retain(|seat| seat.strong_count() > 0);
        known.seats.iter().filter_map(Weak::upgrade).collect()
    }

    /// Keeps what an instance knows, and has `tell` post letters to the others.
    pub(crate) fn keep(&self, kept: String, tell: impl FnMut(&Arc<Seat>)) {
        let mut known = self.known();
        known.kept = kept;
        let seats: Vec<_> = known.seats.iter().filter_map(Weak::upgrade).collect();
        seats.iter().for_each(tell);
    }

    /// How the keys of each issuer stand, as an instance sees it: one of the policy that serves. Another
    /// may have been looked at just before it was replaced.
    pub(crate) fn show(&self, seat: &Arc<Seat>, sources: Vec<KeySource>, as_of: u64) {
        let mut known = self.known();
        if !known.leading.iter().any(|lead| std::ptr::eq(lead.as_ptr(), Arc::as_ptr(seat))) {
            return;
        }
        known.sources = sources;
        known.as_of = as_of;
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
