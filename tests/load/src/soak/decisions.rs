//! What the gateway says it decided, by the lines of its log.

use std::collections::HashMap;

use serde::Deserialize;

use super::kind::{Deserved, Kind};
use super::tag::Tag;

/// All that was decided.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    by_number: HashMap<u64, Decided>,
    /// Decisions that no request of their kind deserves: the first few, and how many in all.
    pub(super) complaints: Vec<String>,
    pub(super) wrong: u64,
}

/// What is kept of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) status: Option<u16>,
    pub(super) end: Ended,
}

/// How the exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ended {
    Finished,
    ClientGone,
    Shutdown,
}

/// A line, as far as it is checked: `docs/log-and-metrics.md` has them all.
#[derive(Deserialize)]
struct Line<'a> {
    outcome: &'a str,
    cause: &'a str,
    reason: &'a str,
    status: Option<u16>,
    upstream_called: bool,
    trace_id: Option<&'a str>,
    end: Ended,
}

/// Complaints that are kept.
const KEPT_COMPLAINTS: usize = 20;

impl Decisions {
    pub(super) fn take(&mut self, text: &str) {
        let Ok(line) = serde_json::from_str::<Line<'_>>(text) else {
            return self.complain(format!("no decision, or of another form: {text}"));
        };
        let Some(tag) = line.trace_id.and_then(Tag::of) else {
            return self.complain(format!("a decision without a request: {text}"));
        };
        if !line.fits(tag.kind) {
            self.complain(format!("{} did not deserve this: {text}", tag.kind.name()));
        }
        let decided = Decided { status: line.status, end: line.end };
        if self.by_number.insert(tag.number, decided).is_some() {
            self.complain(format!("a second decision on the same request: {text}"));
        }
    }

    pub(super) fn of(&self, number: u64) -> Option<Decided> {
        self.by_number.get(&number).copied()
    }

    pub(super) fn count(&self) -> usize {
        self.by_number.len()
    }

    fn complain(&mut self, complaint: String) {
        self.wrong += 1;
        if self.complaints.len() < KEPT_COMPLAINTS {
            self.complaints.push(complaint);
        }
    }
}

impl Line<'_> {
    /// Whether this is what requests of this kind deserve. Where the tenant is asked, it may also
    /// have kept silent.
    fn fits(&self, kind: Kind) -> bool {
        let said = (self.outcome, self.cause, self.reason, self.upstream_called);
        match kind.deserved() {
            Deserved::Refusal(refusal) => said == ("denied", refusal.cause, refusal.reason, false),
            Deserved::Answer(_, cause) => said == ("allowed", cause, cause, false),
            Deserved::Upstream("passed") if said == ("passed", "passed", "passed", true) => true,
            Deserved::Upstream(cause) => {
                said == ("allowed", cause, cause, true)
                    || said == ("failed", "upstream-unknown", "upstream-outcome-unknown", true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: Kind, number: u64, said: [&str; 3], upstream_called: bool) -> String {
        let parent = Tag { kind, number }.traceparent();
        let trace_id = parent.split('-').nth(1).unwrap();
        let [outcome, cause, reason] = said;
        format!(
            r#"{{"outcome":"{outcome}","cause":"{cause}","reason":"{reason}","status":200,"upstream_called":{upstream_called},"trace_id":"{trace_id}","end":"finished","other":1}}"#
        )
    }

    #[test]
    fn a_decision_is_held_against_what_its_request_deserves() {
        let granted = ["allowed", "granted", "granted"];
        let mismatch = ["denied", "subject-mismatch", "subject-mismatch"];
        let expired = ["denied", "bearer-expired", "bearer-invalid"];
        let silent = ["failed", "upstream-unknown", "upstream-outcome-unknown"];
        for (row, kind, said, called, wrong) in [
            ("granted", Kind::Link, granted, true, 0),
            ("granted and not sent", Kind::Link, granted, false, 1),
            ("the tenant kept silent", Kind::Link, silent, true, 0),
            ("refused for nothing", Kind::Link, mismatch, false, 1),
            ("granted to a stranger", Kind::LinkOther, granted, true, 1),
            ("refused", Kind::LinkOther, mismatch, false, 0),
            ("refused, and sent", Kind::LinkOther, mismatch, true, 1),
            ("refused for something else", Kind::LinkOther, expired, false, 1),
            ("a silent tenant behind a refusal", Kind::LinkOther, silent, true, 1),
            ("passed", Kind::Keys, ["passed"; 3], true, 0),
            ("passed, a link", Kind::Link, ["passed"; 3], true, 1),
        ] {
            let mut decisions = Decisions::default();
            decisions.take(&line(kind, 1, said, called));
            assert_eq!(decisions.wrong, wrong, "{row}: {:?}", decisions.complaints);
        }
    }

    #[test]
    fn a_request_is_decided_once() {
        let mut decisions = Decisions::default();
        for number in [1, 2, 1] {
            decisions.take(&line(Kind::Keys, number, ["passed"; 3], true));
        }
        decisions.take("linkgate is unwell");
        assert_eq!((decisions.count(), decisions.wrong), (2, 2));
        assert_eq!(decisions.of(2), Some(Decided { status: Some(200), end: Ended::Finished }));
    }
}
