//! The report for people: a row for each decision that changes, and counts.

use linkgate_policy::{Cause, Outcome};

use super::{Change, Report, WouldBe};
use crate::columns::{aligned, cut};
use crate::paint::{Colour, Paint};

/// Widest cell of a path or a subject, in characters.
const TEXT: usize = 48;

pub(crate) fn text(report: &Report, paint: Paint) -> String {
    let mut lines = Vec::new();
    if !report.changes.is_empty() {
        let names = ["time", "route", "subject", "path", "was", "would be"].map(str::to_owned);
        let rows = aligned([names].into_iter().chain(report.changes.iter().map(cells)));
        let (names, rows) = rows.split_first().map_or(("", &[][..]), |(names, rows)| (names, rows));
        lines.push(paint.text(&format!("  {names}"), Colour::Grey));
        lines.extend(report.changes.iter().zip(rows).map(|(change, row)| {
            let (mark, colour) = mark(change);
            paint.text(&format!("{mark} {row}"), colour)
        }));
        lines.push(String::new());
    }
    lines.extend(counts(report));
    if let Some(shadow) = &report.shadow {
        let whole = shadow.until.as_ref().map(|until| {
            format!("in shadow until {until}: nothing is enforced, every request passes")
        });
        let texts = whole.into_iter().chain(shadow.of_rules());
        lines.extend(texts.map(|text| paint.text(&text, Colour::Yellow)));
    }
    lines.join("\n") + "\n"
}

fn cells(change: &Change) -> [String; 6] {
    let logged = &change.logged;
    let subject = logged.line.subject.as_deref().unwrap_or("-");
    let would_be = match change.would_be {
        WouldBe::Decided(cause) => said(cause),
        WouldBe::Token => "judged by its token".to_owned(),
    };
    let would_be = change
        .missed
        .iter()
        .fold(would_be, |said, denial| said + ", in shadow: " + &Cause::Denied(*denial).name());
    [
        logged.line.time.to_string(),
        printable(&logged.line.route),
        cut(&printable(subject), TEXT),
        cut(&printable(&logged.line.path), TEXT),
        said(change.was),
        would_be,
    ]
}

/// A gate escapes what it logs; another writer of the log may not.
fn printable(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') { c } else { '\u{fffd}' }).collect()
}

fn said(cause: Cause) -> String {
    let outcome = cause.outcome();
    if outcome == Outcome::Allowed || cause == Cause::Passed {
        return outcome.name().to_owned();
    }
    format!("{}, {}", outcome.name(), cause.name())
}

/// Newly let through, newly refused, refused for another cause, or judged by a token.
fn mark(change: &Change) -> (char, Colour) {
    let WouldBe::Decided(would_be) = change.would_be else { return ('?', Colour::Yellow) };
    let was_let_through = matches!(change.was.outcome(), Outcome::Allowed | Outcome::Passed);
    match would_be.outcome() {
        Outcome::Allowed | Outcome::Passed => ('+', Colour::Green),
        Outcome::Denied | Outcome::Failed if was_let_through => ('-', Colour::Red),
        Outcome::Denied | Outcome::Failed => ('~', Colour::Yellow),
    }
}

/// The mark, and whether it would be passed on unjudged.
fn kind(change: &Change) -> (char, bool) {
    (mark(change).0, change.would_be == WouldBe::Decided(Cause::Passed))
}

fn counts(report: &Report) -> Vec<String> {
    let mut lines = vec![
        format!("unchanged      {}", report.unchanged),
        format!("changed        {}", report.changes.len()),
    ];
    for (wanted, what) in [
        (('-', false), "would be refused"),
        (('+', false), "would be allowed"),
        (('+', true), "would be passed on, without a token"),
        (('~', false), "would be refused for another cause"),
        (('?', false), "would be judged by the token, which is not in the log"),
    ] {
        let count = report.changes.iter().filter(|change| kind(change) == wanted).count();
        if count > 0 {
            lines.push(format!("  {count} × {what}"));
        }
    }
    lines.push(format!("not judgeable  {}", report.unjudged()));
    lines.extend(
        report.not_judgeable.iter().map(|(why, count)| format!("  {count} × {}", why.text())),
    );
    lines.extend(report.first_foreign.map(|line| {
        format!("line {line} is no decision: is this the decision log, whole and alone?")
    }));
    lines
}
