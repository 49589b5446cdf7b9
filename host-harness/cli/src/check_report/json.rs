//! The report for programs: one object in one line. `docs/commands.md` tells its members.

use serde::Serialize;

use super::Checked;
use crate::document::Finding;

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.check/1";

/// The report in its JSON form.
pub(crate) fn text(checked: &[Checked]) -> String {
    let whole = Whole { schema: SCHEMA, files: checked.iter().map(file).collect() };
    // Every member is text, a number or a list of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}

#[derive(Serialize)]
struct Whole<'a> {
    schema: &'static str,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "file")]
    name: &'a str,
    errors: usize,
    warnings: usize,
    accepted: usize,
    accepted_findings: Vec<FindingRow<'a>>,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Serialize)]
struct FindingRow<'a> {
    severity: &'static str,
    name: Option<&'static str>,
    line: Option<usize>,
    column: Option<usize>,
    pointer: &'a str,
    message: &'a str,
    help: Option<&'a str>,
}

fn file(checked: &Checked) -> File<'_> {
    File {
        name: checked.document.name(),
        errors: checked.errors(),
        warnings: checked.warnings(),
        accepted: checked.accepted.len(),
        accepted_findings: checked.accepted.iter().map(row).collect(),
        findings: checked.findings.iter().map(row).collect(),
    }
}

fn row(finding: &Finding) -> FindingRow<'_> {
    FindingRow {
        severity: finding.severity.name(),
        name: finding.name,
        line: finding.place.map(|place| place.line),
        column: finding.place.map(|place| place.column),
        pointer: &finding.pointer,
        message: &finding.message,
        help: finding.help.as_deref(),
    }
}
