//! `linkgate check`: what is wrong with policy documents, and what is unwise.

use std::path::PathBuf;

use linkgate_policy::Secrets;

use super::{Trouble, secrets, tell};
use crate::check_report::{Checked, github, human, json};
use crate::document::{Document, Reviewed};
use crate::edition::Edition;
use crate::exit::Exit;
use crate::paint::Paint;
use crate::team::{Candidate, find, left_out};

/// Look policies over: all mistakes at once, each with its line and what to do about it.
///
/// What is legal but unwise, or cannot work, is shown as a warning with its name; a policy accepts one by
/// `allow: [name]`, or `name at issuers[0].scopes` at one place, and it is shown as accepted. Nothing is started or fetched; key files that a policy
/// names are read. Secrets that it names need not be there; those that are in the environment, as for
/// `serve`, are checked too.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Policy documents, YAML or JSON, `-` is standard input; or folders: in them every YAML file, and JSON that has
    /// keys of a policy, but for files of cases and hidden ones
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Edition that the policy is for: what its hosts cannot do is a mistake
    #[arg(long, value_name = "EDITION", default_value = "evaluator")]
    edition: Edition,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: ReportFormat,
    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// Words, with the source line marked
    Human,
    /// JSON, one object in one line
    Json,
    /// Workflow commands, which GitHub shows beside the line
    Github,
}

const EXAMPLES: &str = "\
Examples:
  linkgate check policy.yaml
  linkgate check --deny-warnings policies/
  linkgate check --edition envoy policy.yaml
  linkgate check --format github --deny-warnings policies/*.yaml
  linkgate check --format json policy.yaml | jq -r '.files[].findings[] | .message'

Exit codes: 0 no mistakes (with --deny-warnings: nor warnings), 1 there are some, 2 the command line is wrong
or a file cannot be read.";

impl Check {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let secrets: Secrets = secrets().into_iter().collect::<Secrets>().or_stand_in();
        let (mut checked, mut unread) = (Vec::new(), Vec::new());
        for candidate in policies(&self.files).map_err(Trouble::usage)? {
            match Document::open(&candidate.path) {
                Ok(document) if candidate.met && is_of_cases(&document) => {}
                Ok(document) => {
                    let reviewed = document.review(&secrets, self.edition.abilities());
                    let Reviewed { findings, accepted } = reviewed;
                    checked.push(Checked { document, findings, accepted });
                }
                Err(why) => unread.push(why),
            }
        }
        for path in left_out(&self.files).map_err(Trouble::usage)? {
            eprintln!("left out: {} (no issuers)", path.display());
        }
        if checked.is_empty() && unread.is_empty() {
            return Err(Trouble::usage("expected a policy, found none"));
        }
        // What can be read is looked over all the same.
        if let Some(why) = unread.first().filter(|_| checked.is_empty()) {
            return Err(Trouble::usage(why));
        }
        tell(&match self.format {
            ReportFormat::Human => human::text(&checked, Paint::of_stdout()),
            ReportFormat::Json => json::text(&checked) + "\n",
            ReportFormat::Github => github::text(&checked),
        })?;
        if !unread.is_empty() {
            return Err(Trouble::usage(unread.join("\nlinkgate: ")));
        }
        let is_good = |checked: &Checked| {
            checked.errors() == 0 && !(self.deny_warnings && checked.warnings() > 0)
        };
        Ok(if checked.iter().all(is_good) { Exit::Ok } else { Exit::Failed })
    }
}

/// The files that were named, and those in the folders that were.
fn policies(paths: &[PathBuf]) -> Result<Vec<Candidate>, String> {
    let mut found = Vec::new();
    for path in paths {
        // In the order in which they were named.
        found.extend(find(std::slice::from_ref(path))?);
    }
    Ok(found)
}

/// Files of cases are met in the folder of a policy. All else there has to be a policy: one that is passed over because of
/// a misspelt key would be unchecked without a sign.
fn is_of_cases(document: &Document) -> bool {
    let value = document.value();
    value.get("cases").is_some() && value.get("issuers").is_none()
}
