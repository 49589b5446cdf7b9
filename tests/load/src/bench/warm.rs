//! What a host costs before it is as fast as it gets: its start, which compiles, and its first requests.

use super::host::HostKind;
use crate::table::{aligned, row};

/// A host's start and warm-up.
pub(super) struct Warm {
    pub(super) kind: HostKind,
    /// Processor seconds until it listened.
    pub(super) start_s: f64,
    /// Processor time a request of each batch, in microseconds, until batches are alike.
    pub(super) batches: Vec<f64>,
}

/// Requests of a batch.
pub(super) const BATCH: usize = 1000;

/// Most batches: what has not settled by then does not, and the rows' spread shows it.
const MOST_BATCHES: usize = 20;

/// Batches are alike when this many in a row are within [`ALIKE`] of the least of all.
const IN_A_ROW: usize = 3;
const ALIKE: f64 = 1.1;

impl Warm {
    /// Whether further requests would not become cheaper.
    pub(super) fn has_settled(&self) -> bool {
        let least = self.batches.iter().copied().fold(f64::INFINITY, f64::min);
        let newest = self.batches.iter().rev().take(IN_A_ROW);
        let alike = newest.filter(|us| **us <= least * ALIKE).count();
        alike == IN_A_ROW || self.batches.len() == MOST_BATCHES
    }

    fn cells(&self, batch: usize) -> Vec<String> {
        let total_us: f64 = self.batches.iter().sum();
        let per_batch = f64::from(u32::try_from(batch).unwrap_or(u32::MAX));
        let us = |us: Option<&f64>| us.map_or("-".to_owned(), |us| format!("{us:.0}"));
        vec![
            self.kind.name().to_owned(),
            format!("{:.2}", self.start_s),
            (self.batches.len() * batch).to_string(),
            format!("{:.2}", total_us * per_batch / 1e6),
            us(self.batches.first()),
            us(self.batches.last()),
        ]
    }
}

/// The price of becoming warm, of every host.
pub(super) fn table(all: &[Warm]) -> String {
    let title = ["before it is warm", "start, CPU s", "requests", "CPU s", "first, us", "last, us"];
    let mut rows = vec![row(title)];
    rows.extend(all.iter().map(|warm| warm.cells(warm.kind.share(BATCH))));
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_settled_when_batches_are_alike() {
        let warm = |batches: &[f64]| Warm {
            kind: HostKind::Gateway,
            start_s: 1.0,
            batches: batches.to_vec(),
        };
        for (batches, expected) in [
            (&[][..], false),
            (&[50.0, 50.0], false),
            (&[90.0, 50.0, 54.0, 52.0], true),
            (&[90.0, 80.0, 70.0, 60.0], false),
        ] {
            assert_eq!(warm(batches).has_settled(), expected, "{batches:?}");
        }
        assert!(warm(&[90.0, 10.0].repeat(10)).has_settled(), "there is an end");
    }
}
