//! The report for people: a line for each file, what fails and why, what no case touched, and the sum.

use super::{counts, deciding, expected, found, is_judged_otherwise, is_of_verdict, place};
use crate::columns::aligned;
use crate::document::counted;
use crate::paint::{Colour, Paint};
use crate::team::coverage::Coverage;
use crate::team::run::{Outcome, Played, Ran, Verdict};

/// The report in words, up to the sum. Without `coverage`, nothing is said of it.
pub(crate) fn text(ran: &Ran, coverage: &[Coverage], paint: Paint) -> String {
    let mut lines = files(ran, paint);
    for outcome in ran.outcomes.iter().filter(|outcome| !outcome.holds()) {
        lines.push(String::new());
        lines.extend(failure(ran, outcome, paint));
    }
    for one in coverage {
        lines.push(String::new());
        lines.extend(covered(one, paint));
    }
    lines.push(String::new());
    lines.join("\n") + "\n"
}

fn files(ran: &Ran, paint: Paint) -> Vec<String> {
    let mut marks = Vec::new();
    let mut rows = Vec::new();
    for (index, file) in ran.gathered.files.iter().enumerate() {
        let counts = counts(ran.outcomes.iter().filter(|outcome| outcome.file == index));
        if counts.cases == 0 {
            continue;
        }
        let bad = counts.failed + counts.broken;
        let failing = if bad > 0 { format!(", {}", failing(bad)) } else { String::new() };
        marks.push(mark(bad == 0, paint));
        rows.push([
            file.document.name().to_owned(),
            format!("{}{failing}", counted(counts.cases, "case")),
        ]);
    }
    aligned(rows).into_iter().zip(marks).map(|(row, mark)| format!("{mark} {row}")).collect()
}

fn failing(count: usize) -> String {
    format!("{count} {}", if count == 1 { "fails" } else { "fail" })
}

fn mark(is_good: bool, paint: Paint) -> String {
    if is_good { paint.text("✓", Colour::Green) } else { paint.text("✗", Colour::Red) }
}

fn failure(ran: &Ran, outcome: &Outcome, paint: Paint) -> Vec<String> {
    let place = place(&ran.gathered, outcome);
    let title = paint.bold(&outcome.case.case.title);
    let mut lines = vec![format!("{} {place}: {title}", mark(false, paint))];
    if let Some(why) = &outcome.case.case.why {
        lines.push(fact("why", why, Colour::Grey, paint));
    }
    match &outcome.verdict {
        Verdict::Broken(trouble) => {
            lines.push(format!("    cannot be played: {trouble}"));
        }
        Verdict::Played(played) => {
            lines.extend(verdict(ran, outcome, played, paint));
            lines.extend(differences(played, paint));
        }
    }
    lines
}

/// The two verdicts, and the rules that decide between them.
fn verdict(ran: &Ran, outcome: &Outcome, played: &Played, paint: Paint) -> Vec<String> {
    if !is_judged_otherwise(played) {
        return Vec::new();
    }
    let mut lines = vec![
        fact("expected", &expected(&outcome.case.wanted), Colour::Green, paint),
        fact("found", &found(played), Colour::Red, paint),
    ];
    let rules = deciding(&ran.gathered, outcome, played);
    lines.extend(rules.iter().map(|rule| fact("rule", rule, Colour::Yellow, paint)));
    lines
}

fn fact(name: &str, text: &str, colour: Colour, paint: Paint) -> String {
    format!("    {}{text}", paint.text(&format!("{name:NAME$}"), colour))
}

/// Width of the names of facts, in characters.
const NAME: usize = 10;

/// What else differs.
fn differences(played: &Played, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for difference in played.differences.iter().filter(|one| !is_of_verdict(&one.what)) {
        lines.push(format!("    {}", difference.what));
        for (name, text, colour) in [
            ("expected", &difference.expected, Colour::Green),
            ("found", &difference.found, Colour::Red),
        ] {
            lines.push(format!("  {}", fact(name, text, colour, paint)));
        }
    }
    lines
}

fn covered(coverage: &Coverage, paint: Paint) -> Vec<String> {
    let touched = coverage.rules.iter().filter(|rule| rule.touched).count();
    let seen = coverage.reasons.iter().filter(|(_, seen)| *seen).count();
    let mut lines = vec![format!(
        "{}: {touched} of {} touched, {seen} of {} seen",
        coverage.policy,
        counted(coverage.rules.len(), "rule"),
        counted(coverage.reasons.len(), "reason code"),
    )];
    let rows = coverage.untouched().map(|rule| {
        let line = rule.line.map_or_else(|| "default".to_owned(), |line| format!("line {line}"));
        [format!("  {line}"), rule.key.clone(), rule.shown_by.clone()]
    });
    let rows = aligned(rows);
    if !rows.is_empty() {
        lines.push(format!("  {}", paint.text("no case shows", Colour::Yellow)));
        lines.extend(rows.into_iter().map(|row| format!("  {row}")));
    }
    let unseen = coverage.reasons.iter().filter(|(_, seen)| !seen).map(|(reason, _)| reason.name());
    let unseen: Vec<&str> = unseen.collect();
    if !unseen.is_empty() {
        lines.push(format!("  {}", paint.text("no case ends with", Colour::Yellow)));
        lines.extend(wrapped(&unseen).into_iter().map(|line| format!("    {line}")));
    }
    lines
}

/// Words in lines.
fn wrapped(words: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() + 2 <= WIDEST => {
                line.push_str(", ");
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}

/// Characters of a line of words: a terminal has 80, and this is indented.
const WIDEST: usize = 74;

/// How it ended, in a line.
pub(crate) fn sum(ran: &Ran, paint: Paint) -> String {
    let counts = counts(&ran.outcomes);
    let bad = counts.failed + counts.broken;
    let left_out = match ran.left_out {
        0 => String::new(),
        count => format!(", {count} left out by the filter"),
    };
    let all = counted(counts.cases, "case");
    match bad {
        0 => format!("{all}, {}{left_out}", paint.text("all hold", Colour::Green)),
        bad => format!("{all}, {}{left_out}", paint.text(&failing(bad), Colour::Red)),
    }
}
