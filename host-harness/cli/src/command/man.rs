//! `linkgate man`: the manual pages.

use std::path::PathBuf;

use clap::CommandFactory as _;

use super::{Linkgate, Trouble};
use crate::exit::Exit;

/// Write the manual pages into a folder: one for `linkgate`, and one for each command.
///
/// They have what `--help` says, for `man linkgate-check` on a machine or in a package.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Man {
    /// A folder that is there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  linkgate man ~/.local/share/man/man1
  mkdir -p pkg/man && linkgate man pkg/man

Exit codes: 0 written, 1 a page cannot be written, 2 the command line is wrong, or there is no such folder.";

impl Man {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let folder = self.folder.display();
        if !self.folder.is_dir() {
            return Err(Trouble::usage(format!(
                "expected a folder that is there, found `{folder}`"
            )));
        }
        clap_mangen::generate_to(Linkgate::command(), &self.folder).map_err(|error| {
            Trouble::failed(format!("cannot write the pages into `{folder}`: {error}"))
        })?;
        Ok(Exit::Ok)
    }
}
