//! `linkgate schema`: the JSON Schema of the policy document.

use super::{Trouble, tell};
use crate::exit::Exit;
use crate::reference::schema;

/// Print the JSON Schema of the policy document (draft 2020-12), for completion and help in an editor.
///
/// `linkgate check` knows more: what hangs together across keys, ranges of durations, and whether keys can be used.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Schema {}

const EXAMPLES: &str = "\
Examples:
  linkgate schema > linkgate.schema.json
  linkgate schema | jq '.properties | keys'

With the YAML language server (VS Code, Neovim, …), a policy's first line names the schema:
  # yaml-language-server: $schema=linkgate.schema.json";

impl Schema {
    #[expect(clippy::unused_self, reason = "as every command")]
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        tell(&format!("{:#}\n", schema::schema()))?;
        Ok(Exit::Ok)
    }
}
