//! `linkgate replay`: whose decision would change under another policy.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use linkgate_policy::{Abilities, Policy, Secrets};

use super::{Trouble, seed, tell, unusable};
use crate::clock;
use crate::document;
use crate::exit::Exit;
use crate::operation::Format;
use crate::paint::Paint;
use crate::replay::{Report, Trial, human, json};

/// Run a decision log against a changed policy, and show whose decision changes.
///
/// The log is one that was written with `log: { claims: redacted }`: it has the claims of the tokens that were
/// verified. Each of its decisions is made again under the policy, as of the time it was made. Keys are not
/// asked for, and secrets that the policy names are not needed: signatures that held are taken to hold. A line
/// that does not have what the decision needs is counted as not judgeable, never guessed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// The changed policy, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Decision log, JSON lines; `-` for standard input
    #[arg(value_name = "FILE")]
    log: PathBuf,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate replay --config new.yaml decisions.log
  zcat decisions.log.*.gz | linkgate replay --config new.yaml -
  linkgate replay --config new.yaml --format json decisions.log | jq '.changes[] | .subject'

Exit codes: 0 no decision changes, 1 the log cannot be read to its end, holds other lines than decisions, or none that can
be judged, 2 the command line or the policy is wrong, 3 decisions change.";

impl Replay {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let otherwise = "nothing is replayed";
        let document = document::read(&self.config).map_err(|why| unusable(&why, otherwise))?;
        let (host, now) = (Abilities::ALL, clock::now());
        Policy::compile(document.json(), &Secrets::stand_in(), host, seed(), now)
            .map_err(|mistakes| unusable(&document.explain(&mistakes), otherwise))?;
        let mut trial = Trial::of(document.json(), now)
            .map_err(|mistakes| Trouble::failed(document.explain(&mistakes)))?;
        let report = self.report(&mut trial)?;
        tell(&match self.format {
            Format::Human => human::text(&report, Paint::of_stdout()),
            Format::Json => json::text(&report) + "\n",
        })?;
        Ok(match (report.changes.is_empty(), report.is_sound()) {
            (false, _) => Exit::Cases,
            (true, true) => Exit::Ok,
            (true, false) => Exit::Failed,
        })
    }

    fn report(&self, trial: &mut Trial) -> Result<Report, Trouble> {
        let name = self.log.display();
        let read = if self.log == Path::new("-") {
            Report::of(io::stdin().lock(), trial)
        } else {
            let file = File::open(&self.log).map_err(|error| {
                Trouble::usage(format!("cannot read the log `{name}`: {error}"))
            })?;
            Report::of(BufReader::new(file), trial)
        };
        read.map_err(|error| Trouble::failed(format!("cannot read the log `{name}`: {error}")))
    }
}
