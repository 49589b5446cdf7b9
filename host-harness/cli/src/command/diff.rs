//! `linkgate diff`: what a change of a policy does.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use linkgate_policy::{Abilities, Policy, Secrets};

use super::{Trouble, seed, tell, unusable};
use crate::check_report;
use crate::clock;
use crate::diff::{self, Pair, Report, Tally, human, json};
use crate::document::{self, Document};
use crate::exit::Exit;
use crate::operation::Format;
use crate::paint::Paint;
use crate::replay::{self, Trial};
use crate::team::{CaseRead, find, read_cases};

/// Show what a change of a policy does: the keys that differ, and the requests that newly pass or are newly refused.
///
/// Requests are made from the rules of both policies, each in its limits and one step off, and decided under both by the
/// core, with throw-away keys. Of each kind of difference one is shown. --cases and --log add requests of your own.
/// Nothing is fetched or sent, and secrets need not be there. What no request can show, such as other keys of an issuer,
/// is named, and counts as a difference.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Diff {
    /// The policy as it is
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The policy as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Files of cases, or folders, to be decided under both; may be repeated
    #[arg(long, value_name = "PATH")]
    cases: Vec<PathBuf>,
    /// A decision log, JSON lines, to be decided under both
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Fail only where something newly passes
    #[arg(long)]
    deny_opened: bool,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate diff old.yaml new.yaml
  git show main:policy.yaml > /tmp/old.yaml && linkgate diff --deny-opened /tmp/old.yaml policy.yaml
  linkgate diff --cases cases/ --log decisions.log old.yaml new.yaml
  linkgate diff --format json old.yaml new.yaml | jq -r '.opened[] | .example'

Exit codes: 0 no decision differs (with --deny-opened: nothing newly passes), 1 some do, 2 the command line, a policy or a
file of cases is wrong, 3 something newly passes.";

impl Diff {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let (old, new) = (compiled(&self.old)?, compiled(&self.new)?);
        let words = diff::changes(&old.value(), &new.value());
        let shadow = diff::shadow(&old, &new);
        let log = self.log.as_ref().map(|log| replayed(log, &old, &new)).transpose()?;
        let mut tally = Tally { differences: shadow.into_iter().collect(), ..Tally::default() };
        let mut pair = Pair::of(old, new).map_err(Trouble::failed)?;
        pair.try_generated(&mut tally).map_err(Trouble::failed)?;
        for candidate in find(&self.cases).map_err(Trouble::usage)? {
            match read_cases(&candidate.path, candidate.met) {
                Ok(Some(file)) => pair.try_cases(&file, &mut tally).map_err(Trouble::failed)?,
                Ok(None) => {}
                Err(CaseRead::Unreadable(why)) => return Err(Trouble::usage(why)),
                Err(CaseRead::Mistaken(checked)) => {
                    let text = check_report::human::text(&[*checked], Paint::of_stderr());
                    return Err(Trouble::usage(format!(
                        "nothing was compared\n{}",
                        text.trim_end()
                    )));
                }
            }
        }
        let report = Report { words, tally, log };
        tell(&match self.format {
            Format::Human => human::text(&report, Paint::of_stdout()),
            Format::Json => json::text(&report) + "\n",
        })?;
        Ok(match (report.opens(), report.differs() && !self.deny_opened) {
            (true, _) => Exit::Cases,
            (false, true) => Exit::Failed,
            (false, false) => Exit::Ok,
        })
    }
}

/// A policy that can be used.
fn compiled(path: &Path) -> Result<Document, Trouble> {
    let otherwise = "nothing was compared";
    let document = document::read(path).map_err(|why| unusable(&why, otherwise))?;
    let secrets = Secrets::stand_in();
    Policy::compile(document.json(), &secrets, Abilities::ALL, seed(), clock::now())
        .map_err(|mistakes| unusable(&document.explain(&mistakes), otherwise))?;
    Ok(document)
}

/// Each decision of a log, under both.
fn replayed(log: &Path, old: &Document, new: &Document) -> Result<replay::Report, Trouble> {
    let name = log.display();
    let trial = |document: &Document| {
        Trial::of(document.json(), clock::now())
            .map_err(|mistakes| Trouble::failed(document.explain(&mistakes)))
    };
    let (mut old, mut new) = (trial(old)?, trial(new)?);
    let file = File::open(log)
        .map_err(|error| Trouble::usage(format!("cannot read the log `{name}`: {error}")))?;
    replay::Report::between(BufReader::new(file), Some(&mut old), &mut new)
        .map_err(|error| Trouble::failed(format!("cannot read the log `{name}`: {error}")))
}
