//! Which requests a fault hits.

use crate::route::Operation;

use super::fault::Fault;

/// A fault, the operation it hits, and which requests of it: every one, unless set otherwise.
///
/// ```
/// use linkgate_tenant::Operation;
/// use linkgate_tenant::faults::{Fault, FaultRule, Point};
///
/// let lost_answer = Fault::Reset { at: Point::AfterEffect };
/// let first = FaultRule::new(Operation::Link, lost_answer.clone()).on_occurrence(1);
/// let now_and_then = FaultRule::new(Operation::Link, lost_answer).with_probability(0.1, 7).times(5);
/// assert_ne!(first, now_and_then);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    pub(crate) operation: Operation,
    pub(crate) fault: Fault,
    pub(crate) when: When,
    pub(crate) times: Option<u64>,
}

/// The requests that a rule hits, as far as `times` lets it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum When {
    Every,
    Nth(u64),
    Random { probability: f64, seed: u64 },
}

impl FaultRule {
    /// Hits every request for `operation`.
    #[must_use]
    pub fn new(operation: Operation, fault: Fault) -> Self {
        Self { operation, fault, when: When::Every, times: None }
    }

    /// Hits the `nth` such request from the moment the rule is added, counted from 1, and no other. There is no 0th.
    #[must_use]
    pub fn on_occurrence(self, nth: u64) -> Self {
        Self { when: When::Nth(nth), ..self }
    }

    /// Hits each such request with this probability: never at 0 and below, always at 1 and above. The same seed hits
    /// the same ones of the sequence; which request comes when is up to the clients.
    #[must_use]
    pub fn with_probability(self, probability: f64, seed: u64) -> Self {
        Self { when: When::Random { probability, seed }, ..self }
    }

    /// Hits this many requests at most.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times: Some(times), ..self }
    }
}
