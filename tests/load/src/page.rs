//! The page of the documentation that shows runs.

use std::path::Path;
use std::process::Command;

use crate::Attempt;

/// A place of the page that is a run's.
pub(crate) struct Page {
    /// What writes it. Two lines of the page name it, and the run's is between them.
    pub(crate) command: &'static str,
    /// The picture's file, and what it shows.
    pub(crate) plot: &'static str,
    pub(crate) shows: &'static str,
}

const PAGE: &str = "performance.md";

impl Page {
    /// Writes the plot beside the page, and the tables into it.
    pub(crate) fn write(&self, folder: &Path, text: &str, svg: &str) -> Attempt<()> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        let page = std::fs::read_to_string(folder.join(PAGE)).map_err(failed)?;
        let page = self.replaced(&page, &today(), text)?;
        std::fs::write(folder.join(self.plot), svg).map_err(failed)?;
        std::fs::write(folder.join(PAGE), page).map_err(failed)
    }

    fn replaced(&self, page: &str, date: &str, text: &str) -> Attempt<String> {
        let Self { command, plot, shows } = self;
        let [begin, end] =
            ["begin", "end"].map(|place| format!("<!-- of `{command}`: {place} -->\n"));
        let lacks = |line: &str| format!("{PAGE} has no line `{}`", line.trim());
        let (before, rest) = page.split_once(&begin).ok_or_else(|| lacks(&begin))?;
        let (_, after) = rest.split_once(&end).ok_or_else(|| lacks(&end))?;
        let text = text.trim_end();
        Ok(format!(
            "{before}{begin}A run of {date}:\n\n![{shows}]({plot})\n\n```text\n{text}\n```\n{end}{after}"
        ))
    }
}

/// Today's date, of the system's own `date`: a figure without one says nothing.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output().ok();
    let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or_else(|| "undated".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_the_place_of_the_one_before() {
        let page = Page { command: "run", plot: "a.svg", shows: "cost" };
        let [begin, end] = ["<!-- of `run`: begin -->", "<!-- of `run`: end -->"];
        let old = format!("a\n{begin}\nold\n{end}\nb\n");
        let new = format!(
            "a\n{begin}\nA run of 2026-11-30:\n\n![cost](a.svg)\n\n```text\nnew\n```\n{end}\nb\n"
        );
        assert_eq!(page.replaced(&old, "2026-11-30", "new\n\n"), Ok(new));
        let missing = page.replaced("a\n", "2026-11-30", "new").unwrap_err();
        assert!(missing.starts_with("performance.md has no line"), "{missing}");
    }
}
