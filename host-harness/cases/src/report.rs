//! Runs a suite on an edition and tells what came of it.

use std::fmt::{self, Write as _};

use crate::check;
use crate::difference::Difference;
use crate::driver;
use crate::edition::Edition;
use crate::scene::Scene;
use crate::suite::{NamedCase, Suite};
use crate::trouble::Trouble;

/// What came of a suite on one edition.
#[derive(Clone, Debug)]
pub struct Report {
    /// The edition.
    pub edition: &'static str,
    /// How many cases were run.
    pub run: usize,
    /// The ones that fail.
    pub failures: Vec<Failed>,
}

/// A case that fails.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Its name.
    pub name: String,
    /// The whole story: file, edition, differences.
    pub story: String,
}

/// Runs the cases whose name holds `filter`.
pub fn run_suite(suite: &Suite, edition: &mut dyn Edition, filter: &str) -> Report {
    let chosen: Vec<&NamedCase> =
        suite.cases.iter().filter(|case| case.name.contains(filter)).collect();
    let mut report = Report { edition: edition.name(), run: chosen.len(), failures: Vec::new() };
    for named in chosen {
        if let Some(story) = failure(suite, edition, named) {
            report.failures.push(Failed { name: named.name.clone(), story });
        }
    }
    report
}

/// Why a case fails, if it does.
fn failure(suite: &Suite, edition: &mut dyn Edition, named: &NamedCase) -> Option<String> {
    let outcome = Scene::prepare(suite, &named.case).and_then(|scene| {
        driver::run(edition, &scene).map(|observed| check::compare(&scene, &observed))
    });
    match outcome {
        Ok(differences) if differences.is_empty() => None,
        Ok(differences) => Some(story(edition.name(), named, &differences)),
        Err(trouble) => Some(untold(edition.name(), named, &trouble)),
    }
}

fn story(edition: &str, named: &NamedCase, differences: &[Difference]) -> String {
    let mut text = format!("{} on {edition}: {}\n", named.file.display(), named.case.title);
    for difference in differences {
        for line in difference.to_string().lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn untold(edition: &str, named: &NamedCase, trouble: &Trouble) -> String {
    format!(
        "{} on {edition}: {}\n  cannot be run: {trouble}\n",
        named.file.display(),
        named.case.title
    )
}

impl Report {
    /// The head of the table that reports are rows of.
    #[must_use]
    pub fn table_head() -> String {
        format!("{:<12} {:>6} {:>7} {:>7}", "edition", "cases", "passed", "failed")
    }
}

impl fmt::Display for Report {
    /// The stories of what failed, then this edition's row, then the names of what failed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failed in &self.failures {
            writeln!(f, "{}", failed.story)?;
        }
        let failed = self.failures.len();
        writeln!(f, "{:<12} {:>6} {:>7} {failed:>7}", self.edition, self.run, self.run - failed)?;
        for failed in &self.failures {
            writeln!(f, "  failed: {}", failed.name)?;
        }
        Ok(())
    }
}
