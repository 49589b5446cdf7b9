//! The report for people.

use super::Checked;
use crate::document::{counted, human};
use crate::paint::{Colour, Paint};

/// Every finding, and a line for each file at the end.
pub(crate) fn text(checked: &[Checked], paint: Paint) -> String {
    let findings = checked.iter().flat_map(|one| {
        one.findings.iter().map(move |finding| human(&one.document, finding, paint) + "\n")
    });
    let verdicts =
        checked.iter().map(|one| format!("{}: {}\n", one.document.name(), verdict(one, paint)));
    findings.chain(verdicts).collect()
}

fn verdict(checked: &Checked, paint: Paint) -> String {
    let text = counts(checked, paint);
    match checked.accepted {
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
