//! What a change of a policy does: in words, and by requests that are decided under both.
//!
//! ```text
//!  old, new ─┬─▶ words: the keys that differ
//!            └─▶ team: one set of keys for both ─▶ generate (and cases, a log) ─▶ tried ─▶ what newly passes, is refused, differs
//! ```
//!
//! The core decides; nothing here does. What is generated comes from the rules of both policies, each in its limits and
//! one step off. What no request can show is named: [`known`].
//!
//! What it does not do: prove that two policies are the same.

mod generate;
pub(crate) mod human;
pub(crate) mod json;
mod known;
mod tried;
mod words;

pub(crate) use tried::{Difference, Kind, Pair, Tally};
pub(crate) use words::{Change, changes};

use known::Shown;

use crate::document::Document;
use crate::replay;

/// What is reported of two policies.
pub(crate) struct Report {
    pub(crate) words: Vec<Change>,
    pub(crate) tally: Tally,
    /// Over a log, where there is one.
    pub(crate) log: Option<replay::Report>,
}

impl Report {
    /// Whether something is let through that was not.
    pub(crate) fn opens(&self) -> bool {
        let by_log = || self.log.iter().flat_map(|log| &log.changes).any(replay::Change::opens);
        self.tally.differences.iter().any(|one| one.kind == Kind::Opened) || by_log()
    }

    /// Whether a decision is another, or may be.
    pub(crate) fn differs(&self) -> bool {
        let by_log = || self.log.iter().any(|log| !log.changes.is_empty());
        !self.tally.differences.is_empty() || self.untried().next().is_some() || by_log()
    }

    /// Changes that decide something that no request here can show.
    pub(crate) fn untried(&self) -> impl Iterator<Item = &Change> {
        self.words.iter().filter(|change| Shown::of(&change.key) == Shown::InWords)
    }
}

/// A shadow that begins or ends: it opens or closes everything.
pub(crate) fn shadow(old: &Document, new: &Document) -> Option<Difference> {
    let until = |document: &Document| document.shadow().and_then(|shadow| shadow.until);
    let (was, is) = (until(old), until(new));
    let text = |until: &Option<String>| match until {
        Some(until) => format!("passed, whatever is decided, until {until}"),
        None => "as the policy decides".to_owned(),
    };
    let kind = match (&was, &is) {
        (None, Some(_)) => Kind::Opened,
        (Some(_), None) => Kind::Refused,
        (Some(was), Some(is)) if was != is => Kind::Changed,
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(Difference {
        kind,
        rule: "shadow".to_owned(),
        example: "every request".to_owned(),
        request: String::new(),
        was: text(&was),
        would_be: text(&is),
        count: 1,
    })
}
