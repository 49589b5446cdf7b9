//! What exchanges share.

use crate::access::request_id::NewIds;
use crate::access::token_cache::TokenCache;
use crate::jose::verification::SignatureAlgorithms;
use crate::keys::keyring::Keyring;
use crate::metadata::{Credentials, Replacing};

/// What exchanges share and fetch once for all of them.
pub(crate) struct Shared {
    pub(crate) keyring: Keyring,
    /// Bearers whose signature need not be verified again.
    pub(crate) verified: TokenCache,
    /// The algorithms whose signatures the host verifies: those that it was tried with.
    pub(crate) host: SignatureAlgorithms,
    /// Whose tokens the calls of a merge carry.
    pub(crate) credentials: Credentials,
    /// Ids for requests that came with none.
    pub(crate) request_ids: NewIds,
    /// Whether the upstream was seen to replace metadata.
    pub(crate) replacing: Replacing,
}
