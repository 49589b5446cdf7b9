//! A platform team's own cases beside their policy: `linkgate test`.
//!
//! ```text
//!  files ─▶ form, read ─▶ fixture ───────▶ scene ─▶ run ─▶ coverage ─▶ report
//!  (walk)   (mistakes,    (the policy with          (the component,
//!            by place)     throw-away keys)          a thread a core)
//! ```
//!
//! A case has the form of the project's own, and the same runner plays it. What is added: a file names the policy
//! that it is about, most of a case may be left out, and mistakes are reported with their line.
//!
//! What it does not do: fetch keys, read secrets, or ask anybody anything.

mod bench;
mod coverage;
mod defaults;
mod expectation;
mod fields;
mod files;
mod fixture;
mod form;
mod parallel;
mod read;
mod report;
mod run;
mod watch;

pub(crate) use bench::Timed;
pub(crate) use coverage::Coverage;
pub(crate) use defaults::{text, texts};
pub(crate) use files::{Candidate, find, left_out};
pub(crate) use fixture::{Fixture, Policy, pair};
pub(crate) use read::{CaseFile, Read as CaseRead, read as read_cases};
pub(crate) use report::{Parts, github, human, in_shadow, json, junit, shadows};
pub(crate) use run::{Mistakes, Outcome, Player, Ran, Stop, Verdict, gather};
pub(crate) use watch::{InputEnd, Watched};
