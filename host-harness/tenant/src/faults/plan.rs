//! The plan: for each request, what happens to it. No I/O, no clock.

use crate::route::Operation;

use super::dice::Dice;
use super::fault::Fault;
use super::rule::{FaultRule, When};

/// The rules, and how far each has counted.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    last_id: u64,
    rules: Vec<Armed>,
}

/// A fault that hits a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fired {
    /// The rule it comes from.
    pub(crate) id: u64,
    pub(crate) fault: Fault,
}

/// A rule of the plan and how often it came to bear.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultCount {
    /// The rule's number. Numbers are not used again.
    pub id: u64,
    /// The rule.
    pub rule: FaultRule,
    /// Requests of its operation since it was added.
    pub seen: u64,
    /// Requests it hit. A hit counts even when the fault of an earlier rule left nothing for it to do.
    pub fired: u64,
}

impl FaultPlan {
    /// Adds a rule after the others and gives its number.
    pub(crate) fn add(&mut self, rule: FaultRule) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        let seed = match rule.when {
            When::Random { seed, .. } => seed,
            When::Every | When::Nth(_) => 0,
        };
        let count = FaultCount { id: self.last_id, rule, seen: 0, fired: 0 };
        self.rules.push(Armed { count, dice: Dice::new(seed) });
        self.last_id
    }

    /// Counts a request for `operation`, and says which faults hit it, in the order in which they were added.
    pub(crate) fn decide(&mut self, operation: Operation) -> Vec<Fired> {
        self.rules
            .iter_mut()
            .filter(|armed| armed.count.rule.operation == operation)
            .filter_map(Armed::decide)
            .collect()
    }

    /// Drops every rule and says how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.rules).len()
    }

    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        self.rules.iter().map(|armed| armed.count.clone()).collect()
    }
}

#[derive(Debug)]
struct Armed {
    count: FaultCount,
    dice: Dice,
}

impl Armed {
    fn decide(&mut self) -> Option<Fired> {
        let count = &mut self.count;
        count.seen = count.seen.saturating_add(1);
        let hit = match count.rule.when {
            When::Every => true,
            When::Nth(nth) => count.seen == nth,
            When::Random { probability, .. } => self.dice.hits(probability),
        };
        if !hit || count.rule.times.is_some_and(|times| count.fired >= times) {
            return None;
        }
        count.fired = count.fired.saturating_add(1);
        Some(Fired { id: count.id, fault: count.rule.fault.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Point;
    use super::*;

    const LOST: Fault = Fault::Reset { at: Point::AfterEffect };

    /// Which of `requests` requests for a link one rule hits, counted from 1.
    fn hits(rule: FaultRule, requests: u64) -> Vec<u64> {
        let mut plan = FaultPlan::default();
        plan.add(rule);
        (1..=requests).filter(|_| !plan.decide(Operation::Link).is_empty()).collect()
    }

    #[test]
    fn occurrences_are_counted_from_one() {
        let rule = || FaultRule::new(Operation::Link, LOST);
        let rows = [
            ("every", rule(), vec![1, 2, 3, 4]),
            ("twice", rule().times(2), vec![1, 2]),
            ("never", rule().times(0), vec![]),
            ("the first", rule().on_occurrence(1), vec![1]),
            ("the third", rule().on_occurrence(3), vec![3]),
            ("there is no 0th", rule().on_occurrence(0), vec![]),
            ("certain", rule().with_probability(1.0, 1), vec![1, 2, 3, 4]),
            ("certain, once", rule().with_probability(1.0, 1).times(1), vec![1]),
            ("impossible", rule().with_probability(0.0, 1), vec![]),
            ("another operation", FaultRule::new(Operation::Unlink, LOST), vec![]),
        ];
        for (name, rule, expected) in rows {
            assert_eq!(hits(rule, 4), expected, "{name}");
        }
    }

    #[test]
    fn a_seed_decides_which_ones_are_hit() {
        let with = |seed| FaultRule::new(Operation::Link, LOST).with_probability(0.25, seed);
        assert_eq!(hits(with(7), 400), hits(with(7), 400));
        assert_ne!(hits(with(7), 400), hits(with(8), 400));
        assert_eq!(hits(with(7).times(3), 400), hits(with(7), 400)[..3], "`times` only ends it");
    }

    #[test]
    fn each_rule_counts_for_itself_from_when_it_was_added() {
        let mut plan = FaultPlan::default();
        let second = plan.add(FaultRule::new(Operation::Link, LOST).on_occurrence(2));
        assert_eq!(plan.decide(Operation::Link), []);
        plan.decide(Operation::Jwks);
        let first = plan.add(FaultRule::new(Operation::Link, LOST).on_occurrence(1));
        let fired: Vec<u64> = plan.decide(Operation::Link).iter().map(|fired| fired.id).collect();
        assert_eq!(fired, [second, first], "both hit, in the order in which they were added");
        let counts: Vec<_> = plan.counts().iter().map(|rule| (rule.seen, rule.fired)).collect();
        assert_eq!(counts, [(2, 1), (1, 1)]);
        assert_eq!((plan.clear(), plan.counts().len()), (2, 0));
        assert_eq!(plan.add(FaultRule::new(Operation::Link, LOST)), 3, "numbers do not come back");
    }
}
