//! `linkgate inspect`: what a built component is, and what is baked into it.

use std::path::PathBuf;

use super::{Trouble, tell};
use crate::artifact::Artifact;
use crate::clock;
use crate::exit::Exit;
use crate::inspect_report::{Inspection, human, json};
use crate::operation::Format;
use crate::paint::Paint;

/// Show what a WebAssembly file is: edition, version, what it imports and exports, its digest, and the policy and
/// keys that are baked into it.
///
/// Any component or core module can be read; nothing of it is run. Keys are shown by `kid`, type, size and
/// thumbprint (RFC 7638).
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inspect {
    /// Component or core module
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate inspect gate.wasm
  linkgate inspect --format json gate.wasm | jq '.baked.keys_until, .sha256'

Exit codes: 0 all is well, 1 what is baked in cannot be used or its keys have ended, 2 the file cannot be read or
is no WebAssembly.";

impl Inspect {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let shown = self.file.display().to_string();
        let artifact = Artifact::read(&self.file)
            .map_err(|why| Trouble::usage(format!("`{shown}`: {why}")))?;
        let inspection = Inspection::of(&shown, &artifact, clock::now().unix_ms);
        tell(&match self.format {
            Format::Human => human::text(&inspection, Paint::of_stdout()),
            Format::Json => json::text(&inspection) + "\n",
        })?;
        Ok(if inspection.is_well() { Exit::Ok } else { Exit::Failed })
    }
}
