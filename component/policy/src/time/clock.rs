//! The time, as a driver passes it in.

/// The time, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, milliseconds since the Unix epoch: judges claims. May jump.
    pub unix_ms: u64,
    /// Monotonic clock, milliseconds since any fixed moment: judges budgets.
    pub mono_ms: u64,
}
