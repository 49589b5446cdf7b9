//! Workflow commands of GitHub Actions: each finding is shown beside its line in a pull request.

use super::Checked;
use crate::document::Finding;

/// A line for each finding; what is accepted is a notice.
pub(crate) fn text(checked: &[Checked]) -> String {
    let lines = checked.iter().flat_map(|one| {
        let file = one.document.name();
        let found = one.findings.iter().map(|found| line(file, found.severity.name(), found));
        let accepted = one.accepted.iter().map(|found| line(file, "notice", found));
        found.chain(accepted).collect::<Vec<_>>()
    });
    lines.collect()
}

fn line(file: &str, severity: &str, finding: &Finding) -> String {
    let path = finding.key_path();
    let path = if path.is_empty() { path } else { format!("{path}: ") };
    let is_accepted = severity == "notice";
    let path = if is_accepted { format!("accepted: {path}") } else { path };
    let help = finding.help.as_ref().filter(|_| !is_accepted);
    let help = help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let place = finding.place.map(|place| (place.line, place.column));
    let name = finding.name.map(|name| format!(" [{name}]")).unwrap_or_default();
    let text = format!("{path}{}{name}{help}", finding.message);
    command(severity, file, place, &text)
}

/// A command with its end of line; the place is line and column.
pub(crate) fn command(
    severity: &str,
    file: &str,
    place: Option<(usize, usize)>,
    text: &str,
) -> String {
    let place = place.map(|(line, column)| format!(",line={line},col={column}"));
    format!("::{severity} file={}{}::{}\n", property(file), place.unwrap_or_default(), data(text))
}

/// As the runner unescapes it (`ActionCommand` in actions/runner).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_be_taken_for_another_command() {
        assert_eq!(data("100%\n::error::x\r"), "100%25%0A::error::x%0D");
        assert_eq!(property("a,line=1::b"), "a%2Cline=1%3A%3Ab");
    }
}
