//! The result of looking up what may have to be fetched first: a key, or a token of the gate's own.

use crate::verdict::stop::Stop;

/// What a look-up found.
pub(crate) enum Lookup<T> {
    /// The one that fits.
    Found(T),
    /// A fetch that may bring it is wanted or under way.
    Later {
        /// Monotonic time at which waiting for it ends in any case.
        until_mono_ms: u64,
    },
    /// It cannot be had now, and no fetch may be made before the time that is said.
    Unavailable(Stop),
}
