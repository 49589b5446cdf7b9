//! `linkgate bake`: a policy, and its keys on request, made part of a component.

use std::path::{Path, PathBuf};
use std::time::Duration;

use linkgate_gateway::{CaSource, Fetcher, Upstream};
use linkgate_policy::edition::{Baked, BakedKeys};
use linkgate_policy::{Policy, Secrets, Time};

use super::{Trouble, runtime, seed, tell};
use crate::artifact::Artifact;
use crate::baking::{self, Gathered, end_date};
use crate::clock;
use crate::component;
use crate::document::{self, Document, Severity, counted};
use crate::edition::Edition;
use crate::exit::Exit;
use crate::inspect_report::{Inspection, human, json};
use crate::key_report;
use crate::operation::Format;
use crate::paint::Paint;

/// Make a policy, and its keys on request, part of a component: one file to deploy.
///
/// The policy is looked over first, as by `check`. One that needs a secret is refused: HS algorithms, and
/// `metadata` with credentials of the gateway's own. With --keys the keys of each issuer are fetched as by
/// `keys`; the component never fetches any, and answers 503 from their end date on. A component that holds
/// a policy takes no other from its environment. What was made is shown as by `inspect`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bake {
    /// Policy document, YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Bake the keys of the issuers in, too
    #[arg(long)]
    keys: bool,
    /// How long the keys are used: a number and `s`, `m` or `h`, at most 720h
    #[arg(long, value_name = "DURATION", requires = "keys", default_value = "24h", value_parser = end_date::duration)]
    valid_for: Duration,
    /// The moment at which the keys are used no longer, in UTC, instead of --valid-for
    #[arg(long, value_name = "TIME", requires = "keys", conflicts_with = "valid_for", value_parser = end_date::moment)]
    until: Option<Time>,
    /// Certificates (PEM) that https key endpoints are checked against, in place of the system's roots
    #[arg(long, value_name = "FILE", requires = "keys")]
    ca: Option<PathBuf>,
    /// The API behind the gate, baked in too (proxy edition); else it is `LINKGATE_UPSTREAM`
    #[arg(long, value_name = "URL")]
    upstream: Option<Upstream>,
    /// Edition to bake into; the evaluator unless given
    #[arg(long, value_name = "EDITION")]
    edition: Option<Edition>,
    /// Component to bake into; the edition's that lies beside this binary unless given
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  linkgate bake --config policy.yaml --edition proxy -o gate.wasm
  linkgate bake --config policy.yaml --keys --valid-for 48h --edition proxy -o gate.wasm
  linkgate bake --config policy.yaml -o gate.wasm && linkgate serve --component gate.wasm --upstream URL

Exit codes: 0 the file is written, 1 keys could not be had or the file not be written, 2 the command line, the
policy or the component is wrong. With 1 and 2 nothing is written.";

/// Its filter is configured as all of Envoy is.
const NO_SLOT: &str = "expected an edition that takes a policy, found `envoy`, whose policy is in Envoy's \
own configuration (docs/envoy.md)";

impl Bake {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        if self.edition == Some(Edition::Envoy) {
            return Err(not_baked(NO_SLOT.to_owned()));
        }
        self.writes_elsewhere()?;
        let (artifact, edition) = self.component()?;
        if self.upstream.is_some() && edition != Edition::Proxy {
            return Err(not_baked(format!(
                "expected no `--upstream` for the {} edition, whose host knows it, found one",
                edition.name()
            )));
        }
        let document = Document::open(&self.config).map_err(not_baked)?;
        looked_over(&document, edition)?;
        let keys = if self.keys { self.fetched(&document, edition)? } else { None };
        let upstream = self.upstream.as_ref().map(ToString::to_string);
        let baked = Baked::new(document.json(), keys, upstream)
            .map_err(|error| not_baked(error.to_string()))?;
        let made = artifact.with(&baked).map_err(not_baked)?;
        baking::replace(&self.output, made.bytes()).map_err(|error| {
            Trouble::failed(format!("cannot write `{}`: {error}", self.output.display()))
        })?;
        let shown = self.output.display().to_string();
        let inspection = Inspection::of(&shown, &made, clock::now().unix_ms);
        tell(&match self.format {
            Format::Human => human::text(&inspection, Paint::of_stdout()),
            Format::Json => json::text(&inspection) + "\n",
        })?;
        Ok(Exit::Ok)
    }

    /// The file that is written is not one that is read, and no device.
    fn writes_elsewhere(&self) -> Result<(), Trouble> {
        let shown = self.output.display();
        if self.output == Path::new("-") {
            return Err(not_baked("expected a file to write, found `-`".to_owned()));
        }
        let Ok(standing) = self.output.canonicalize() else { return Ok(()) };
        if !standing.is_file() {
            return Err(not_baked(format!(
                "expected a file to write, found that `{shown}` is none"
            )));
        }
        let read = [Some(&self.config), self.component.as_ref(), self.ca.as_ref()];
        let is_read = |file: &&PathBuf| file.canonicalize().is_ok_and(|file| file == standing);
        match read.into_iter().flatten().find(is_read) {
            Some(_) => Err(not_baked(format!(
                "expected another file to write than what is read, found `{shown}`"
            ))),
            None => Ok(()),
        }
    }

    /// The component to bake into, and the edition that it says it is.
    fn component(&self) -> Result<(Artifact, Edition), Trouble> {
        let edition = self.edition.unwrap_or(Edition::Evaluator);
        let file = component::find(self.component.as_deref(), edition.name());
        let file = file.map_err(Trouble::usage)?;
        let wrong = |why: &dyn std::fmt::Display| not_baked(format!("`{}`: {why}", file.display()));
        let artifact = Artifact::read(&file).map_err(|why| wrong(&why))?;
        let label = artifact.surface.label.as_ref().ok_or_else(|| {
            wrong(&"expected an edition of linkgate, found a file that does not say that it is one: its custom section `linkgate` is missing")
        })?;
        let (name, version) = (&label.edition, &label.version);
        let found =
            Edition::named(name).filter(|found| self.edition.is_none_or(|asked| asked == *found));
        let Some(found) = found else {
            let asked = edition.name();
            return Err(wrong(&format!("expected the edition `{asked}`, found `{name}`")));
        };
        let own = env!("CARGO_PKG_VERSION");
        if version != own {
            return Err(wrong(&format!(
                "expected version {own} of the {name} edition, as this linkgate is, found {version}"
            )));
        }
        Ok((artifact, found))
    }

    /// The keys of all issuers that publish theirs.
    fn fetched(&self, document: &Document, edition: Edition) -> Result<Option<BakedKeys>, Trouble> {
        let until = self.until()?;
        let policy = Policy::compile(
            document.json(),
            &Secrets::default(),
            edition.abilities(),
            seed(),
            clock::now(),
        )
        .map_err(|mistakes| not_baked(document.explain(&mistakes)))?;
        let ca = self.ca.clone().map(CaSource::File);
        let fetcher = Fetcher::new(ca.as_ref()).map_err(|error| not_baked(error.to_string()))?;
        match runtime()?.block_on(baking::gather(policy, fetcher, until)) {
            Gathered::Sets(keys) => Ok(Some(keys)),
            Gathered::NoneToFetch => {
                eprintln!(
                    "linkgate: all keys stand in the policy itself: none were fetched, and they have no end date"
                );
                Ok(None)
            }
            Gathered::Lacking(report) => {
                eprint!("{}", key_report::human::text(&report, Paint::of_stderr()));
                Err(Trouble::failed(
                    "expected a usable key of every issuer, found one without: nothing was baked",
                ))
            }
        }
    }

    /// When the keys end. One that has passed already is shown: it is good for a rehearsal.
    fn until(&self) -> Result<Time, Trouble> {
        let now = clock::now().unix_ms;
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let until = self.until.unwrap_or(Time { unix_ms: now.saturating_add(ms(self.valid_for)) });
        if until.unix_ms > now.saturating_add(ms(end_date::LONGEST)) {
            return Err(not_baked(
                "expected keys to end within 720 hours, found a later end".to_owned(),
            ));
        }
        if until.unix_ms <= now {
            eprintln!(
                "linkgate: the end date of the keys has passed: the component will answer 503 to whatever needs one"
            );
        }
        Ok(until)
    }
}

/// Tells what there is to say of the policy, on standard error.
fn looked_over(document: &Document, edition: Edition) -> Result<(), Trouble> {
    let findings = baking::review(document, edition);
    let paint = Paint::of_stderr();
    for finding in &findings {
        eprintln!("{}", document::human(document, finding, paint));
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors == 0 { Ok(()) } else { Err(not_baked(counted(errors, "mistake"))) }
}

fn not_baked(why: impl std::fmt::Display) -> Trouble {
    Trouble::usage(format!("{why}: nothing was baked"))
}
