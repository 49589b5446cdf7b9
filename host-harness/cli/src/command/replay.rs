//! `linkgate replay`: whose decision would change under another policy.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use linkgate_policy::{Abilities, Policy, Secrets};

use super::{Trouble, seed, tell, unusable};
use crate::clock;
use crate::document::{self, Shadow, counted};
use crate::exit::Exit;
use crate::operation::Format;
use crate::paint::Paint;
use crate::replay::{Report, Trial, human, json};

/// Run a decision log against a changed policy, and show whose decision changes.
///
/// Each decision of the log is made again under the policy, as of the time it was made. What the head of a request
/// decides (route, method, preflight, a path that is passed on) is judged of every line. What a token decides is judged
/// where the log has its claims: it was written with `log: { claims: redacted }`, and the token was verified. Keys are
/// not asked for, and secrets that the policy names are not needed: signatures that were verified count as good. A line
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
    /// Fail on a line that cannot be judged, too
    #[arg(long)]
    deny_unjudged: bool,
    /// Fail when the policy, or a rule of it, is in shadow: it is not enforced yet
    #[arg(long)]
    deny_shadow: bool,
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
be judged (with --deny-unjudged: or one that cannot; with --deny-shadow: or the policy is in shadow), 2 the command line or the policy is wrong, 3 decisions change.";

impl Replay {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let otherwise = "nothing is replayed";
        let document = document::read(&self.config).map_err(|why| unusable(&why, otherwise))?;
        let (host, now) = (Abilities::ALL, clock::now());
        Policy::compile(document.json(), &Secrets::stand_in(), host, seed(), now)
            .map_err(|mistakes| unusable(&document.explain(&mistakes), otherwise))?;
        let mut trial = Trial::of(document.json(), now)
            .map_err(|mistakes| Trouble::failed(document.explain(&mistakes)))?;
        let report = Report { shadow: document.shadow(), ..self.report(&mut trial)? };
        tell(&match self.format {
            Format::Human => human::text(&report, Paint::of_stdout()),
            Format::Json => json::text(&report) + "\n",
        })?;
        let is_denied = self.is_denied(&report);
        Ok(match (report.changes.is_empty(), report.is_sound() && !is_denied) {
            (false, _) => Exit::Cases,
            (true, true) => Exit::Ok,
            (true, false) => Exit::Failed,
        })
    }

    /// Whether it fails for what a flag denies. A shadow is said in any case.
    fn is_denied(&self, report: &Report) -> bool {
        let is_unjudged = self.deny_unjudged && report.unjudged() > 0;
        if is_unjudged {
            let lines = counted(usize::try_from(report.unjudged()).unwrap_or(usize::MAX), "line");
            eprintln!("linkgate: {lines} cannot be judged: refused, as `--deny-unjudged` asks");
        }
        let denied = if self.deny_shadow { ": refused, as `--deny-shadow` asks" } else { "" };
        let shadow = report.shadow.as_ref();
        if let Some(until) = shadow.and_then(|shadow| shadow.until.as_ref()) {
            eprintln!(
                "linkgate: the policy is in shadow until {until}: nothing is enforced, whatever is decided{denied}"
            );
        }
        if let Some(rules) = shadow.and_then(Shadow::of_rules) {
            eprintln!("linkgate: {rules}: logged and not enforced{denied}");
        }
        is_unjudged || (self.deny_shadow && shadow.is_some())
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
