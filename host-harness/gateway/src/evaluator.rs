//! What the driver needs of an evaluator instance, be it a wasm guest or a script in a test.

use std::fmt;

use crate::contract::{Decision, End, Event, Head, Now, Turn};

/// One instance that decides. It serves many exchanges, whose calls interleave.
///
/// The methods mirror the WIT interface. Calls are short and never overlap: the gateway makes them
/// behind a lock. After an `Err` the instance is dropped and gets no further call.
pub trait Evaluator: Send + 'static {
    /// An open exchange of this instance.
    type Exchange: Send + 'static;

    /// Names of the request headers to hand over, lower case.
    fn wanted_headers(&self) -> Vec<String>;

    /// Opens an exchange and gives its first step.
    ///
    /// # Errors
    /// The instance is dead.
    fn open(&mut self, head: &Head, now: Now) -> Result<(Self::Exchange, Turn), Trap>;

    /// Reports what became of the step `sequence` and gives the next one.
    ///
    /// # Errors
    /// The instance is dead.
    fn resume(
        &mut self,
        exchange: &Self::Exchange,
        sequence: u32,
        event: &Event,
        now: Now,
    ) -> Result<Turn, Trap>;

    /// Closes an exchange and gives its record.
    ///
    /// # Errors
    /// The instance is dead.
    fn close(&mut self, exchange: Self::Exchange, end: End, now: Now) -> Result<Decision, Trap>;
}

/// Why an instance died, for the operator's log. It never reaches a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap(String);

impl Trap {
    /// A trap with its reason, a phrase in lower case.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trap {}
