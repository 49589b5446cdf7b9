//! The page of the documentation that shows a run.

use std::path::Path;
use std::process::Command;

use super::plot;
use super::report::Report;
use crate::Attempt;

const PAGE: &str = "performance.md";
const PLOT: &str = "performance.svg";

/// What is between these lines is the run's.
const BEGIN: &str = "<!-- of `cargo xtask bench --docs docs`: begin -->\n";
const END: &str = "<!-- of `cargo xtask bench --docs docs`: end -->\n";

/// Writes the plot beside the page, and the tables into it.
pub(super) fn write(folder: &Path, report: &Report) -> Attempt<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let page = std::fs::read_to_string(folder.join(PAGE)).map_err(failed)?;
    let page = replaced(&page, &today(), &report.text())?;
    std::fs::write(folder.join(PLOT), plot::svg(report)).map_err(failed)?;
    std::fs::write(folder.join(PAGE), page).map_err(failed)
}

/// Today's date, of the system's own `date`: a figure without one says nothing.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output().ok();
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "undated".to_owned(), |text| text.trim().to_owned())
}

fn replaced(page: &str, date: &str, text: &str) -> Attempt<String> {
    let lacks = |line: &str| format!("{PAGE} has no line `{}`", line.trim());
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| lacks(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| lacks(END))?;
    let text = text.trim_end();
    Ok(format!(
        "{before}{BEGIN}A run of {date}:\n\n![processor time a request]({PLOT})\n\n```text\n{text}\n```\n{END}{after}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_the_place_of_the_one_before() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = format!(
            "a\n{BEGIN}A run of 2026-11-30:\n\n![processor time a request](performance.svg)\n\n```text\nnew\n```\n{END}b\n"
        );
        assert_eq!(replaced(&page, "2026-11-30", "new\n\n"), Ok(new));
        assert!(
            replaced("a\n", "2026-11-30", "new")
                .unwrap_err()
                .starts_with("performance.md has no line")
        );
    }
}
