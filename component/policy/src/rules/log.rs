//! What decision records show.

/// What decision records show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogRules {
    pub(crate) hash_subjects: bool,
    /// The claims of verified tokens, redacted.
    pub(crate) log_claims: bool,
}
