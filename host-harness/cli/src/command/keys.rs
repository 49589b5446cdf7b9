//! `linkgate keys`: the keys of each issuer, as the gateway would see them now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use linkgate_gateway::{CaSource, Fetcher};
use linkgate_policy::Secrets;
use serde_json::Value;

use super::{Trouble, policy, runtime, secrets, tell, tell_shadow};
use crate::document;
use crate::exit::Exit;
use crate::key_report::{Report, human, json};
use crate::operation::Format;
use crate::paint::Paint;
use crate::progress::Progress;

/// Fetch the keys of each issuer of a policy, and show which are used, which are refused and why.
///
/// The policy itself reads the sets, and they are fetched as `serve` fetches them, each once. Nothing
/// listens, and no key is shown: its `kid`, type, size and thumbprint (RFC 7638) are. Secrets that the
/// policy names need not be there.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Keys {
    /// Policy document, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Certificates (PEM) that https endpoints are checked against, in place of the system's roots
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate keys --config policy.yaml
  linkgate keys --config policy.yaml --format json | jq '.issuers[].keys[].kid'

Exit codes: 0 every issuer has a usable key, 1 one has none, 2 the command line or the policy is wrong.";

impl Keys {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let known = secrets();
        let unseen = unseen(&self.config, &known);
        let secrets = known.into_iter().collect::<Secrets>().or_stand_in();
        let mut policy = policy(&self.config, &secrets, "nothing was fetched")?;
        tell_shadow(&policy);
        let ca = self.ca.map(CaSource::File);
        let fetcher =
            Fetcher::new(ca.as_ref()).map_err(|error| Trouble::usage(error.to_string()))?;
        let mut report = runtime()?.block_on(Report::gather(
            &mut policy,
            fetcher,
            Progress::after(Duration::ZERO),
        ));
        report.unseen_secrets = unseen;
        let text = match self.format {
            Format::Human => human::text(&report, Paint::of_stdout()),
            Format::Json => json::text(&report) + "\n",
        };
        tell(&text)?;
        Ok(if report.is_usable() { Exit::Ok } else { Exit::Failed })
    }
}

/// The issuers whose shared secret is not in the environment. A document that cannot be read is reported
/// when it is compiled.
fn unseen(config: &Path, known: &[(String, String)]) -> Vec<String> {
    let document = document::read(config).map(|document| document.value()).unwrap_or_default();
    let issuers = document.get("issuers").and_then(Value::as_array);
    let text = |issuer: &Value, key: &str| issuer.get(key)?.as_str().map(str::to_owned);
    let is_unseen = |issuer: &&Value| {
        text(issuer, "hmac_secret")
            .is_some_and(|name| !known.iter().any(|(known, _)| *known == name))
    };
    let issuers = issuers.into_iter().flatten().filter(is_unseen);
    issuers.filter_map(|issuer| text(issuer, "issuer")).collect()
}
