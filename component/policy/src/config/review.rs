//! A document looked over, and what is to be said of it.

use std::collections::BTreeSet;

use super::allow;
use super::document::Compiled;
use super::host::{Abilities, Around, Secrets};
use super::notes::{Mistake, Notes, Warning};
use super::section::Entry;
use crate::text::json::{self, NotStrict};
use crate::time::clock::Now;

/// What is to be said of a document, without a policy being made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// What keeps it from being used.
    pub mistakes: Vec<Mistake>,
    /// What is legal but unwise.
    pub warnings: Vec<Warning>,
    /// Warnings that the document accepts by `allow`.
    pub accepted: Vec<Warning>,
    /// The keys that were looked for, whether they stand there or not, as `issuers[].keys.refresh`. A
    /// section that does not stand there was not looked into.
    pub keys: BTreeSet<String>,
}

/// Looks a document (JSON) over: all mistakes in it, and what is unwise, as of this moment.
#[must_use]
pub fn review(document: &str, secrets: &Secrets, host: Abilities, now: Now) -> Review {
    look(document, &Around { secrets, host, seed: 0, now }, Notes::with_keys()).1
}

/// Compiles a document.
pub(crate) fn compile(
    document: &str,
    secrets: &Secrets,
    host: Abilities,
    seed: u64,
    now: Now,
) -> Result<Compiled, Vec<Mistake>> {
    let (compiled, review) = look(document, &Around { secrets, host, seed, now }, Notes::default());
    compiled.filter(|_| review.mistakes.is_empty()).ok_or(review.mistakes)
}

fn look(document: &str, around: &Around<'_>, notes: Notes) -> (Option<Compiled>, Review) {
    let parsed = json::parse(document.as_bytes());
    let compiled = match &parsed {
        Ok(whole) => Entry::whole(whole, &notes)
            .section()
            .map(|section| crate::config::document::read(section, around)),
        Err(flaw) => {
            notes.mistake("", said(*flaw).to_owned(), None);
            None
        }
    };
    let (mistakes, warnings, keys) = notes.into_parts();
    let (accepted, warnings) = match &parsed {
        Ok(whole) => allow::parted(whole, warnings),
        Err(_) => (Vec::new(), warnings),
    };
    (compiled, Review { mistakes, warnings, accepted, keys })
}

fn said(flaw: NotStrict) -> &'static str {
    match flaw {
        NotStrict::Malformed => "expected JSON, found something else",
        NotStrict::Duplicate => "expected every key once, found one twice in the same object",
        NotStrict::TooDeep => json::TOO_DEEP,
    }
}
