//! `linkgate bench`: how fast the component decides the cases of a policy on this machine.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{Trouble, tell};
use crate::columns::aligned;
use crate::component;
use crate::exit::Exit;
use crate::operation::Format;
use crate::progress::Progress;
use crate::team::{Player, Timed, gather};

/// Measure decisions a second on this machine, for each file of cases.
///
/// The component decides the cases over and over, warm, one after another on one thread: what a gateway's own I/O costs
/// is not in it, and what this runner does between the steps is. Nothing is fetched or sent. Every case has to pass first.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// Files of cases, or folders, as for `linkgate test`; a row for each file
    #[arg(required = true, value_name = "PATH")]
    cases: Vec<PathBuf>,
    /// Rounds; the median of them is shown
    #[arg(long, value_name = "N", default_value = "5", value_parser = super::count)]
    rounds: NonZeroUsize,
    /// Evaluator component; the one that lies beside this binary unless given
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate bench cases/
  linkgate bench --rounds 9 --format json cases/ | jq '.files[] | {file, per_second}'

Exit codes: 0 measured, 1 it could not be, 2 the command line, a policy or a file of cases is wrong, 3 a case fails.";

impl Bench {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let component = component::find(self.component.as_deref(), component::EVALUATOR)
            .map_err(Trouble::usage)?;
        let mut progress = Progress::after(Duration::from_secs(1));
        let gathered = gather(&self.cases).map_err(super::test::stopped)?;
        let timed = Player::new(component, 1).time(gathered, self.rounds.get(), &mut progress);
        progress.end();
        let Some(timed) = timed.map_err(super::test::stopped)? else {
            eprintln!(
                "linkgate: a case fails, and nothing was measured: `linkgate test` says which"
            );
            return Ok(Exit::Cases);
        };
        tell(&match self.format {
            Format::Human => human(&timed, self.rounds.get()),
            Format::Json => json(&timed, self.rounds.get()) + "\n",
        })?;
        Ok(Exit::Ok)
    }
}

fn human(timed: &[Timed], rounds: usize) -> String {
    let heading = ["file", "cases", "a second", "slowest", "fastest", "each"].map(str::to_owned);
    let row = |one: &Timed| {
        let (slowest, fastest) = one.ends();
        let whole = |rate: f64| format!("{rate:.0}");
        let each = format!("{:.0} us", 1_000_000.0 / one.median());
        [
            one.name.clone(),
            one.cases.to_string(),
            whole(one.median()),
            whole(slowest),
            whole(fastest),
            each,
        ]
    };
    let lines = aligned([heading].into_iter().chain(timed.iter().map(row)));
    lines.join("\n") + &format!("\nthe median of {rounds} rounds, one thread, warm\n")
}

fn json(timed: &[Timed], rounds: usize) -> String {
    let row = |one: &Timed| {
        let (slowest, fastest) = one.ends();
        json!({
            "file": one.name, "cases": one.cases,
            "per_second": one.median(), "slowest": slowest, "fastest": fastest,
        })
    };
    let files: Vec<_> = timed.iter().map(row).collect();
    json!({ "schema": "linkgate.bench/1", "rounds": rounds, "files": files }).to_string()
}
