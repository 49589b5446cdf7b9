//! `linkgate reason`: why a request was refused, and how to fix it.

use linkgate_policy::Reason as Code;

use super::{Trouble, tell};
use crate::exit::Exit;
use crate::operation::Format;
use crate::reason_page::{self, json};

/// Show the page of a reason code: what it means, what the client sees, how to fix it.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Reason {
    /// A reason code, the `type` of a problem, or a cause from the log; without it, all codes are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Form of the page
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate reason subject-mismatch
  linkgate reason urn:linkgate:reason:bearer-invalid
  linkgate reason bearer-expired --format json | jq -r .text";

impl Reason {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let reasons = match &self.code {
            None => Code::ALL.to_vec(),
            Some(code) => vec![reason_page::find(code).ok_or_else(|| unknown(code))?],
        };
        let is_list = self.code.is_none();
        let texts = reasons.into_iter().map(|reason| match self.format {
            Format::Human if is_list => format!("{}\n", reason.name()),
            Format::Human => reason_page::plain(reason),
            Format::Json => json::text(reason) + "\n",
        });
        tell(&texts.collect::<String>())?;
        Ok(Exit::Ok)
    }
}

fn unknown(code: &str) -> Trouble {
    Trouble::usage(format!(
        "expected a reason code, the `type` of a problem or a cause, found `{}`\n  help: `linkgate reason` lists the codes",
        linkgate_policy::escaped(code)
    ))
}
