//! Workflow commands of GitHub Actions: what fails, and rules that no case shows, each beside its line.

use super::{deciding, expected, file_of, found, is_of_verdict};
use crate::check_report::github::command;
use crate::team::coverage::{Coverage, Rule};
use crate::team::run::{Outcome, Ran, Verdict};

/// A line for each case that fails, and for each rule that no case shows: an error where that `is_denied`.
pub(crate) fn text(ran: &Ran, coverage: &[Coverage], is_denied: bool) -> String {
    let failed = ran.outcomes.iter().filter(|outcome| !outcome.holds());
    let failed = failed.map(|outcome| failure(ran, outcome));
    let severity = if is_denied { "error" } else { "warning" };
    let untouched = coverage
        .iter()
        .flat_map(|one| one.untouched().map(move |rule| untouched(&one.policy, rule, severity)));
    failed.chain(untouched).collect()
}

fn failure(ran: &Ran, outcome: &Outcome) -> String {
    let mut lines = vec![outcome.case.case.title.clone()];
    match &outcome.verdict {
        Verdict::Broken(trouble) => lines.push(format!("cannot be played: {trouble}")),
        Verdict::Played(played) => {
            lines.push(format!("expected {}", expected(&outcome.case.wanted)));
            lines.push(format!("found {}", found(played)));
            let rules = deciding(&ran.gathered, outcome, played);
            lines.extend(rules.into_iter().map(|rule| format!("rule {rule}")));
            let others = played.differences.iter().filter(|one| !is_of_verdict(&one.what));
            lines.extend(others.map(ToString::to_string));
        }
    }
    let file = file_of(&ran.gathered, outcome);
    command("error", &file, outcome.case.line.map(|line| (line, 1)), &lines.join("\n"))
}

fn untouched(policy: &str, rule: &Rule, severity: &str) -> String {
    let text = format!("{}: no case shows it: {}", rule.key, rule.shown_by);
    command(severity, policy, rule.line.map(|line| (line, 1)), &text)
}
