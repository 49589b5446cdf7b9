//! `linkgate plan`: what a link would make of two accounts' metadata.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use linkgate_policy::{NoPreview, Secrets};

use super::{Trouble, policy, tell, tell_shadow};
use crate::exit::Exit;
use crate::merge_report::{human, json};
use crate::operation::Format;
use crate::paint::Paint;

/// Show what a link would make of the metadata of two accounts, key by key, and why.
///
/// Nothing is sent. The accounts are files: users as the Management API gives them (JSON), or their
/// `user_metadata` alone. Secrets that the policy names are not needed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plan {
    /// Policy document with `metadata`, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account that is kept; `-` is standard input, for one of the two
    #[arg(long, value_name = "FILE")]
    primary: PathBuf,
    /// The account that the link destroys
    #[arg(long, value_name = "FILE")]
    secondary: PathBuf,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate plan --config policy.yaml --primary alice.json --secondary google.json
  linkgate plan --config policy.yaml --primary alice.json --secondary google.json --format json | jq .keys
  curl … | linkgate plan --config policy.yaml --primary - --secondary google.json

Exit codes: 0 it would be linked, 1 it would be refused, 2 the command line, the policy or a file is wrong.";

impl Plan {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let policy = policy(&self.config, &Secrets::stand_in(), "nothing is planned")?;
        tell_shadow(&policy);
        if self.primary == self.secondary {
            return Err(Trouble::usage("expected two accounts, found the same file twice"));
        }
        let (primary, secondary) = (read(&self.primary)?, read(&self.secondary)?);
        let paint = Paint::of_stdout();
        let (report, exit) = match (policy.preview_merge(&primary, &secondary), self.format) {
            (Ok(preview), Format::Human) => (human::planned(&preview, paint), Exit::Ok),
            (Ok(preview), Format::Json) => (json::planned(&preview) + "\n", Exit::Ok),
            (Err(NoPreview::Refused { cause, why }), Format::Human) => {
                (human::refused(&cause, &why, paint), Exit::Failed)
            }
            (Err(NoPreview::Refused { cause, why }), Format::Json) => {
                (json::refused(&cause, &why) + "\n", Exit::Failed)
            }
            (Err(NoPreview::NotMerging), _) => {
                let file = self.config.display();
                return Err(Trouble::usage(format!(
                    "{file}: expected `metadata`, found none: a link then loses the metadata of the second account"
                )));
            }
            (Err(NoPreview::Unreadable { account, why }), _) => {
                let file = if account == "primary" { &self.primary } else { &self.secondary };
                return Err(Trouble::usage(format!("{}: {why}", file.display())));
            }
        };
        tell(&report)?;
        Ok(exit)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| Trouble::usage(format!("cannot read `{}`: {error}", path.display())))
}
