//! The account of a run: what the clients saw, held against what the gateway decided and what
//! reached the tenant.

use std::collections::BTreeMap;

use crate::quantile::Durations;

use super::arrivals::Arrivals;
use super::decisions::{Decisions, Ended};
use super::kind::{Deserved, Kind};
use super::member::{Exchange, Witness};
use super::verdict::Fate;

/// What came of all requests.
#[derive(Default)]
pub(super) struct Account {
    pub(super) tallies: BTreeMap<Kind, Tally>,
    /// Wrong in all, in answers, decisions and arrivals.
    pub(super) wrong: u64,
    pub(super) lost: u64,
    /// At the end: sent, and never begun by the gateway.
    pub(super) never_begun: u64,
    /// At the end: no connection any more.
    pub(super) not_connected: u64,
    /// Preflights by the document that answered them.
    pub(super) max_ages: [u64; 2],
    /// What is to be said about wrong and lost ones.
    pub(super) complaints: Vec<String>,
}

/// What came of the requests of one kind.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) asked: u64,
    pub(super) right: u64,
    pub(super) injected: u64,
    pub(super) unanswered: u64,
    pub(super) cut: u64,
    pub(super) lost: u64,
    pub(super) wrong: u64,
    pub(super) durations: Durations,
}

/// Complaints that are kept.
const KEPT_COMPLAINTS: usize = 40;

impl Account {
    pub(super) fn of(
        witnesses: &[Witness],
        decisions: &Decisions,
        arrivals: &Arrivals,
        fired: &BTreeMap<String, u64>,
    ) -> Self {
        let mut account = Self::default();
        for witness in witnesses {
            for exchange in &witness.exchanges {
                account.enter(exchange, decisions);
            }
            for complaint in &witness.complaints {
                account.note(complaint.clone());
            }
            let [first, second] = witness.max_ages;
            account.max_ages[0] += first;
            account.max_ages[1] += second;
        }
        account.wrong += decisions.wrong;
        for complaint in &decisions.complaints {
            account.note(complaint.clone());
        }
        account.hold_against(arrivals);
        account.hold_against_faults(fired);
        account
    }

    pub(super) fn sum(&self, of: impl Fn(&Tally) -> u64) -> u64 {
        self.tallies.values().map(of).sum()
    }

    fn enter(&mut self, exchange: &Exchange, decisions: &Decisions) {
        let Exchange { tag, fate, .. } = *exchange;
        let trouble = trouble(exchange, decisions);
        let tally = self.tallies.entry(tag.kind).or_default();
        if trouble == Some(Trouble::NotConnected) {
            self.not_connected += 1;
            return;
        }
        tally.asked += 1;
        tally.durations.add(exchange.took);
        match (trouble, fate) {
            (Some(Trouble::NeverBegun), _) => self.never_begun += 1,
            (Some(Trouble::Lost(what)), _) => {
                tally.lost += 1;
                self.lost += 1;
                self.note(format!("{} (request {}) is lost: {what}", tag.kind.name(), tag.number));
            }
            (Some(Trouble::Wrong(what)), _) => {
                tally.wrong += 1;
                self.wrong += 1;
                self.note(format!("{} (request {}): {what}", tag.kind.name(), tag.number));
            }
            (Some(Trouble::NotConnected) | None, fate) => tally.enter(fate),
        }
        if fate == Fate::Wrong {
            self.wrong += 1;
        }
    }

    /// What was forwarded arrived, once; what was refused did not.
    fn hold_against(&mut self, arrivals: &Arrivals) {
        for line in &arrivals.barred {
            self.wrong += 1;
            self.note(format!("this must not reach the tenant: {line}"));
        }
        let forwarded =
            Kind::ALL.into_iter().filter(|kind| matches!(kind.deserved(), Deserved::Upstream(_)));
        for kind in forwarded {
            let arrived = arrivals.count(kind);
            let (least, most) = self.tallies.get(&kind).map_or((0, 0), Tally::sent);
            if arrived < least || arrived > most {
                self.wrong += 1;
                let name = kind.name();
                self.note(format!("{name}: expected {least} to {most} arrivals, found {arrived}"));
            }
        }
    }

    /// No failure is seen more often than the tenant was made to fail.
    fn hold_against_faults(&mut self, fired: &BTreeMap<String, u64>) {
        for (fault, seen) in [
            ("reset", self.sum(|tally| tally.unanswered)),
            ("status", self.sum(|tally| tally.injected)),
            ("cut_body", self.sum(|tally| tally.cut)),
        ] {
            let fired = fired.get(fault).copied().unwrap_or_default();
            if seen > fired {
                self.wrong += seen - fired;
                self.note(format!("`{fault}` hit {fired} times, and {seen} answers look like it"));
            }
        }
    }

    pub(super) fn note(&mut self, complaint: String) {
        if self.complaints.len() < KEPT_COMPLAINTS {
            self.complaints.push(complaint);
        }
    }
}

/// Why a request is not merely what its fate says.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    NotConnected,
    NeverBegun,
    Lost(&'static str),
    Wrong(&'static str),
}

fn trouble(exchange: &Exchange, decisions: &Decisions) -> Option<Trouble> {
    let Exchange { tag, fate, status, begun, stopping, .. } = *exchange;
    let decided = decisions.of(tag.number);
    match (fate, decided) {
        (Fate::NotConnected, _) if stopping => Some(Trouble::NotConnected),
        (Fate::NotConnected, _) => Some(Trouble::Lost("no connection")),
        (Fate::Nothing, None) if stopping && !begun => Some(Trouble::NeverBegun),
        (Fate::Nothing, Some(_)) => Some(Trouble::Lost("it was decided, and not answered")),
        (Fate::Nothing, None) => Some(Trouble::Lost("no answer")),
        (_, None) => Some(Trouble::Wrong("it was answered, and no decision was logged")),
        (_, Some(decided)) if status.is_some() && decided.status != status => {
            Some(Trouble::Wrong("the decision log has another status"))
        }
        (_, Some(decided)) if decided.end == Ended::Shutdown => {
            Some(Trouble::Lost("broken off at the end"))
        }
        (Fate::Cut, Some(_)) => None,
        (_, Some(decided)) if decided.end != Ended::Finished => {
            Some(Trouble::Wrong("it was answered whole, and the log says otherwise"))
        }
        (_, Some(_)) => None,
    }
}

impl Tally {
    fn enter(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Right => &mut self.right,
            Fate::Injected => &mut self.injected,
            Fate::Unanswered => &mut self.unanswered,
            Fate::Cut => &mut self.cut,
            Fate::Wrong => &mut self.wrong,
            Fate::Nothing | Fate::NotConnected => &mut self.lost,
        };
        *count += 1;
    }

    /// How many must have been sent on, and how many may: of a lost one it is unknown.
    fn sent(&self) -> (u64, u64) {
        let known = self.right + self.injected + self.unanswered + self.cut;
        (known, known + self.lost + self.wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tag::Tag;
    use super::*;

    fn exchange(fate: Fate, status: Option<u16>, stopping: bool) -> Exchange {
        let tag = Tag { kind: Kind::Keys, number: 1 };
        Exchange { tag, fate, status, begun: false, stopping, took: Duration::ZERO }
    }

    fn decisions(end: Option<&str>) -> Decisions {
        let mut decisions = Decisions::default();
        let parent = Tag { kind: Kind::Keys, number: 1 }.traceparent();
        let trace_id = parent.split('-').nth(1).unwrap();
        if let Some(end) = end {
            decisions.take(&format!(
                r#"{{"outcome":"passed","cause":"passed","reason":"passed","status":200,"upstream_called":true,"trace_id":"{trace_id}","end":"{end}"}}"#
            ));
        }
        decisions
    }

    #[test]
    fn what_is_lost_is_told_from_what_was_never_begun() {
        let lost = |what| Some(Trouble::Lost(what));
        let wrong = |what| Some(Trouble::Wrong(what));
        for (row, fate, status, stopping, end, expected) in [
            ("right", Fate::Right, Some(200), false, Some("finished"), None),
            ("right, at the end", Fate::Right, Some(200), true, Some("finished"), None),
            ("no answer", Fate::Nothing, None, false, None, lost("no answer")),
            ("not begun", Fate::Nothing, None, true, None, Some(Trouble::NeverBegun)),
            (
                "begun",
                Fate::Nothing,
                None,
                true,
                Some("client-gone"),
                lost("it was decided, and not answered"),
            ),
            ("cut by a fault", Fate::Cut, Some(200), false, Some("finished"), None),
            (
                "cut by the end",
                Fate::Cut,
                Some(200),
                true,
                Some("shutdown"),
                lost("broken off at the end"),
            ),
            ("no connection", Fate::NotConnected, None, false, None, lost("no connection")),
            (
                "no connection any more",
                Fate::NotConnected,
                None,
                true,
                None,
                Some(Trouble::NotConnected),
            ),
            (
                "unlogged",
                Fate::Right,
                Some(200),
                false,
                None,
                wrong("it was answered, and no decision was logged"),
            ),
            (
                "logged as another",
                Fate::Right,
                Some(201),
                false,
                Some("finished"),
                wrong("the decision log has another status"),
            ),
            (
                "logged as unfinished",
                Fate::Right,
                Some(200),
                false,
                Some("client-gone"),
                wrong("it was answered whole, and the log says otherwise"),
            ),
        ] {
            assert_eq!(
                trouble(&exchange(fate, status, stopping), &decisions(end)),
                expected,
                "{row}"
            );
        }
    }

    #[test]
    fn what_arrives_is_counted_against_what_was_sent() {
        let witness = Witness {
            exchanges: vec![exchange(Fate::Right, Some(200), false)],
            ..Witness::default()
        };
        for (row, arrived, wrong) in [("not at all", 0, 1), ("once", 1, 0), ("twice", 2, 1)] {
            let mut arrivals = Arrivals::default();
            for _ in 0..arrived {
                arrivals.take("200 GET /.well-known/jwks.json");
            }
            let account = Account::of(
                std::slice::from_ref(&witness),
                &decisions(Some("finished")),
                &arrivals,
                &BTreeMap::new(),
            );
            assert_eq!(account.wrong, wrong, "{row}: {:?}", account.complaints);
        }
    }
}
