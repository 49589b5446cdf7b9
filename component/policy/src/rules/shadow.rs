//! What is decided and logged, and not enforced.

/// Which rules of a bearer are logged and not enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BearerShadow {
    pub(crate) scopes: bool,
    pub(crate) max_token_age: bool,
    pub(crate) step_up: bool,
}

/// Which rules of a secondary token are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecondaryShadow {
    pub(crate) max_age: bool,
    pub(crate) email_verified: bool,
}

/// Until when a policy lets through what it would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShadowRules {
    /// The first moment at which it enforces, in Unix milliseconds.
    pub(crate) until_ms: u64,
}

/// The longest a policy may be in shadow, 30 days: two releases of most teams. Raised, a gate that
/// guards no account is forgotten for longer.
pub(crate) const LONGEST_MS: u64 = 30 * 86_400_000;
