//! The price list: nanoseconds of each operation and of each step in it.

use std::fmt::Write as _;
use std::time::Instant;

use crate::operation::Operation;

/// Plays of an operation. The median of so many does not move by what else the machine does for a moment.
const PLAYS: usize = 4000;

/// Every operation with its steps, in the order in which they end.
pub(crate) fn list() -> Result<String, String> {
    let clock = clock();
    let mut text = format!("{:<38}{:>10}\n", "operation, and its steps", "ns");
    for operation in Operation::ALL {
        let steps = steps(operation)?;
        let prices: Vec<(String, u128)> =
            steps.into_iter().map(|(name, ns)| (name, median(ns).saturating_sub(clock))).collect();
        let sum: u128 = prices.iter().map(|(_, ns)| ns).sum();
        let _ = writeln!(text, "{:<38}{sum:>10}", operation.name());
        if prices.len() > 1 {
            for (name, ns) in prices {
                let _ = writeln!(text, "  {name:<36}{ns:>10}");
            }
        }
    }
    let _ = writeln!(
        text,
        "medians of {PLAYS}; reading the clock, {clock} ns, is subtracted from each step"
    );
    Ok(text)
}

/// The durations of each step, by its place in the operation.
fn steps(operation: Operation) -> Result<Vec<(String, Vec<u128>)>, String> {
    let (mut policy, inputs) = operation.prepared(PLAYS)?;
    let mut steps: Vec<(String, Vec<u128>)> = Vec::new();
    for input in inputs {
        let (mut nth, mut began) = (0, Instant::now());
        operation.play(&mut policy, input, &mut |name| {
            let ns = began.elapsed().as_nanos();
            match steps.get_mut(nth) {
                Some((_, all)) => all.push(ns),
                None => steps.push((name.to_owned(), vec![ns])),
            }
            nth += 1;
            began = Instant::now();
        })?;
    }
    Ok(steps)
}

/// What reading the clock twice costs: the empty step.
fn clock() -> u128 {
    median((0..PLAYS).map(|_| Instant::now().elapsed().as_nanos()).collect())
}

fn median(mut ns: Vec<u128>) -> u128 {
    ns.sort_unstable();
    ns.get(ns.len() / 2).copied().unwrap_or_default()
}
