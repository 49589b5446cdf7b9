//! What `linkgate init` writes: a policy for one kind of issuer, cases that show every rule of it, a job for CI.

mod cases;
mod kind;
mod policy;

use linkgate_policy::{Abilities, Secrets, review};
use serde_json::Value;

pub(crate) use kind::Kind;

use crate::clock;

/// What the files are made of.
pub(crate) struct Answers {
    pub(crate) kind: Kind,
    pub(crate) issuer: String,
    /// Of Amazon Cognito the client.
    pub(crate) audience: String,
    pub(crate) scope: String,
    pub(crate) origin: String,
}

/// Where cases are played at each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ci {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
    /// Nowhere
    None,
}

impl Ci {
    /// By its name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "github" => Some(Self::Github),
            "gitlab" => Some(Self::Gitlab),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The job of the example repository for a policy in `below`, a folder of it with a `/` at its end, or nothing: its
    /// path from the root of the repository, where CI looks for it, and its text.
    pub(crate) fn job(self, below: &str) -> Option<(&'static str, String)> {
        let (name, text) = self.of_the_root()?;
        let text = text
            .replace(" policy.yaml", &format!(" {below}policy.yaml"))
            .replace(" cases/", &format!(" {below}cases/"));
        Some((name, text))
    }

    fn of_the_root(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Github => Some((
                ".github/workflows/policy.yml",
                include_str!("../../../examples/policy-repo/.github/workflows/policy.yml"),
            )),
            Self::Gitlab => Some((
                ".gitlab-ci.yml",
                include_str!("../../../examples/policy-repo/.gitlab-ci.yml"),
            )),
            Self::None => None,
        }
    }
}

/// The policy and its cases, each with its path in their folder.
///
/// # Errors
///
/// An answer is none that a policy can have: the text says which, and why.
pub(crate) fn files(answers: &Answers) -> Result<Vec<(&'static str, String)>, String> {
    let policy = policy::text(answers);
    let is_a_template = look(&policy)?;
    let accepts = if is_a_template {
        "allow: [placeholder]   # take this out once the names above are yours\n"
    } else {
        ""
    };
    Ok(vec![("policy.yaml", policy + accepts), ("cases/link.yaml", cases::text(answers))])
}

/// Whether a policy still has placeholders.
fn look(policy: &str) -> Result<bool, String> {
    let value: Value = serde_saphyr::from_str(policy).map_err(|error| error.to_string())?;
    let secrets = Secrets::stand_in();
    let review = review(&value.to_string(), &secrets, Abilities::ALL, clock::now());
    if let Some(mistake) = review.mistakes.first() {
        let help = mistake.help.as_ref().map(|help| format!("\n  help: {help}"));
        return Err(format!(
            "{}: {}{}",
            mistake.pointer,
            mistake.message,
            help.unwrap_or_default()
        ));
    }
    Ok(review.warnings.iter().any(|warning| warning.name == "placeholder"))
}

/// A text as YAML has it, in quotes where it needs them.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte);
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if begins && !is_number && !text.ends_with(':') && text.bytes().all(plain) {
        return text.to_owned();
    }
    Value::from(text).to_string()
}
