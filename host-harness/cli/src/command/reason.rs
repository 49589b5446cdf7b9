//! `linkgate reason`: why a request was refused, and how to fix it.

use linkgate_policy::{Cause, PROBLEM_TYPE, Reason as Code, nearest};

use super::{Trouble, tell};
use crate::columns::aligned;
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
            Format::Human if is_list => String::new(),
            Format::Human => reason_page::asked(reason, self.code.as_deref().unwrap_or_default()),
            Format::Json => json::text(reason) + "\n",
        });
        let texts: String = texts.collect();
        tell(&if is_list && self.format == Format::Human { list() } else { texts })?;
        Ok(Exit::Ok)
    }
}

/// Every code with its status and what the client reads.
fn list() -> String {
    let rows = Code::ALL.iter().map(|reason| {
        let wire = reason.wire();
        [reason.name().to_owned(), wire.status.to_string(), wire.text.to_owned()]
    });
    aligned(rows).into_iter().map(|row| row + "\n").collect()
}

fn unknown(code: &str) -> Trouble {
    let bare = code.strip_prefix(PROBLEM_TYPE).unwrap_or(code);
    let reasons = Code::ALL.iter().map(|reason| reason.name().to_owned());
    let known: Vec<String> = reasons.chain(Cause::all().map(Cause::name)).collect();
    let help = nearest(bare, known.iter().map(String::as_str)).map_or_else(
        || "`linkgate reason` lists the codes".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    Trouble::usage(format!(
        "expected a reason code, the `type` of a problem or a cause, found `{}`\n  help: {help}",
        linkgate_policy::escaped(code)
    ))
}
