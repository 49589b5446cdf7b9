//! What was measured of a host at one work, and its comparison with another row.

use super::host::{Host, HostKind};
use super::work::Work;
use crate::quantile::Durations;
use crate::round::{Round, median, sorted, spread};

/// A host at a work with so many connections. Without rounds, the host does not offer it.
pub(super) struct Row {
    pub(super) kind: HostKind,
    pub(super) work: Work,
    pub(super) connections: usize,
    /// Processor time a request of each round, in microseconds.
    pub(super) us: Vec<f64>,
    /// Requests a second, of each round.
    pub(super) rates: Vec<f64>,
    pub(super) answers: Durations,
}

/// A row over its baseline, round by round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Over {
    /// Medians of the rounds' ratios and differences; the difference is in microseconds.
    pub(super) ratio: f64,
    pub(super) us: f64,
}

impl Row {
    /// One for each host, work and number of connections, without rounds.
    pub(super) fn all(connections: &[usize], hosts: &[Host], works: &[Work]) -> Vec<Self> {
        let kinds = || hosts.iter().map(|host| host.kind);
        let rows = connections.iter().flat_map(|&connections| {
            kinds().flat_map(move |kind| {
                works.iter().map(move |&work| Self::new(kind, work, connections))
            })
        });
        rows.collect()
    }

    pub(super) fn new(kind: HostKind, work: Work, connections: usize) -> Self {
        let (us, rates) = (Vec::new(), Vec::new());
        Self { kind, work, connections, us, rates, answers: Durations::default() }
    }

    pub(super) fn add(&mut self, round: &Round) {
        self.us.push(round.us);
        self.rates.push(round.rate);
        self.answers.extend(&round.answers);
    }

    /// Processor time a request: the median of the rounds, and the least and the most.
    pub(super) fn cost(&self) -> Option<(f64, f64, f64)> {
        spread(self.us.clone())
    }

    /// How much more than another, whose rounds were the same, likewise.
    pub(super) fn difference(&self, other: &Self) -> Option<(f64, f64, f64)> {
        spread(self.us.iter().zip(&other.us).map(|(own, other)| own - other).collect())
    }

    pub(super) fn rate(&self) -> Option<f64> {
        median(&sorted(self.rates.clone()))
    }

    /// This row over another, whose rounds were the same.
    pub(super) fn over(&self, baseline: &Self) -> Option<Over> {
        let ratios = self.us.iter().zip(&baseline.us).map(|(own, other)| own / other);
        let ratio = median(&sorted(ratios.collect()))?;
        Some(Over { ratio, us: self.difference(baseline)?.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_round_by_round() {
        let row = |us: &[f64]| {
            let mut row = Row::new(HostKind::Gateway, Work::Pass, 1);
            row.us = us.to_vec();
            row
        };
        // The last round was slow for both: the difference of the medians would be 20.
        let (own, other) = (row(&[20.0, 30.0, 60.0]), row(&[10.0, 10.0, 50.0]));
        assert_eq!(own.cost(), Some((30.0, 20.0, 60.0)));
        assert_eq!(own.over(&other), Some(Over { ratio: 2.0, us: 10.0 }));
        assert_eq!(own.over(&row(&[])), None, "nothing of nothing");
    }
}
