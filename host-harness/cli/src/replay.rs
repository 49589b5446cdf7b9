//! A decision log, run against another policy.
//!
//! ```text
//!  line ─▶ record ─▶ trial: the policy, its keys stood in for ─▶ unchanged, changed, or not judgeable
//! ```
//!
//! The core itself decides, by the way of every request. A log has no signatures, so each issuer's keys are
//! stood in for by a secret of this run's own, and the logged claims are signed with it. Nothing is guessed:
//! a line that lacks what the decision needs is counted as not judgeable.

mod head;
pub(crate) mod human;
pub(crate) mod json;
mod record;
mod trial;

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use linkgate_policy::{Cause, Denial, Outcome};

pub(crate) use trial::Trial;

use crate::document::Shadow;
use record::Logged;

/// What came of a log.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) unchanged: u64,
    pub(crate) changes: Vec<Change>,
    /// Lines that nothing can be said of, by why.
    pub(crate) not_judgeable: BTreeMap<Why, u64>,
    /// What the policy does not enforce.
    pub(crate) shadow: Option<Shadow>,
    /// The first line that is no decision record.
    pub(crate) first_foreign: Option<u64>,
}

/// A decision that would be another.
pub(crate) struct Change {
    /// Of the log, from 1.
    pub(crate) line: u64,
    pub(crate) logged: Logged,
    pub(crate) was: Cause,
    pub(crate) would_be: WouldBe,
    /// Rules in shadow that would fail.
    pub(crate) missed: Vec<Denial>,
}

impl Change {
    /// Whether it would be let through, and was not.
    pub(crate) fn opens(&self) -> bool {
        let passes = |cause: Cause| matches!(cause.outcome(), Outcome::Allowed | Outcome::Passed);
        match self.would_be {
            WouldBe::Decided(cause) => passes(cause) && !passes(self.was),
            // Its token may be good.
            WouldBe::Token => !passes(self.was),
        }
    }
}

/// What would be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WouldBe {
    /// This.
    Decided(Cause),
    /// What its token says, and that is not in the log.
    Token,
}

/// Why nothing can be said of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It is no decision record.
    NoRecord,
    /// No token was verified, or its claims were not logged.
    NoClaims,
    /// It did not come to a decision.
    Undecided,
    /// Something in it was too long for the log.
    Cut,
    /// Its path is a hash.
    Hashed,
    /// The decision would need what a log does not have of the head.
    Head,
    /// The decision would need the second token.
    NoSecondary,
    /// How long a token was is not in it, and the policy has a limit.
    Length,
}

impl Why {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::NoRecord => "no line of `linkgate.decision/1`",
            Self::NoClaims => {
                "no claims in it: no token was verified, or `log: { claims: redacted }` was not set"
            }
            Self::Undecided => "the exchange ended before it was decided",
            Self::Cut => "something in it was cut, since it was too long for the log",
            Self::Hashed => "its path was logged as a hash",
            Self::Head => {
                "the decision would need its query or its header lines, which are not in a log"
            }
            Self::NoSecondary => {
                "the decision would need the second token, whose claims are not in it"
            }
            Self::Length => {
                "how long its token was is not in it (a log of an older version), and `max_token_bytes` may refuse it"
            }
        }
    }
}

impl Report {
    /// Runs a log against a policy.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub(crate) fn of(log: impl BufRead, trial: &mut Trial) -> io::Result<Self> {
        Self::between(log, None, trial)
    }

    /// Runs a log against a policy, and where there is one against the policy `before`, whose decision replaces the one
    /// that was made.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub(crate) fn between(
        mut log: impl BufRead,
        mut before: Option<&mut Trial>,
        trial: &mut Trial,
    ) -> io::Result<Self> {
        let (mut report, mut bytes) = (Self::default(), Vec::new());
        for line in 1.. {
            bytes.clear();
            if log.read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            if !bytes.trim_ascii().is_empty() {
                report.take(line, &bytes, before.as_deref_mut(), trial);
            }
        }
        Ok(report)
    }

    fn take(&mut self, line: u64, bytes: &[u8], before: Option<&mut Trial>, trial: &mut Trial) {
        let judged = Logged::read(bytes).and_then(|logged| {
            let logged_as = logged.decided()?;
            let judged = trial.decide(&logged, logged_as)?;
            let before = before.map(|before| before.decide(&logged, logged_as)).transpose()?;
            let was = match before {
                Some((WouldBe::Decided(cause), _)) => cause,
                Some((WouldBe::Token, _)) if judged.0 == WouldBe::Token => {
                    return Err(Why::NoClaims);
                }
                Some((WouldBe::Token, _)) | None => logged_as,
            };
            Ok((logged, was, judged))
        });
        match judged {
            Err(why) => {
                if why == Why::NoRecord {
                    self.first_foreign.get_or_insert(line);
                }
                *self.not_judgeable.entry(why).or_default() += 1;
            }
            Ok((_, was, (WouldBe::Decided(would_be), _))) if was == would_be => self.unchanged += 1,
            Ok((logged, was, (would_be, missed))) => {
                self.changes.push(Change { line, logged, was, would_be, missed });
            }
        }
    }

    /// Whether it was judged at all, and all of it is a decision log.
    pub(crate) fn is_sound(&self) -> bool {
        self.first_foreign.is_none() && (self.unchanged > 0 || !self.changes.is_empty())
    }

    /// Lines that nothing can be said of.
    pub(crate) fn unjudged(&self) -> u64 {
        self.not_judgeable.values().sum()
    }
}
