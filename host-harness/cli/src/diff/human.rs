//! The report for people.

use super::{Difference, Kind, Report};
use crate::columns::aligned;
use crate::document::counted;
use crate::paint::{Colour, Paint};
use crate::replay;

pub(crate) fn text(report: &Report, paint: Paint) -> String {
    let mut lines = Vec::new();
    if report.words.is_empty() {
        lines.push("the two policies say the same".to_owned());
    }
    let words = report.words.iter().map(|change| [change.place.clone(), change.text.clone()]);
    lines.extend(aligned(words));
    for (kind, heading, mark, colour) in [
        (Kind::Opened, "newly passes", '+', Colour::Green),
        (Kind::Refused, "newly refused", '-', Colour::Red),
        (Kind::Changed, "decided otherwise", '~', Colour::Yellow),
    ] {
        let of_kind = report.tally.differences.iter().filter(|one| one.kind == kind);
        let rows: Vec<&Difference> = of_kind.collect();
        if rows.is_empty() {
            continue;
        }
        lines.extend([String::new(), paint.bold(heading)]);
        for one in rows {
            lines.push(paint.text(&format!("{mark} {}", row(one)), colour));
            if !one.request.is_empty() {
                lines.push(paint.text(&format!("    {}", one.request), Colour::Grey));
            }
        }
    }
    lines.extend(untried(report));
    lines.extend([String::new(), sum(report)]);
    if let Some(log) = &report.log {
        lines.extend([String::new(), replay::human::text(log, paint).trim_end().to_owned()]);
    }
    lines.join("\n") + "\n"
}

fn row(one: &Difference) -> String {
    let more = if one.count > 1 { format!("  ({} such)", one.count) } else { String::new() };
    format!("{}: {} → {}{more}", one.example, one.was, one.would_be)
}

/// What a request of this run cannot show.
fn untried(report: &Report) -> Vec<String> {
    let places: Vec<&str> = report.untried().map(|change| change.place.as_str()).collect();
    if places.is_empty() {
        return Vec::new();
    }
    vec![String::new(), format!("not tried, since no request here shows it: {}", places.join(", "))]
}

fn sum(report: &Report) -> String {
    let tally = &report.tally;
    let mut tried = vec![counted(tally.generated, "generated request")];
    if tally.cases > 0 {
        tried.push(counted(tally.cases, "case"));
    }
    let different: usize = tally.differences.iter().map(|one| one.count).sum();
    let verdict = match different {
        0 => "none is decided otherwise".to_owned(),
        count => format!("{count} decided otherwise"),
    };
    format!("{}: {verdict}", tried.join(" and "))
}
