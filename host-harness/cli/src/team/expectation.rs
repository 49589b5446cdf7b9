//! What a case expects, in a word or in full.
//!
//! A word is an outcome (`allowed`), a reason code (`link-with-too-old`) or a cause (`secondary-expired`). What
//! follows from it is expected, too: the outcome from the reason, the reason from the cause.

use linkgate_policy::{Cause, Reason, nearest};

/// The verdict that a case expects; what is absent is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expectation {
    pub(crate) outcome: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) cause: Option<String>,
}

/// What a request may come to.
const OUTCOMES: [&str; 4] = ["allowed", "passed", "denied", "failed"];

impl Expectation {
    /// What a word expects.
    pub(super) fn of_word(word: &str) -> Result<Self, (String, Option<String>)> {
        if OUTCOMES.contains(&word) {
            return Ok(Self { outcome: Some(word.to_owned()), ..Self::default() });
        }
        Self::of_reason(word)
            .or_else(|_| Self::of_cause(word))
            .map_err(|_| unknown("an outcome, a reason code or a cause", word, &words()))
    }

    /// What three words expect together.
    pub(super) fn of_parts(
        outcome: Option<&str>,
        reason: Option<&str>,
        cause: Option<&str>,
    ) -> Result<Self, (&'static str, String, Option<String>)> {
        let at = |key: &'static str| move |(text, help)| (key, text, help);
        let by_outcome = outcome.map(Self::of_outcome).transpose().map_err(at("outcome"))?;
        let by_reason = reason.map(Self::of_reason).transpose().map_err(at("reason"))?;
        let by_cause = cause.map(Self::of_cause).transpose().map_err(at("cause"))?;
        let mut whole = Self::default();
        for (key, part) in [("outcome", by_outcome), ("reason", by_reason), ("cause", by_cause)] {
            let Some(part) = part else { continue };
            whole = whole.and(part).map_err(|text| (key, text, None))?;
        }
        Ok(whole)
    }

    fn of_outcome(word: &str) -> Result<Self, (String, Option<String>)> {
        if OUTCOMES.contains(&word) {
            return Ok(Self { outcome: Some(word.to_owned()), ..Self::default() });
        }
        Err(unknown("an outcome", word, &OUTCOMES.map(str::to_owned)))
    }

    fn of_reason(word: &str) -> Result<Self, (String, Option<String>)> {
        let cause = Cause::all().find(|cause| cause.reason_code() == word);
        let cause = cause.ok_or_else(|| unknown("a reason code", word, &words()))?;
        let outcome = Some(cause.outcome().name().to_owned());
        Ok(Self { outcome, reason: Some(word.to_owned()), cause: None })
    }

    fn of_cause(word: &str) -> Result<Self, (String, Option<String>)> {
        let cause = Cause::all().find(|cause| cause.name() == word);
        let cause = cause.ok_or_else(|| unknown("a cause", word, &words()))?;
        let whole = Self::of_reason(cause.reason_code())?;
        Ok(Self { cause: Some(word.to_owned()), ..whole })
    }

    /// Both together, where they agree.
    fn and(self, other: Self) -> Result<Self, String> {
        fn one(mine: Option<String>, other: Option<String>) -> Result<Option<String>, String> {
            match (mine, other) {
                (Some(mine), Some(other)) if mine != other => {
                    Err(format!("expected what goes with `{mine}`, found what goes with `{other}`"))
                }
                (mine, other) => Ok(other.or(mine)),
            }
        }
        Ok(Self {
            outcome: one(self.outcome, other.outcome)?,
            reason: one(self.reason, other.reason)?,
            cause: one(self.cause, other.cause)?,
        })
    }

    /// Whether nothing may go to the upstream: it is denied, or fails before anything was sent.
    pub(super) fn is_refusal(&self) -> bool {
        self.outcome.as_deref() == Some("denied")
    }
}

fn words() -> Vec<String> {
    let reasons = Reason::ALL.iter().map(|reason| reason.name().to_owned());
    let causes = Cause::all().map(Cause::name);
    OUTCOMES.map(str::to_owned).into_iter().chain(reasons).chain(causes).collect()
}

fn unknown(expected: &str, found: &str, words: &[String]) -> (String, Option<String>) {
    let help = nearest(found, words.iter().map(String::as_str)).map_or_else(
        || "`linkgate reason` lists the reason codes, docs/denials.md the causes".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    (format!("expected {expected}, found `{found}`"), Some(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_follows_from_it() {
        let parts = |word: &str| {
            let Expectation { outcome, reason, cause } = Expectation::of_word(word).unwrap();
            [outcome, reason, cause].map(Option::unwrap_or_default).join(" ")
        };
        for (word, expected) in [
            ("allowed", "allowed  "),
            ("passed", "passed  "),
            ("granted", "allowed granted "),
            ("subject-mismatch", "denied subject-mismatch "),
            ("secondary-email", "denied link-with-email-unverified secondary-email"),
            ("upstream-unknown", "failed upstream-outcome-unknown upstream-unknown"),
        ] {
            assert_eq!(parts(word), expected, "{word}");
        }
        let (text, help) = Expectation::of_word("subjectmismatch").unwrap_err();
        assert!(text.contains("found `subjectmismatch`"), "{text}");
        assert_eq!(help.as_deref(), Some("did you mean `subject-mismatch`?"));
    }

    #[test]
    fn parts_that_do_not_go_together_are_a_mistake() {
        assert!(Expectation::of_parts(Some("denied"), None, Some("bearer-expired")).is_ok());
        for (outcome, reason, cause) in [
            (Some("allowed"), None, Some("bearer-expired")),
            (None, Some("subject-mismatch"), Some("bearer-expired")),
            (Some("refused"), None, None),
        ] {
            assert!(
                Expectation::of_parts(outcome, reason, cause).is_err(),
                "{outcome:?} {reason:?}"
            );
        }
    }
}
