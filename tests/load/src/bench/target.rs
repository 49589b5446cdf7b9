//! What linkgate wants to reach, and what a run says of it.

use super::envoy::Filter;
use super::host::HostKind;
use super::report::Report;
use super::work::Work;
use crate::issuer::Algorithm;
use crate::table::{aligned, row};

/// A row of ours, and how little it shall cost over its baseline.
struct Target {
    kind: HostKind,
    work: Work,
    limit: Limit,
    /// The host that does the nearest to it.
    peer: HostKind,
    /// What no host of the kind can be below.
    floor: Option<HostKind>,
}

/// A bound on the difference, in microseconds.
enum Limit {
    Us(f64),
    /// So much more than the floor.
    OverFloor(f64),
    /// The peer's own.
    Peer,
}

const RULE: HostKind = HostKind::HaProxy { has_rule: true };
const NOTHING: Option<HostKind> = Some(HostKind::Envoy(Filter::Nothing));

/// Those of the Envoy edition are over no filter, those of the gateway over what it passes.
const TARGETS: [Target; 6] = [
    envoy(Work::Pass, Limit::OverFloor(9.0), false),
    envoy(Work::First(Algorithm::Rs256), Limit::Peer, false),
    envoy(Work::First(Algorithm::Es256), Limit::Peer, false),
    envoy(Work::Again, Limit::Us(15.0), true),
    gateway(Work::First(Algorithm::Rs256), 35.0),
    gateway(Work::Again, 8.0),
];

const fn envoy(work: Work, limit: Limit, has_cache: bool) -> Target {
    let peer = HostKind::Envoy(Filter::JwtAuthn { has_cache });
    Target { kind: HostKind::Envoy(Filter::Linkgate), work, limit, peer, floor: NOTHING }
}

const fn gateway(work: Work, us: f64) -> Target {
    Target { kind: HostKind::Gateway, work, limit: Limit::Us(us), peer: RULE, floor: None }
}

/// The targets and what was reached, with the most connections of the run.
pub(super) fn table(report: &Report) -> String {
    let Some(connections) = report.connections().into_iter().max() else {
        return String::new();
    };
    let title = format!("over the baseline, in us, {connections} connections");
    let mut rows = vec![row([&title, "target", "reached", "", "peer", "floor"])];
    rows.extend(TARGETS.iter().map(|target| target.cells(report, connections)));
    aligned(&rows)
}

impl Target {
    fn cells(&self, report: &Report, connections: usize) -> Vec<String> {
        let us = |kind: HostKind| {
            let row = report.row(kind, self.work, connections)?;
            report.over(row).map(|over| over.us)
        };
        let (reached, peer, floor) = (us(self.kind), us(self.peer), self.floor.and_then(us));
        let most = match self.limit {
            Limit::Us(us) => Some(us),
            Limit::OverFloor(us) => floor.map(|floor| floor + us),
            Limit::Peer => peer,
        };
        let verdict =
            most.zip(reached).map(|(most, reached)| if reached <= most { "met" } else { "missed" });
        let cell = |us: Option<f64>| us.map_or("-".to_owned(), |us| format!("{us:+.1}"));
        vec![
            format!("{}: {}", self.kind.name(), self.work.name()),
            most.map_or("-".to_owned(), |us| format!("<= {us:.1}")),
            cell(reached),
            verdict.unwrap_or("-").to_owned(),
            cell(peer),
            cell(floor),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::row::Row;

    #[test]
    fn a_target_is_met_or_missed_by_what_the_run_says() {
        let row = |kind, work, us: f64| {
            let mut row = Row::new(kind, work, 64);
            row.us = vec![us];
            row
        };
        let rows = vec![
            row(HostKind::Envoy(Filter::None), Work::Pass, 30.0),
            row(HostKind::Envoy(Filter::Nothing), Work::Pass, 33.0),
            row(HostKind::Envoy(Filter::Linkgate), Work::Pass, 41.0),
            row(HostKind::Gateway, Work::Pass, 80.0),
            row(HostKind::Gateway, Work::Again, 90.0),
        ];
        let report = Report { rows, ..Report::default() };
        let cells = |nth: usize| TARGETS[nth].cells(&report, 64)[1..].join(" ");
        assert_eq!(cells(0), "<= 12.0 +11.0 met - +3.0");
        assert_eq!(cells(5), "<= 8.0 +10.0 missed - -");
        assert_eq!(cells(1), "- - - - -", "nothing was measured");
    }
}
