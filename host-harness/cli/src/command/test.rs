//! `linkgate test`: a platform team's cases, played on the component.

use std::io::{self, IsTerminal as _};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::{Trouble, tell};
use crate::check_report;
use crate::component;
use crate::document::{Shadow, counted};
use crate::exit::Exit;
use crate::paint::Paint;
use crate::progress::Progress;
use crate::team::{
    Coverage, InputEnd, Mistakes, Outcome, Parts, Player, Ran, Stop, Verdict, Watched, gather,
    github, human, in_shadow, json, junit, shadows,
};

/// Play cases that stand beside a policy: who sends what, and what has to come of it.
///
/// A case runs on the component that gateways load. The policy is taken as it is written, but for its keys and
/// secrets: the tokens of cases are signed with throw-away keys. Nothing is fetched or sent. docs/testing-a-policy.md
/// has the form of a case.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    /// Files of cases (YAML or JSON), or folders: in them every YAML file, and JSON of this form, but for policies and
    /// hidden ones
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Play only the cases whose file or title holds this text, in capitals or not
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: ReportFormat,
    /// Fail when a rule of a policy is shown by no case
    #[arg(long, conflicts_with = "filter")]
    deny_untouched: bool,
    /// Fail when a policy, or a rule of it, is in shadow: it is not enforced yet
    #[arg(long)]
    deny_shadow: bool,
    /// Play again whenever a case, a policy or a key file changes: until Ctrl-C, or without a terminal until standard
    /// input ends
    #[arg(long)]
    watch: bool,
    /// Threads; one a core unless given
    #[arg(long, value_name = "N", value_parser = super::count)]
    threads: Option<NonZeroUsize>,
    /// Evaluator component; the one that lies beside this binary unless given
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    /// Words
    Human,
    /// JSON, one object in one line
    Json,
    #[value(help = "JUnit XML, which CI systems show")]
    Junit,
    /// Workflow commands, which GitHub shows beside the line
    Github,
}

const EXAMPLES: &str = "\
Examples:
  linkgate test cases/
  linkgate test --filter unlink --format json cases/ | jq '.results[] | select(.holds | not)'
  linkgate test --format junit --deny-untouched . > report.xml
  linkgate test --watch cases/

Exit codes: 0 all cases hold, 1 they could not be played, 2 the command line, a policy or a file of cases is
wrong, or there is no case, 3 some fail (with --deny-untouched: or a rule is shown by none; with --deny-shadow: or a policy is
in shadow).";

/// People wait so long without wondering.
const QUIET: Duration = Duration::from_secs(1);

impl Test {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let component = component::find(self.component.as_deref(), component::EVALUATOR)
            .map_err(Trouble::usage)?;
        let threads = self.threads.or_else(|| std::thread::available_parallelism().ok());
        let mut player = Player::new(component, threads.map_or(1, NonZeroUsize::get));
        let input = self.watch.then(InputEnd::watched);
        loop {
            let watched = self.watch.then(|| Watched::of(&self.paths));
            let ended = self.once(&mut player);
            let (Some(watched), Some(input)) = (watched, &input) else { return ended };
            if input.is_over() {
                return ended;
            }
            if let Err(trouble) = &ended {
                eprintln!("linkgate: {}", trouble.text);
            }
            eprintln!("waiting for a change");
            if !watched.changed(&self.paths, || input.is_over()) {
                // The text of a trouble has been said.
                return Ok(ended.unwrap_or_else(|trouble| trouble.exit));
            }
        }
    }

    fn once(&self, player: &mut Player) -> Result<Exit, Trouble> {
        let mut progress = Progress::after(QUIET);
        let ran = gather(&self.paths)
            .and_then(|gathered| player.play(gathered, &self.filter, &mut progress));
        progress.end();
        match ran {
            Ok(ran) => self.report(&ran),
            Err(stop) => Err(self.stopped(stop)),
        }
    }

    fn report(&self, ran: &Ran) -> Result<Exit, Trouble> {
        // Of a part of the cases, what the others touch is not known.
        let coverage = if ran.left_out == 0 { Coverage::of(ran) } else { Vec::new() };
        let shadows = shadows(ran);
        let in_shadow: String = shadows.iter().map(in_shadow).collect();
        let denied = self.denied(&coverage, &shadows);
        let parts = Parts {
            ran,
            coverage: &coverage,
            shadows: &shadows,
            denies_untouched: self.deny_untouched,
            denies_shadow: self.deny_shadow,
        };
        let last = |paint| format!("{in_shadow}{}\n{denied}", human::sum(ran, paint));
        let paint = Paint::of_stdout();
        tell(&match self.format {
            ReportFormat::Human => human::text(ran, &coverage, paint) + &last(paint),
            ReportFormat::Json => json::text(&parts) + "\n",
            ReportFormat::Junit => junit::text(&parts),
            ReportFormat::Github => github::text(&parts),
        })?;
        // A person who has the report before them has read it.
        if self.format != ReportFormat::Human || !io::stdout().is_terminal() {
            eprint!("{}", last(Paint::of_stderr()));
        }
        let is_broken = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Broken(_));
        if ran.outcomes.iter().any(is_broken) {
            return Ok(Exit::Failed);
        }
        let holds = ran.outcomes.iter().all(Outcome::holds);
        Ok(if holds && denied.is_empty() { Exit::Ok } else { Exit::Cases })
    }

    /// Why it fails although all cases pass.
    fn denied(&self, coverage: &[Coverage], shadows: &[Shadow]) -> String {
        let untouched: usize = coverage.iter().map(|one| one.untouched().count()).sum();
        let in_shadow = if shadows.len() == 1 { "policy" } else { "policies" };
        let reasons = [
            (
                self.deny_untouched,
                untouched,
                counted(untouched, "rule") + " shown by no case",
                "--deny-untouched",
            ),
            (
                self.deny_shadow,
                shadows.len(),
                format!("{} {in_shadow} in shadow", shadows.len()),
                "--deny-shadow",
            ),
        ];
        let denied = reasons.into_iter().filter(|(is_denied, count, ..)| *is_denied && *count > 0);
        let lines = denied.map(|(.., what, flag)| format!("{what}: refused, as `{flag}` asks\n"));
        lines.collect::<Vec<_>>().concat()
    }

    /// Why nothing is reported.
    fn stopped(&self, stop: Stop) -> Trouble {
        let Stop::Mistaken(mistakes) = &stop else { return stopped(stop) };
        // For programs they are on standard output, else on standard error.
        let told = match self.format {
            ReportFormat::Json => tell(&(check_report::json::text(&mistakes.checked) + "\n")),
            ReportFormat::Github => tell(&check_report::github::text(&mistakes.checked)),
            ReportFormat::Human | ReportFormat::Junit => return stopped(stop),
        };
        let lines = [&["nothing was played".to_owned()], mistakes.unread.as_slice()].concat();
        told.err().unwrap_or_else(|| Trouble::usage(lines.join("\n")))
    }
}

/// Why no case is played: mistakes are shown as `linkgate check` shows them.
pub(super) fn stopped(stop: Stop) -> Trouble {
    match stop {
        Stop::Said(why) => Trouble::usage(why),
        Stop::Cannot(trouble) => Trouble::failed(trouble),
        Stop::Mistaken(Mistakes { checked, unread }) => {
            let text = check_report::human::text(&checked, Paint::of_stderr());
            let mut lines = vec!["nothing was played".to_owned()];
            lines.extend(unread);
            lines.push(text.trim_end().to_owned());
            Trouble::usage(lines.join("\n").trim_end())
        }
    }
}
