//! Where decision records go.

use crate::contract::{Decision, Failure};
use crate::error::StartError;
use crate::evaluator::Trap;
use crate::timings::Timings;

/// Receives what the gateway has to tell its operator. Called from the server's own threads: it
/// must be quick and must not block.
pub trait DecisionSink: Send + Sync + 'static {
    /// An exchange was closed. `timings` is the host's own measure of it. Called once per exchange. Of one
    /// whose instance was lost, which is a [`Fault::ExchangeLost`] too, the record is the host's: its cause is
    /// `instance-lost`, and it has no path.
    fn decided(&self, decision: Decision, timings: &Timings);

    /// The upstream did not answer a request, and `why`: a phrase, with the system's own words in it.
    /// The record of the exchange tells the rest. Nothing is done by default.
    fn upstream_failed(&self, failure: Failure, why: &str) {
        let _ = (failure, why);
    }

    /// Something that the operator should know, of an issuer's keys or of the verifier here: a line. Nothing is
    /// done by default.
    fn notice(&self, notice: &str) {
        let _ = notice;
    }

    /// A fetch is over: with an answer of this status, of use or not, or with none and why. Nothing is
    /// done by default.
    fn fetched(&self, outcome: Result<u16, &str>) {
        let _ = outcome;
    }

    /// Something went wrong that no decision record has. Nothing is done by default.
    fn fault(&self, fault: &Fault) {
        let _ = fault;
    }
}

impl<F: Fn(Decision, &Timings) + Send + Sync + 'static> DecisionSink for F {
    fn decided(&self, decision: Decision, timings: &Timings) {
        self(decision, timings);
    }
}

/// What went wrong outside of any decision. All of it fails closed: the client gets an error.
#[derive(Debug)]
pub enum Fault {
    /// An instance trapped. Every exchange open in it is lost.
    InstanceLost(Trap),
    /// The instance of a request was lost: it was answered 503, or 504 when something had been sent for it.
    /// Reported once for each.
    ExchangeLost,
    /// A request was answered 503 and has no record, because there was no room for it among those in
    /// flight, or no living instance, for [`Limits::wait`](crate::Limits::wait). Reported once for each.
    TurnedAway,
    /// A lost instance could not be replaced. It is tried again, after ever longer rests.
    NotReplaced(StartError),
    /// An evaluator asked for what the contract does not allow: a phrase that says what.
    Breach(&'static str),
}
