//! The record of an exchange whose instance was lost: the host makes it, for the policy is gone.
//!
//! It holds what tells the exchange from others, and no more. The path stays out: whether it may be shown,
//! and how, is the policy's to say.

use crate::accounts::Hold;
use crate::contract::{Decision, End, Head, Outcome, Step};
use crate::timings::{Stopwatch, Timings};

/// What the host knows of an exchange by itself.
pub(crate) struct Brief {
    method: String,
    traceparent: Option<String>,
    /// Whether a call was made, or a request sent.
    sent: bool,
    /// Whether the client's request, or one in its place, was sent.
    upstream_called: bool,
    /// Whether the last step was taken: then the client has its answer all the same.
    answered: bool,
}

/// How an exchange ended, and what is to be recorded if its instance cannot say.
pub(crate) struct Closing {
    pub(crate) end: End,
    pub(crate) watch: Box<Stopwatch>,
    pub(crate) brief: Brief,
    /// The accounts that it holds.
    pub(crate) hold: Option<Box<Hold>>,
}

impl Brief {
    pub(crate) fn of(head: &Head) -> Self {
        let mut lines = head.headers.iter().filter(|line| line.name == "traceparent");
        let sole = lines.next().filter(|_| lines.next().is_none());
        Self {
            method: head.method.chars().take(MAX_METHOD).collect(),
            traceparent: sole.and_then(|line| well_formed(&line.value)),
            sent: false,
            upstream_called: false,
            answered: false,
        }
    }

    /// A step is being carried out.
    pub(crate) fn begin(&mut self, step: &Step) {
        match step {
            Step::ReadBody(_) | Step::Wait(_) | Step::Verify(_) | Step::Acquire(_) => {}
            Step::Call(_) => self.sent = true,
            Step::Forward(_) | Step::Pass(_) => (self.sent, self.upstream_called) = (true, true),
            Step::Relay(_) | Step::Respond(_) => self.answered = true,
        }
    }
}

impl Closing {
    /// The record, and the host's own measure of the exchange.
    pub(crate) fn record(self) -> (Decision, Timings) {
        let Self { end, watch, brief, hold: _ } = self;
        let Brief { method, traceparent, sent, upstream_called, answered } = brief;
        let timings = watch.stop();
        // What `answer::lost` says, where somebody was there to hear it.
        let status = if sent { 504 } else { 503 };
        let decision = Decision {
            outcome: Outcome::Failed,
            cause: INSTANCE_LOST.to_owned(),
            detail: None,
            reason: GATE_UNAVAILABLE.to_owned(),
            route: "none".to_owned(),
            method,
            path: String::new(),
            status: (!answered && end != End::ClientGone).then_some(status),
            upstream_called,
            upstream_status: None,
            subject: None,
            secondary: None,
            issuer: None,
            client: None,
            actor: None,
            secondary_actor: None,
            client_address: None,
            request_id: None,
            traceparent,
            unverified: None,
            verification: None,
            metadata: None,
            shadow: None,
            missed: Vec::new(),
            claims: None,
            warnings: Vec::new(),
            hold_ms: 0,
            evicted: 0,
            end,
            elapsed_ms: u64::try_from(timings.took().as_millis()).unwrap_or(u64::MAX),
        };
        (decision, timings)
    }
}

/// A `traceparent` of version 00 (W3C Trace Context section 3.2), else nothing.
fn well_formed(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let widths: Vec<usize> = text.split('-').map(str::len).collect();
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    (plain && widths == [2, 32, 16, 2] && text.starts_with("00-")).then(|| text.to_owned())
}

/// The cause that such a record names. No policy has it: nothing was decided.
const INSTANCE_LOST: &str = "instance-lost";

/// The reason that fits: the request could not be decided.
const GATE_UNAVAILABLE: &str = "gate-unavailable";

/// Characters of a method. The longest that is registered has 17; raised, a client buys more room in the
/// log.
const MAX_METHOD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Header, Pass};

    fn head(traceparent: &str) -> Head {
        let line = |value: &str| Header {
            name: "traceparent".to_owned(),
            value: value.as_bytes().to_vec(),
        };
        let headers = traceparent.split_terminator(';').map(line).collect();
        Head { method: "GET".to_owned(), target: b"/secret?token=x".to_vec(), headers, peer: None }
    }

    fn lost(brief: Brief, end: End) -> Decision {
        Closing { end, watch: Box::new(Stopwatch::start()), brief, hold: None }.record().0
    }

    #[test]
    fn the_record_says_how_far_it_went() {
        let edits = || crate::contract::HeaderEdits { remove: vec![], append: vec![] };
        let relay = || Step::Relay(edits());
        let pass = || Step::Pass(Pass { edits: edits(), timeout_ms: 1 });
        for (row, steps, end, status, upstream_called) in [
            ("at once", vec![], End::Shutdown, Some(503), false),
            ("while it waited", vec![Step::Wait(1)], End::Shutdown, Some(503), false),
            ("at the upstream", vec![pass()], End::Shutdown, Some(504), true),
            ("while it answered", vec![pass(), relay()], End::Finished, None, true),
            ("its client gone", vec![pass()], End::ClientGone, None, true),
        ] {
            let mut brief = Brief::of(&head(""));
            for step in &steps {
                brief.begin(step);
            }
            let decision = lost(brief, end);
            assert_eq!(
                (decision.status, decision.upstream_called),
                (status, upstream_called),
                "{row}"
            );
            assert_eq!(
                (decision.cause.as_str(), decision.outcome),
                (INSTANCE_LOST, Outcome::Failed)
            );
            assert_eq!((decision.method.as_str(), decision.path.as_str()), ("GET", ""), "{row}");
        }
    }

    #[test]
    fn only_a_well_formed_traceparent_is_kept() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for (given, kept) in [
            (good.to_owned(), Some(good)),
            (format!("{good};{good}"), None),
            (good.to_uppercase(), None),
            (good.replacen("00", "01", 1), None),
            ("00-1-2-3".to_owned(), None),
            (format!("{good}\u{1b}"), None),
        ] {
            let decision = lost(Brief::of(&head(&given)), End::Shutdown);
            assert_eq!(decision.traceparent.as_deref(), kept, "{given}");
        }
    }
}
