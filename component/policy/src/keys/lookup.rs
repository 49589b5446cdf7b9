//! The result of looking a key up.

use crate::jose::key::Key;
use crate::verdict::cause::{Fault, TokenFlaw};

/// What a lookup found.
pub(crate) enum Sought<'a> {
    /// The one key that fits.
    Here(&'a Key),
    /// No such key.
    Nowhere(TokenFlaw),
    /// A fetch is wanted or under way that may bring it.
    Later { until_mono_ms: u64 },
    /// Nobody can tell, and no fetch may be made before.
    Undecided { fault: Fault, retry_after_ms: u64 },
}
