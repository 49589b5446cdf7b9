//! Workflow commands of GitHub Actions: what fails, and rules that no case shows, each beside its line.

use super::{Parts, deciding, expected, file_of, found, in_words, is_of_verdict};
use crate::check_report::github::command;
use crate::team::coverage::Rule;
use crate::team::run::{Outcome, Ran, Verdict};

/// A line for each case that fails, for each rule that no case shows and for each policy in shadow: an error where that is
/// denied.
pub(crate) fn text(parts: &Parts<'_>) -> String {
    let Parts { ran, coverage, shadows, .. } = *parts;
    let failed = ran.outcomes.iter().filter(|outcome| !outcome.holds());
    let failed = failed.map(|outcome| failure(ran, outcome));
    let severity_of = |is_denied| if is_denied { "error" } else { "warning" };
    let severity = severity_of(parts.denies_untouched);
    let untouched = coverage
        .iter()
        .flat_map(|one| one.untouched().map(move |rule| untouched(&one.policy, rule, severity)));
    let in_shadow = shadows.iter().map(|shadow| {
        let place = shadow.line.map(|line| (line, 1));
        command(severity_of(parts.denies_shadow), &shadow.policy, place, &in_words(shadow))
    });
    failed.chain(untouched).chain(in_shadow).collect()
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
