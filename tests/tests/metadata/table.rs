//! The rows of the failure table (docs/metadata.md), and how many exchanges came to each.

use std::collections::BTreeMap;
use std::fmt;

use crate::ledger::Excuse;

/// What was met on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    Merged,
    ReadFailed,
    WriteFailed,
    LimitedBefore,
    WaitedOut,
    PrimaryGone,
    SecondaryLinked,
    SecondaryGone,
    WriteUnknown,
    RefusedKept,
    Unconfirmed,
    NotDone,
    AskedLinked,
    AskedNot,
    UnknownLinked,
    UnknownNot,
    Applied,
    ClientLeft,
    Died,
    Busy,
    Refused,
    Changing,
}

impl Row {
    pub(crate) const ALL: [Self; 22] = [
        Self::Merged,
        Self::ReadFailed,
        Self::WriteFailed,
        Self::LimitedBefore,
        Self::WaitedOut,
        Self::PrimaryGone,
        Self::SecondaryLinked,
        Self::SecondaryGone,
        Self::WriteUnknown,
        Self::RefusedKept,
        Self::Unconfirmed,
        Self::NotDone,
        Self::AskedLinked,
        Self::AskedNot,
        Self::UnknownLinked,
        Self::UnknownNot,
        Self::Applied,
        Self::ClientLeft,
        Self::Died,
        Self::Busy,
        Self::Refused,
        Self::Changing,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Merged => "nothing fails: linked",
            Self::ReadFailed => "a read fails: no link",
            Self::WriteFailed => "the write surely fails: no link",
            Self::LimitedBefore => "429 for too long before the link: passed on",
            Self::WaitedOut => "429 before the link: waited out",
            Self::PrimaryGone => "the primary is not there: 409",
            Self::SecondaryLinked => "the secondary is linked already: 201, nothing sent",
            Self::SecondaryGone => "the secondary is not there, nor linked",
            Self::WriteUnknown => "the write's outcome is unknown: 504, no link",
            Self::RefusedKept => "the link is refused: kept",
            Self::Unconfirmed => "201, and the primary does not list it: 504",
            Self::NotDone => "the link was not sent, or 429: kept",
            Self::AskedLinked => "404 or 409, asked: linked, 201",
            Self::AskedNot => "404 or 409, asked: not linked, relayed",
            Self::UnknownLinked => "the link's outcome is unknown, asked: linked, 201",
            Self::UnknownNot => "the link's outcome is unknown, asked: 504",
            Self::Applied => "what was staged is applied",
            Self::ClientLeft => "the client goes away after a write: seen through",
            Self::Died => "the process dies",
            Self::Busy => "the accounts are held by others: 503",
            Self::Refused => "`refuse` meets a conflict: 409",
            Self::Changing => "the secondary keeps changing: 409",
        }
    }
}

/// Counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<Row, u64>,
    /// Histories that were walked to their end.
    pub(crate) walked: u64,
    /// Histories they stand for: a retry from a state that was met before is not walked again.
    pub(crate) stood_for: u64,
    /// Histories with a value that somebody wrote between a read and a write of ours.
    pub(crate) unavoidable: u64,
    /// The same, by what was unavoidable.
    pub(crate) excused: BTreeMap<Excuse, u64>,
    /// Exchanges that ran.
    pub(crate) exchanges: u64,
    /// Exchanges in which the core was told something new, and was run.
    pub(crate) runs: u64,
}

impl Table {
    pub(crate) fn count(&mut self, row: Row) {
        *self.rows.entry(row).or_default() += 1;
    }

    pub(crate) fn reached(&self, row: Row) -> u64 {
        self.rows.get(&row).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (row, count) in &other.rows {
            *self.rows.entry(*row).or_default() += count;
        }
        self.walked += other.walked;
        self.stood_for += other.stood_for;
        self.unavoidable += other.unavoidable;
        for (excuse, count) in &other.excused {
            *self.excused.entry(*excuse).or_default() += count;
        }
        self.exchanges += other.exchanges;
        self.runs += other.runs;
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>10} histories walked to their end", self.walked)?;
        writeln!(f, "{:>10} histories they stand for", self.stood_for)?;
        writeln!(f, "{:>10} with an unavoidable edit", self.unavoidable)?;
        for excuse in Excuse::ALL {
            let count = self.excused.get(&excuse).copied().unwrap_or(0);
            let share = 1000 * count / self.walked.max(1);
            writeln!(f, "{count:>10} ({}.{} %) {}", share / 10, share % 10, excuse.name())?;
        }
        writeln!(f, "{:>10} exchanges", self.exchanges)?;
        writeln!(f, "{:>10} in which the core was told something new", self.runs)?;
        Row::ALL.iter().try_for_each(|row| writeln!(f, "{:>10} {}", self.reached(*row), row.name()))
    }
}
