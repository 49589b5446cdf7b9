//! What a round of requests cost, and what several of them say together.

use std::time::Duration;

use crate::quantile::Durations;

/// What one round measured.
pub(crate) struct Round {
    /// Processor time a request, in microseconds.
    pub(crate) us: f64,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) answers: Durations,
}

impl Round {
    pub(crate) fn of(used: Duration, took: Duration, answers: Durations) -> Self {
        let count = f64::from(u32::try_from(answers.count().max(1)).unwrap_or(u32::MAX));
        Self { us: used.as_secs_f64() * 1e6 / count, rate: count / took.as_secs_f64(), answers }
    }
}

/// The median, the least and the most.
pub(crate) fn spread(values: Vec<f64>) -> Option<(f64, f64, f64)> {
    let sorted = sorted(values);
    Some((median(&sorted)?, *sorted.first()?, *sorted.last()?))
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Of an even number, the upper of the two in the middle.
pub(crate) fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}
