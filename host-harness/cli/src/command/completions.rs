//! `linkgate completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Linkgate, Trouble, tell};
use crate::exit::Exit;

/// Print a script that lets a shell complete commands, options and their values.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  linkgate completions bash > ~/.local/share/bash-completion/completions/linkgate
  linkgate completions zsh > \"${fpath[1]}/_linkgate\"
  linkgate completions fish > ~/.config/fish/completions/linkgate.fish";

impl Completions {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Linkgate::command(), "linkgate", &mut script);
        tell(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Ok)
    }
}
