//! The page of the documentation that shows a run.

use std::path::Path;

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
    let page = replaced(&page, &report.text())?;
    std::fs::write(folder.join(PLOT), plot::svg(report)).map_err(failed)?;
    std::fs::write(folder.join(PAGE), page).map_err(failed)
}

fn replaced(page: &str, text: &str) -> Attempt<String> {
    let lacks = |line: &str| format!("{PAGE} has no line `{}`", line.trim());
    let (before, rest) = page.split_once(BEGIN).ok_or_else(|| lacks(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| lacks(END))?;
    Ok(format!("{before}{BEGIN}```text\n{}\n```\n{END}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_the_place_of_the_one_before() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = format!("a\n{BEGIN}```text\nnew\n```\n{END}b\n");
        assert_eq!(replaced(&page, "new\n\n"), Ok(new));
        assert!(replaced("a\n", "new").unwrap_err().starts_with("performance.md has no line"));
    }
}
