//! How fast cases are decided here: rounds of the same cases on the component, warm.

use std::time::{Duration, Instant};

use linkgate_cases::{Evaluator, Scene, Trouble, run};

/// A file of cases, timed.
pub(crate) struct Timed {
    /// The file.
    pub(crate) name: String,
    pub(crate) cases: usize,
    /// Decisions a second, in each round, the slowest first.
    pub(crate) rates: Vec<f64>,
}

impl Timed {
    /// The median of the rounds.
    pub(crate) fn median(&self) -> f64 {
        self.rates.get(self.rates.len() / 2).copied().unwrap_or_default()
    }

    /// The slowest and the fastest round.
    pub(crate) fn ends(&self) -> (f64, f64) {
        let of = |rate: Option<&f64>| rate.copied().unwrap_or_default();
        (of(self.rates.first()), of(self.rates.last()))
    }
}

/// Times the scenes of a file. What compiles, and what is kept of verified bearers, was there before the first round.
pub(super) fn timed(
    evaluator: &mut Evaluator,
    name: String,
    scenes: &[&Scene],
    rounds: usize,
) -> Result<Timed, Trouble> {
    pass(evaluator, scenes)?;
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let (begun, mut decided) = (Instant::now(), 0_u32);
        while begun.elapsed() < ROUND {
            pass(evaluator, scenes)?;
            decided = decided.saturating_add(u32::try_from(scenes.len()).unwrap_or(u32::MAX));
        }
        rates.push(f64::from(decided) / begun.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(Timed { name, cases: scenes.len(), rates })
}

/// Long enough for hundreds of decisions on a slow machine; raised, five rounds take long.
const ROUND: Duration = Duration::from_millis(300);

fn pass(evaluator: &mut Evaluator, scenes: &[&Scene]) -> Result<(), Trouble> {
    scenes.iter().try_for_each(|scene| run(evaluator, scene).map(drop))
}
