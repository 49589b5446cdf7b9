//! A finding for people: what, where, the line itself with the place marked, and what to do.

use super::{Document, Finding, Severity};
use crate::paint::{Colour, Paint};

/// Columns of a source line that are shown: JSON may be one line of thousands.
const WIDEST: usize = 100;

/// A finding, over several lines. The first is `file:line:column: severity: key path: message`, as compilers
/// have it, so that editors find the place.
pub(crate) fn text(document: &Document, finding: &Finding, paint: Paint) -> String {
    let place = finding.place.map(|place| format!(":{}:{}", place.line, place.column));
    let at = document.name().to_owned() + &place.unwrap_or_default();
    let colour = match finding.severity {
        Severity::Error => Colour::Red,
        Severity::Warning => Colour::Yellow,
    };
    let path = finding.key_path();
    let path = if path.is_empty() { path } else { format!("{path}: ") };
    let name = finding.name.map(|name| format!("[{name}]")).unwrap_or_default();
    let severity = paint.text(&format!("{}{name}", finding.severity.name()), colour);
    let mut lines =
        vec![format!("{}: {severity}: {}", paint.bold(&at), plain(&(path + &finding.message)))];
    lines.extend(marked(document, finding, paint, colour));
    lines.extend(finding.help.iter().map(|help| format!("  help: {}", plain(help))));
    lines.join("\n") + "\n"
}

/// The line, and under it a mark.
fn marked(document: &Document, finding: &Finding, paint: Paint, colour: Colour) -> Vec<String> {
    let Some(place) = finding.place else { return Vec::new() };
    let Some(line) = document.line(place.line) else { return Vec::new() };
    let before = place.column.saturating_sub(1);
    // A place far to the right is brought into view.
    let left_out =
        if before > WIDEST / 2 && line.chars().count() > WIDEST { before - WIDEST / 2 } else { 0 };
    let shown: String = line.chars().skip(left_out).take(WIDEST).map(visible).collect();
    let room = shown.chars().count().saturating_sub(before - left_out).max(1);
    let mark = "^".repeat(place.width.clamp(1, room));
    let number = place.line.to_string();
    let gutter = |text: &str| {
        paint.text(&format!("{text:>width$} |", width = number.len() + 2), Colour::Grey)
    };
    vec![
        format!("{} {}{shown}", gutter(&number), if left_out > 0 { "…" } else { "" }),
        format!(
            "{} {}{}",
            gutter(""),
            " ".repeat(before - left_out + usize::from(left_out > 0)),
            paint.text(&mark, colour)
        ),
    ]
}

/// What a terminal would take for an order, or for the end of the line, does not reach it.
fn plain(text: &str) -> String {
    text.chars().map(visible).collect()
}

fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        // Besides controls, what turns the direction of writing (UAX 9).
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    }
}
