//! Configuration, from the environment.

use crate::config::Mistake;
use crate::policy::Policy;
use crate::protocol::{Abilities, Secrets};

/// The policy document, JSON.
const POLICY: &str = "LINKGATE_POLICY";

/// What the names of secrets begin with; the name in the policy document follows.
const SECRET_PREFIX: &str = "LINKGATE_SECRET_";

/// What the environment says of a policy.
pub struct Environment {
    document: Option<String>,
    secrets: Secrets,
}

impl Environment {
    /// Reads the variables that are the policy's, and leaves the others.
    pub fn read<'v>(variables: impl IntoIterator<Item = &'v (String, String)>) -> Self {
        let mut document = None;
        let mut secrets = Vec::new();
        for (name, value) in variables {
            if name == POLICY {
                document = Some(value.clone());
            } else if let Some(name) = name.strip_prefix(SECRET_PREFIX) {
                secrets.push((name, value.as_str()));
            }
        }
        Self { document, secrets: secrets.into_iter().collect() }
    }

    /// Compiles the policy.
    ///
    /// # Errors
    ///
    /// All mistakes, a line each, as the operator reads them.
    pub fn compile(&self, host: Abilities, seed: u64) -> Result<Policy, Vec<String>> {
        let Some(document) = &self.document else {
            return Err(vec![format!("{POLICY}: expected a policy document, found nothing")]);
        };
        let compiled = Policy::compile(document, &self.secrets, host, seed);
        compiled.map_err(|mistakes| mistakes.iter().map(line).collect())
    }
}

fn line(mistake: &Mistake) -> String {
    let place = if mistake.pointer.is_empty() { "/" } else { &mistake.pointer };
    let help = mistake.help.as_deref().map(|help| format!(" (help: {help})")).unwrap_or_default();
    format!("{POLICY}: {place}: {}{help}", mistake.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Environment {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<(String, String)> = variables.iter().map(own).collect();
        Environment::read(&variables)
    }

    #[test]
    fn variables_are_read_by_their_names() {
        let environment =
            read(&[("PATH", "/bin"), (POLICY, "{}"), ("LINKGATE_SECRET_SESSION", "abc")]);
        assert_eq!(environment.document.as_deref(), Some("{}"));
        assert_eq!(environment.secrets.find("SESSION"), Some(&b"abc"[..]));
        assert_eq!(environment.secrets.find("PATH"), None);
    }

    #[test]
    fn all_mistakes_are_told_in_one_go() {
        for (row, variables, expected) in [
            ("nothing", &[][..], &["LINKGATE_POLICY: expected a policy document"][..]),
            (
                "two",
                &[(POLICY, r#"{"version":2,"isuers":[]}"#)],
                &["LINKGATE_POLICY: /version: ", "LINKGATE_POLICY: /isuers: "],
            ),
        ] {
            let mistakes = read(variables).compile(Abilities::default(), 1).err().unwrap();
            for part in expected {
                let is_told = mistakes.iter().any(|line| line.starts_with(part));
                assert!(is_told, "{row}: `{part}` is not in {mistakes:#?}");
            }
        }
    }
}
