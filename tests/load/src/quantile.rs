//! Durations, in order.

use std::time::Duration;

/// How long things took, in microseconds: 4 bytes each, so that a long run can keep all of them.
#[derive(Clone, Default)]
pub(crate) struct Durations {
    us: Vec<u32>,
    sorted: bool,
}

impl Durations {
    pub(crate) fn add(&mut self, took: Duration) {
        self.us.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        self.sorted = false;
    }

    pub(crate) fn extend(&mut self, others: &Self) {
        self.us.extend(&others.us);
        self.sorted = false;
    }

    pub(crate) fn count(&self) -> usize {
        self.us.len()
    }

    /// The duration that `permille` of all do not exceed, in milliseconds; nothing of nothing.
    pub(crate) fn ms(&mut self, permille: usize) -> Option<f64> {
        if !self.sorted {
            self.us.sort_unstable();
            self.sorted = true;
        }
        let at = (self.us.len() * permille).div_ceil(1000).saturating_sub(1);
        self.us.get(at).map(|us| f64::from(*us) / 1000.0)
    }

    /// The same as text: `1.2 ms`.
    pub(crate) fn text(&mut self, permille: usize) -> String {
        self.ms(permille).map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_is_the_nearest_from_above() {
        let mut durations = Durations::default();
        assert_eq!(durations.ms(500), None, "nothing of nothing");
        for ms in (1..=100).rev() {
            durations.add(Duration::from_millis(ms));
        }
        for (permille, expected) in
            [(10, 1.0), (500, 50.0), (990, 99.0), (999, 100.0), (1000, 100.0)]
        {
            assert_eq!(durations.ms(permille), Some(expected), "{permille} permille");
        }
    }
}
