//! `linkgate explain`: why a request is decided as it is, step by step.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use linkgate_gateway::{CaSource, Fetcher};
use linkgate_policy::{Abilities, Header, Now, Policy, Secrets};
use serde_json::Value;

use super::{Trouble, runtime, secrets, seed, tell, unusable};
use crate::clock;
use crate::document::{self, Document};
use crate::exit::Exit;
use crate::explain::{
    Explanation, Input, KeySupply, MAX_REQUEST, human, json, run, with_keys_of_our_own,
};
use crate::moment;
use crate::operation::Format;
use crate::paint::Paint;

/// Show why a request is decided as it is: every step, what it saw, and the rule that decided.
///
/// The policy decides it as in a gateway; nothing is sent to the API. Keys are fetched as `serve` fetches them, unless
/// --keys or --unverified says otherwise. Claims are shown, signatures and secrets are not. Secrets come from the
/// environment, as for `serve`. Without a request on the command line, standard input has one: a `curl` line, raw HTTP, or an
/// entry of a HAR file.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Explain {
    /// Policy document, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The request as a `curl` line, such as browsers copy it
    #[arg(long, value_name = "LINE", conflicts_with_all = ["http", "path", "har"])]
    curl: Option<String>,
    /// The request as raw HTTP, in a file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["path", "har"])]
    http: Option<PathBuf>,
    /// The request out of a HAR file, as the network panel of a browser saves it, or out of one entry; `-` is standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    har: Option<PathBuf>,
    /// Of a HAR file, the request whose URL has this text in it
    #[arg(long, value_name = "TEXT", requires = "har")]
    har_url: Option<String>,
    /// Path of the request
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Its method; GET unless given, POST with --body
    #[arg(long, value_name = "METHOD", requires = "path")]
    method: Option<String>,
    /// A header line; may be repeated
    #[arg(long, value_name = "NAME: VALUE", requires = "path")]
    header: Vec<String>,
    /// Its body
    #[arg(long, value_name = "TEXT", requires = "path")]
    body: Option<String>,
    /// Its bearer token
    #[arg(long, value_name = "TOKEN", requires = "path")]
    token: Option<String>,
    /// A JSON Web Key Set in the place of those that the policy fetches
    #[arg(long, value_name = "FILE", conflicts_with = "unverified")]
    keys: Option<PathBuf>,
    /// Look at no signature, and fetch no keys: never a pass
    #[arg(long)]
    unverified: bool,
    /// The time: RFC 3339 in UTC, or Unix seconds; now unless given
    #[arg(long, value_name = "TIME", value_parser = moment::unix_s)]
    at: Option<u64>,
    /// Certificates (PEM) that https endpoints are checked against, in place of the system's roots
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Form of the explanation
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate explain --config policy.yaml --curl \"curl -X DELETE https://gate.example/api/v2/users/… -H 'authorization: …'\"
  linkgate explain --config policy.yaml --http request.txt --at 2026-01-15T12:00:00Z
  pbpaste | linkgate explain --config policy.yaml --unverified
  linkgate explain --config policy.yaml --har page.har --har-url /identities
  linkgate explain --config policy.yaml --method POST --path /api/v2/users/auth0%7Calice/identities --token \"$TOKEN\" --body '{}'

Exit codes: 0 it goes through, 1 it does not, or a signature was not checked, 2 the command line, the request or the
policy cannot be read.";

impl Explain {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let asked = self.asked().map_err(Trouble::usage)?;
        asked.check_filled_in().map_err(Trouble::usage)?;
        let document = document::read(&self.config).map_err(|why| unusable(&why, NOTHING))?;
        let at_s = self.at.unwrap_or_else(|| clock::now().unix_ms / 1000);
        let (policy, shown, shadow_until_ms) = self.policy(&document, &asked, at_s)?;
        let keys = self.key_supply(&document)?;
        let ended = runtime()?.block_on(run(policy, &shown, at_s, &keys));
        let explanation = Explanation {
            shadow_until_ms,
            ..Explanation::of(&ended, &asked, &document, !self.unverified, at_s)
        };
        tell(&match self.format {
            Format::Human => human::text(&explanation, Paint::of_stdout()),
            Format::Json => json::text(&explanation, document.name()) + "\n",
        })?;
        if let Some(hint) = asked.hint() {
            eprintln!("linkgate: {hint}");
        }
        Ok(if explanation.is_pass() { Exit::Ok } else { Exit::Failed })
    }

    fn asked(&self) -> Result<Input, String> {
        if let Some(line) = self.curl.as_ref().filter(|line| *line != "-") {
            return Input::of_curl(line);
        }
        if let Some(path) = &self.path {
            return self.of_parts(path);
        }
        let text = match self.har.as_ref().or(self.http.as_ref()) {
            Some(file) if file != Path::new("-") => std::fs::read(file).map_err(|error| {
                format!("cannot read the request `{}`: {error}", file.display())
            })?,
            Some(_) | None => piped()?,
        };
        match (&self.har, &self.http) {
            (Some(_), _) => Input::of_har(&text, self.har_url.as_deref()),
            (None, Some(file)) if file != Path::new("-") => Input::of_http(text.trim_ascii_start()),
            (None, _) => Input::of_text(&text),
        }
    }

    fn of_parts(&self, path: &str) -> Result<Input, String> {
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        let lines = self.header.iter().map(|line| crate::explain::header(line.as_bytes()));
        let mut headers = lines.collect::<Result<Vec<Header>, String>>()?;
        if let Some(token) = &self.token {
            headers.push(Header::new("authorization", &format!("Bearer {token}")));
        }
        let has_type = headers.iter().any(|line| line.name == "content-type");
        if self.body.is_some() && !has_type {
            headers.push(Header::new("content-type", "application/json"));
        }
        Ok(Input {
            method: self.method.clone().unwrap_or_else(|| usual.to_owned()),
            target: path.as_bytes().to_vec(),
            headers,
            body: self.body.clone().unwrap_or_default().into_bytes(),
            of_har: false,
        })
    }

    /// The policy, the request as it gets it, and until when nothing of the policy is enforced, if that is
    /// so. What is explained is what it decides.
    fn policy(
        &self,
        document: &Document,
        asked: &Input,
        at_s: u64,
    ) -> Result<(Policy, Input, Option<u64>), Trouble> {
        let names = secret_names(&document.value());
        let (json, asked, secrets): (String, Input, Secrets) = if self.unverified {
            let ours =
                with_keys_of_our_own(document.value(), asked, &names).map_err(Trouble::failed)?;
            (ours.policy.to_string(), ours.asked, ours.secrets.into_iter().collect())
        } else {
            (document.json().to_owned(), asked.clone(), with_stand_ins(&document.value()))
        };
        let host = Abilities::ALL;
        let now = Now { unix_ms: at_s.saturating_mul(1000), mono_ms: 0 };
        let compiled = |json: &str| {
            Policy::compile(json, &secrets, host, seed(), now)
                .map_err(|mistakes| unusable(&document.explain(&mistakes), NOTHING))
        };
        let policy = compiled(&json)?;
        let until = policy.shadow().and_then(|shadow| shadow.until_unix_ms);
        let Some(until) = until.filter(|until| *until > now.unix_ms) else {
            return Ok((policy, asked, None));
        };
        Ok((compiled(&enforcing(&json))?, asked, Some(until)))
    }

    fn key_supply(&self, document: &Document) -> Result<KeySupply, Trouble> {
        let Some(file) = &self.keys else {
            let ca = self.ca.clone().map(CaSource::File);
            let fetcher =
                Fetcher::new(ca.as_ref()).map_err(|error| Trouble::usage(error.to_string()))?;
            return Ok(KeySupply::Fetched(Arc::new(fetcher)));
        };
        let value = document.value();
        let issuers = value.get("issuers").and_then(Value::as_array);
        if issuers.into_iter().flatten().all(|issuer| issuer.pointer("/keys/jwks").is_some()) {
            let text = "expected no `--keys`, since the policy has its keys itself, found it";
            return Err(Trouble::usage(text));
        }
        let set = std::fs::read(file).map_err(|error| {
            Trouble::usage(format!("cannot read the keys `{}`: {error}", file.display()))
        })?;
        let is_set =
            crate::once::read(&set).is_ok_and(|set| set.get("keys").is_some_and(Value::is_array));
        if !is_set {
            let name = file.display();
            return Err(Trouble::usage(format!(
                "expected a JSON Web Key Set in `{name}`, found something else"
            )));
        }
        Ok(KeySupply::Set(set))
    }
}

/// What a policy that cannot be used prevents.
const NOTHING: &str = "nothing was explained";

/// Standard input, which has to be a pipe or a file: a token is too long to type.
fn piped() -> Result<Vec<u8>, String> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        return Err(
            "expected a request: --curl, --http, --path, or one on standard input".to_owned()
        );
    }
    let mut text = Vec::new();
    input
        .by_ref()
        .take(MAX_REQUEST)
        .read_to_end(&mut text)
        .map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(text)
}

/// The secrets that a policy names.
fn secret_names(policy: &Value) -> Vec<String> {
    let issuers = policy.get("issuers").and_then(Value::as_array);
    let shared = issuers.into_iter().flatten().filter_map(|issuer| issuer.get("hmac_secret"));
    let service = ["token", "client_secret"]
        .into_iter()
        .filter_map(|key| policy.pointer(&format!("/metadata/service/{key}")));
    shared.chain(service).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The secrets of the environment. Those of the gate's own calls need not be there: none is made.
fn with_stand_ins(policy: &Value) -> Secrets {
    let mut known = secrets();
    for key in ["token", "client_secret"] {
        let name = policy.pointer(&format!("/metadata/service/{key}")).and_then(Value::as_str);
        if let Some(name) = name.filter(|name| !known.iter().any(|(known, _)| known == name)) {
            known.push((name.to_owned(), "not-needed-here".to_owned()));
        }
    }
    known.into_iter().collect()
}
/// The document (JSON) without its `shadow`.
fn enforcing(json: &str) -> String {
    let mut document: Value = serde_json::from_str(json).unwrap_or_default();
    document.as_object_mut().and_then(|members| members.remove("shadow"));
    document.to_string()
}
