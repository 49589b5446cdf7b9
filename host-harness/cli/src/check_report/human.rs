//! The report for people.

use super::Checked;
use crate::document::{Finding, counted, human};
use crate::paint::{Colour, Paint};

/// Every finding, a line for each warning that is accepted, and one for each file at the end.
pub(crate) fn text(checked: &[Checked], paint: Paint) -> String {
    let findings = checked.iter().flat_map(|one| {
        one.findings.iter().map(move |finding| human(&one.document, finding, paint) + "\n")
    });
    let accepted =
        checked.iter().flat_map(|one| one.accepted.iter().map(move |found| accepted(one, found)));
    let verdicts =
        checked.iter().map(|one| format!("{}: {}\n", one.document.name(), verdict(one, paint)));
    findings.chain(accepted).chain(verdicts).collect()
}

/// `policy.yaml:6:14: accepted: issuers[0].clock_skew: … [long-clock-skew]`, as `allow` may name it.
fn accepted(checked: &Checked, found: &Finding) -> String {
    let place = found.place.map(|place| format!(":{}:{}", place.line, place.column));
    let (file, place) = (checked.document.name(), place.unwrap_or_default());
    let name = found.name.unwrap_or_default();
    format!("{file}{place}: accepted: {}: {} [{name}]\n", found.key_path(), found.message)
}

fn verdict(checked: &Checked, paint: Paint) -> String {
    let text = counts(checked, paint);
    match checked.accepted.len() {
        0 => text,
        accepted => format!("{text}, {} accepted", counted(accepted, "warning")),
    }
}

fn counts(checked: &Checked, paint: Paint) -> String {
    let warnings = counted(checked.warnings(), "warning");
    match (checked.errors(), checked.warnings()) {
        (0, 0) => paint.text("ok", Colour::Green),
        (0, _) => format!("{}, {warnings}", paint.text("ok", Colour::Green)),
        (errors, 0) => paint.text(&counted(errors, "mistake"), Colour::Red),
        (errors, _) => {
            format!("{}, {warnings}", paint.text(&counted(errors, "mistake"), Colour::Red))
        }
    }
}
