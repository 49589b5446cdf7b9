//! `linkgate init`: a policy, its cases and a job for CI, to begin with.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};

use super::{Trouble, tell};
use crate::exit::Exit;
use crate::init::{Answers, Ci, Kind, files};

/// Write a policy, its cases and a job for CI that pass at once.
///
/// What is not given by a flag is asked for on a terminal; elsewhere a placeholder is in its place, which `linkgate check`
/// accepts until the name is yours. No file is overwritten.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// Folder of the policy; made if it is not there
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Whose tokens the policy accepts
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Issuer, as its tokens name it; of Auth0 the tenant's domain, of Entra the tenant's id will do
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Audience of access tokens; of Amazon Cognito, whose tokens have none, the id of the page's client
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// Scope that lets a token link and unlink
    #[arg(long, value_name = "TEXT")]
    scope: Option<String>,
    /// Origin of the page that links
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Job for CI
    #[arg(long, value_name = "CI")]
    ci: Option<Ci>,
}

const EXAMPLES: &str = "\
Examples:
  linkgate init
  linkgate init --kind auth0 --issuer acme.eu.auth0.com --origin https://app.acme.com --ci github policy/
  linkgate init --kind keycloak --issuer https://sso.acme.com/realms/main --audience https://accounts.acme.com/

Exit codes: 0 written, 1 a file cannot be written, 2 the command line is wrong, or a file is there already.";

impl Init {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
        let kind = match self.kind {
            Some(kind) => kind,
            None if asks => kind()?,
            None => {
                let kinds = Kind::ALL.map(Kind::name).join(", ");
                return Err(Trouble::usage(format!("expected `--kind` ({kinds}), found none")));
            }
        };
        let or_asked = |given: &Option<String>, question: &str, usual: &str| match given {
            Some(given) => Ok(given.clone()),
            None if asks => answer(question, usual),
            None => Ok(usual.to_owned()),
        };
        let usual = kind.placeholders();
        let given = or_asked(&self.issuer, "issuer", usual.issuer)?;
        let issuer = kind.issuer(&given).map_err(Trouble::usage)?;
        let slash = slash(&given, &issuer);
        let audience = match kind.audience_of(&issuer) {
            Some(known) => self.audience.clone().unwrap_or(known),
            None if kind == Kind::Auth0 && self.audience.is_none() && !asks => {
                return Err(Trouble::usage(own_domain(&issuer)));
            }
            None => or_asked(&self.audience, kind.audience_is(), usual.audience)?,
        };
        let scope = or_asked(&self.scope, "scope that links", usual.scope)?;
        let origin = or_asked(&self.origin, "origin of the page", "https://app.example")?;
        let ci = match self.ci {
            Some(ci) => ci,
            None if asks => ci()?,
            None => Ci::Github,
        };
        let answers = Answers { kind, issuer, audience, scope, origin };
        let files = files(&answers).map_err(Trouble::usage)?;
        let here = |(name, text): (&str, String)| (self.folder.join(name), text);
        let mut files: Vec<(PathBuf, String)> = files.into_iter().map(here).collect();
        let job = job(ci, &self.folder)?;
        let of_job = job.as_ref().map(|(path, text)| (path.clone(), commands(text)));
        files.extend(job);
        write(&files, of_job.as_ref())?;
        tell(&(slash + &said(&self.folder, &files, ci)))?;
        Ok(Exit::Ok)
    }
}

/// That the issuer got a slash at its end, or lost one.
fn slash(given: &str, issuer: &str) -> String {
    let is_other = given.contains("://") && given.ends_with('/') != issuer.ends_with('/');
    let what = || format!("the issuer is written as its tokens name it: {issuer}\n");
    is_other.then(what).unwrap_or_default()
}

/// Why the audience has to be given.
fn own_domain(issuer: &str) -> String {
    format!(
        "expected `--audience`, since `{issuer}` is a domain of your own: the audience keeps the tenant's first domain, as in `--audience https://TENANT.eu.auth0.com/api/v2/`"
    )
}

/// What a job for CI runs of `linkgate`.
fn commands(job: &str) -> Vec<String> {
    let commands = job.lines().filter_map(|line| line.find("linkgate ").map(|at| (line, at)));
    let commands = commands.filter(|(line, _)| !line.starts_with('#'));
    commands.filter_map(|(line, at)| line.get(at..)).map(str::to_owned).collect()
}

fn kind() -> Result<Kind, Trouble> {
    let kinds = Kind::ALL.map(Kind::name).join(", ");
    let name = answer(&format!("whose tokens ({kinds})"), "plain")?;
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| Trouble::usage(format!("expected one of {kinds}, found `{name}`")))
}

fn ci() -> Result<Ci, Trouble> {
    let name = answer("CI (github, gitlab, none)", "github")?;
    Ci::of(&name).ok_or_else(|| {
        Trouble::usage(format!("expected `github`, `gitlab` or `none`, found `{name}`"))
    })
}

/// The job, and its path: at the root of the repository that the folder is in, where alone CI looks for it. Outside of
/// a repository the present folder is taken for the root.
fn job(ci: Ci, folder: &Path) -> Result<Option<(PathBuf, String)>, Trouble> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map(|path| path.components().collect::<PathBuf>()).map_err(
            |error| Trouble::failed(format!("cannot tell where `{}` is: {error}", path.display())),
        )
    };
    let (whole, present) = (absolute(folder)?, absolute(Path::new("."))?);
    let root = whole.ancestors().find(|ancestor| ancestor.join(".git").exists());
    let root = root.unwrap_or(if whole.starts_with(&present) { &present } else { &whole });
    let below = whole.strip_prefix(root).unwrap_or(Path::new("")).to_str().unwrap_or("?");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if ci != Ci::None && !below.bytes().all(plain) {
        let what =
            format!("expected a folder whose name needs no quotes in a job, found `{below}`");
        return Err(Trouble::usage(format!("{what} (help: `--ci none`)")));
    }
    let below = if below.is_empty() { String::new() } else { format!("{below}/") };
    let shown = if root == present { PathBuf::new() } else { root.to_owned() };
    Ok(ci.job(&below).map(|(name, text)| (shown.join(name), text)))
}

/// The answer to a question; an empty line is the usual one.
fn answer(question: &str, usual: &str) -> Result<String, Trouble> {
    eprint!("{question} [{usual}]: ");
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Trouble::failed(format!("cannot read the answer: {error}")))?;
    let line = line.trim();
    Ok(if line.is_empty() { usual.to_owned() } else { line.to_owned() })
}

/// Writes all files, or none. Of the job there is its path, and what it runs.
fn write(files: &[(PathBuf, String)], job: Option<&(PathBuf, Vec<String>)>) -> Result<(), Trouble> {
    let there = files.iter().map(|(path, _)| path).find(|path| path.exists());
    if let Some(path) = there {
        let text = format!("`{}` is there already: nothing is written", path.display());
        let help = job.filter(|(job, _)| job == path).map(|(_, commands)| {
            let commands = commands.join("\n    ");
            format!("\n  help: `--ci none` writes the rest; then let your job run\n    {commands}")
        });
        return Err(Trouble::usage(text + &help.unwrap_or_default()));
    }
    for (path, text) in files {
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(path, text));
        written.map_err(|error| {
            Trouble::failed(format!("cannot write `{}`: {error}", path.display()))
        })?;
    }
    Ok(())
}

fn said(folder: &Path, files: &[(PathBuf, String)], ci: Ci) -> String {
    let mut lines: Vec<String> =
        files.iter().map(|(path, _)| format!("wrote {}", path.display())).collect();
    let policy = folder.join("policy.yaml");
    let (policy, cases) = (policy.display(), folder.join("cases"));
    lines.push(String::new());
    lines.push(format!("linkgate check --deny-warnings {policy}"));
    lines.push(format!("linkgate test --deny-untouched {}", cases.display()));
    lines.push(format!("linkgate keys --config {policy}   # asks the issuer"));
    let variable = match ci {
        Ci::Github => "the repository's variable",
        Ci::Gitlab => "the CI/CD variable",
        Ci::None => return lines.join("\n") + "\n",
    };
    lines.push(String::new());
    lines.push(format!(
        "The job runs once {variable} LINKGATE_IMAGE is set: an image with a shell, and with `linkgate` on PATH (the job's file says how to make one)."
    ));
    lines.join("\n") + "\n"
}
