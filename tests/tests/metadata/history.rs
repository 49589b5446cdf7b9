//! A history: the choices that make it, what happened, and what was wrong with it.

use std::fmt;

use crate::edit::Edit;
use crate::ending::Ending;
use crate::place::Place;

/// Where a history can go on in several ways. The first is the one with nothing unusual in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Point<'a> {
    /// The accounts are to be had, are held by others, or the gateway dies.
    Acquire,
    /// Before a request: it goes on, a late effect comes, another gateway takes its next step, or
    /// somebody does something.
    Meanwhile { late: usize, others: usize, edits: &'a [Edit] },
    /// A request is answered, or ends in another way.
    Ending(&'static [Ending]),
}

impl Point<'_> {
    pub(crate) fn ways(self) -> usize {
        match self {
            Self::Acquire => 3,
            Self::Meanwhile { late, others, edits } => 1 + late + others + edits.len(),
            Self::Ending(faults) => 1 + faults.len(),
        }
    }
}

/// Makes the choices of a history, one after the other.
pub(crate) trait Choices {
    fn choose(&mut self, point: Point<'_>) -> usize;

    /// Whether [`Self::goes_on`] is to be asked here. What a state is takes long to work out.
    fn is_new(&self) -> bool {
        false
    }

    /// Before a request: whether a history in this state has to be followed further. The number stands
    /// for all that tells it from others.
    fn goes_on(&mut self, _state: u128) -> bool {
        true
    }
}

/// Choices by number; after them, nothing unusual.
pub(crate) struct Numbers<'a>(pub(crate) std::slice::Iter<'a, usize>);

impl Choices for Numbers<'_> {
    fn choose(&mut self, point: Point<'_>) -> usize {
        self.0.next().copied().unwrap_or(0) % point.ways()
    }
}

/// An invariant that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn of(invariant: &'static str, what: impl fmt::Display) -> Self {
        Self { invariant, what: what.to_string() }
    }

    /// No violation: everything that can follow was walked before.
    pub(crate) const KNOWN: &'static str = "known";

    /// What was found is put into words only where it was wrong: most often it is not.
    pub(crate) fn unless(
        fine: bool,
        invariant: &'static str,
        what: impl fmt::Display,
    ) -> Result<(), Violation> {
        if fine { Ok(()) } else { Err(Self::of(invariant, what)) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}; found: {}", self.invariant, self.what)
    }
}

/// What happened, for people to read. Nothing is written unless it is asked for: most histories are
/// as they should be.
#[derive(Default)]
pub(crate) struct Story {
    lines: Option<Vec<String>>,
    accounts: String,
}

impl Story {
    pub(crate) fn told() -> Self {
        Self { lines: Some(Vec::new()), accounts: String::new() }
    }

    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    /// The accounts, if they are not as they were.
    pub(crate) fn accounts(&mut self, place: &Place) {
        let Some(lines) = &mut self.lines else { return };
        if place.text != self.accounts {
            lines.extend(place.text.lines().map(|line| format!("        {line}")));
            self.accounts.clone_from(&place.text);
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().flatten().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
