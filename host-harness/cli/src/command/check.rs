//! `linkgate check`: what is wrong with policy documents, and what is unwise.

use std::path::PathBuf;

use linkgate_policy::Secrets;

use super::{Trouble, secrets, tell};
use crate::check_report::{Checked, github, human, json};
use crate::document::Document;
use crate::edition::Edition;
use crate::exit::Exit;
use crate::paint::Paint;

/// Look policies over: all mistakes at once, each with its line and what to do about it.
///
/// What is legal but unwise is shown as a warning. Nothing is started or fetched; key files that a policy
/// names are read. Secrets that it names need not be there; those that are in the environment, as for
/// `serve`, are checked too.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// Policy documents, YAML or JSON; `-` is standard input
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
  linkgate check --edition envoy policy.yaml
  linkgate check --format github --deny-warnings policies/*.yaml
  linkgate check --format json policy.yaml | jq -r '.files[].findings[] | .message'

Exit codes: 0 no mistakes (with --deny-warnings: nor warnings), 1 there are some, 2 the command line is wrong
or a file cannot be read.";

impl Check {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let secrets: Secrets = secrets().into_iter().collect::<Secrets>().or_stand_in();
        let (mut checked, mut unread) = (Vec::new(), Vec::new());
        for file in &self.files {
            match Document::open(file) {
                Ok(document) => {
                    let findings = document.review(&secrets, self.edition.abilities());
                    checked.push(Checked { document, findings });
                }
                Err(why) => unread.push(why),
            }
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
