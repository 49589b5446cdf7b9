//! What the driver needs of an evaluator instance, be it a wasm guest or a script in a test.

use std::fmt;

use crate::contract::{
    Answer, Decision, End, Event, Fetch, Head, KeySource, Now, Shadow, Turn, Verification, Verify,
};

/// One instance that decides. It serves many exchanges, whose calls interleave.
///
/// The methods mirror the WIT interface. Calls are short and never overlap, and one whose future was polled is polled to
/// its end. A call that takes long lets others run meanwhile: it gives the thread back (`Poll::Pending`), and is
/// polled again. After an `Err` the instance is dropped and gets no further call.
pub trait Evaluator: Keys + Send + 'static {
    /// An open exchange of this instance.
    type Exchange: Send + Sync + 'static;

    /// Names of the request headers to hand over, lower case.
    fn wanted_headers(&self) -> Vec<String>;

    /// What its policy does not enforce. By default it enforces all it says.
    fn shadow(&self) -> Option<Shadow> {
        None
    }

    /// Questions with known answers, for the host's verifier. By default it verifies everything by itself.
    ///
    /// # Errors
    /// The instance is dead.
    fn probes(&mut self) -> Result<Vec<Verify>, Trap> {
        Ok(Vec::new())
    }

    /// Takes the answers to [`Self::probes`]. Returns lines for the operator.
    ///
    /// # Errors
    /// The instance is dead.
    fn probed(&mut self, answers: &[Verification]) -> Result<Vec<String>, Trap> {
        let _ = answers;
        Ok(Vec::new())
    }

    /// Opens an exchange and gives its first step.
    ///
    /// # Errors
    /// The instance is dead.
    fn open(
        &mut self,
        head: Head,
        now: Now,
    ) -> impl Future<Output = Result<(Self::Exchange, Turn), Trap>> + Send;

    /// Reports the outcome of step `sequence` and gives the next one.
    ///
    /// # Errors
    /// The instance is dead.
    fn resume(
        &mut self,
        exchange: &Self::Exchange,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> impl Future<Output = Result<Turn, Trap>> + Send;

    /// Whether an exchange must be seen through to its last step without its client.
    ///
    /// # Errors
    /// The instance is dead.
    fn must_finish(
        &mut self,
        exchange: &Self::Exchange,
    ) -> impl Future<Output = Result<bool, Trap>> + Send;

    /// Closes an exchange and gives its record.
    ///
    /// # Errors
    /// The instance is dead.
    fn close(
        &mut self,
        exchange: Self::Exchange,
        end: End,
        now: Now,
    ) -> impl Future<Output = Result<Decision, Trap>> + Send;
}

/// The keys of an instance: what it wants fetched, and what was fetched for all of them.
///
/// The methods mirror the WIT interface, where each is described. By default there is nothing to fetch.
/// After an `Err` the instance is dropped and gets no further call.
#[expect(unused_variables, reason = "the defaults do nothing, and the names are documentation")]
pub trait Keys {
    /// Has all keys fetched before anybody asks.
    ///
    /// # Errors
    /// The instance is dead.
    fn warm(&mut self) -> Result<(), Trap> {
        Ok(())
    }

    /// The next fetch to perform now.
    ///
    /// # Errors
    /// The instance is dead.
    fn due(&mut self, now: Now) -> Result<Option<Fetch>, Trap> {
        Ok(None)
    }

    /// When [`Self::due`] may next have something to say, in monotonic milliseconds.
    ///
    /// # Errors
    /// The instance is dead.
    fn next_due(&mut self) -> Result<Option<u64>, Trap> {
        Ok(None)
    }

    /// Takes the outcome of a fetch. Returns lines for the operator.
    ///
    /// # Errors
    /// The instance is dead.
    fn fetched(
        &mut self,
        source: &str,
        outcome: &Result<Answer, String>,
        asked: u64,
        now: Now,
    ) -> Result<Vec<String>, Trap> {
        Ok(Vec::new())
    }

    /// How the keys of each issuer stand.
    ///
    /// # Errors
    /// The instance is dead.
    fn key_sources(&mut self, now: Now) -> Result<Vec<KeySource>, Trap> {
        Ok(Vec::new())
    }

    /// What another instance is to know of the keys.
    ///
    /// # Errors
    /// The instance is dead.
    fn kept_keys(&mut self) -> Result<String, Trap> {
        Ok(String::new())
    }

    /// Takes over what another instance knew.
    ///
    /// # Errors
    /// The instance is dead.
    fn restore_keys(&mut self, kept: &str, now: Now) -> Result<(), Trap> {
        Ok(())
    }
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
