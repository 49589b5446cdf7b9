//! Configuration: what is baked into the component, else the environment.

use super::baked::Baked;
use crate::config::{Abilities, Mistake, Secrets};
use crate::policy::Policy;
use crate::time::clock::Now;

/// The policy document, JSON.
const POLICY: &str = "LINKGATE_POLICY";

/// What the names of secrets begin with; the name in the policy document follows.
const SECRET_PREFIX: &str = "LINKGATE_SECRET_";

/// What the environment says of a policy, and what the component holds of one.
pub struct Environment {
    document: Option<String>,
    secrets: Secrets,
    baked: Result<Option<Baked>, String>,
}

impl Environment {
    /// Reads the variables that are the policy's, and leaves the others.
    pub fn read<'v>(variables: impl IntoIterator<Item = &'v (String, String)>) -> Self {
        Self::beside(Baked::own(), variables)
    }

    fn beside<'v>(
        baked: Result<Option<Baked>, String>,
        variables: impl IntoIterator<Item = &'v (String, String)>,
    ) -> Self {
        let mut document = None;
        let mut secrets = Vec::new();
        for (name, value) in variables {
            if name == POLICY {
                document = Some(value.clone());
            } else if let Some(name) = name.strip_prefix(SECRET_PREFIX) {
                secrets.push((name, value.as_str()));
            }
        }
        Self { document, secrets: secrets.into_iter().collect(), baked }
    }

    /// The upstream that was baked in with the policy, if one was.
    #[must_use]
    pub fn baked_upstream(&self) -> Option<&str> {
        self.baked.as_ref().ok()?.as_ref()?.upstream()
    }

    /// Compiles the policy. One that is baked in suffers none beside it: which of the two is meant
    /// is unknown, and an environment must not change what was baked in.
    ///
    /// # Errors
    ///
    /// All mistakes, a line each, as the operator reads them.
    pub fn compile(&self, host: Abilities, seed: u64, now: Now) -> Result<Policy, Vec<String>> {
        let compiled = match (&self.baked, &self.document) {
            (Err(why), _) => return Err(vec![why.clone()]),
            (Ok(Some(_)), Some(_)) => {
                return Err(vec![format!(
                    "{POLICY}: expected no policy beside the one that is baked into this component, found one"
                )]);
            }
            (Ok(None), None) => {
                return Err(vec![format!("{POLICY}: expected a policy document, found nothing")]);
            }
            (Ok(Some(baked)), None) => (BAKED, baked.compile(host, seed, now)),
            (Ok(None), Some(document)) => {
                (POLICY, Policy::compile(document, &self.secrets, host, seed, now))
            }
        };
        let (origin, compiled) = compiled;
        compiled.map_err(|mistakes| mistakes.iter().map(|mistake| line(origin, mistake)).collect())
    }
}

/// What a mistake in a policy that is baked in is reported as a part of.
const BAKED: &str = "the policy that is baked in";

fn line(origin: &str, mistake: &Mistake) -> String {
    let place = if mistake.pointer.is_empty() { "/" } else { &mistake.pointer };
    let help = mistake.help.as_deref().map(|help| format!(" (help: {help})")).unwrap_or_default();
    format!("{origin}: {place}: {}{help}", mistake.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

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
    fn a_policy_that_is_baked_in_stands_alone() {
        let document = crate::testing::document().to_string();
        let baked = || Baked::new(&document, None, Some("https://api.example".to_owned())).unwrap();
        let said = |baked, variables: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let variables: Vec<_> = variables.iter().map(own).collect();
            let environment = Environment::beside(baked, &variables);
            environment
                .compile(Abilities::default(), 1, crate::testing::NOW)
                .map(|_| ())
                .map_err(|said| said.join(";"))
        };
        assert_eq!(said(Ok(Some(baked())), &[("LINKGATE_SECRET_A", "ignored")]), Ok(()));
        for (row, baked, variables, expected) in [
            (
                "another beside it",
                Ok(Some(baked())),
                &[(POLICY, "{}")][..],
                "LINKGATE_POLICY: expected no policy beside the one that is baked into this component",
            ),
            ("empty beside it", Ok(Some(baked())), &[(POLICY, "")], "LINKGATE_POLICY: expected no"),
            ("damaged", Err("expected x".to_owned()), &[], "expected x"),
            (
                "damaged, another beside it",
                Err("expected x".to_owned()),
                &[(POLICY, "{}")],
                "expected x",
            ),
            (
                "with a mistake",
                Baked::new("{}", None, None).map(Some).map_err(|error| error.to_string()),
                &[],
                "the policy that is baked in: /",
            ),
        ] {
            let said = said(baked, variables).unwrap_err();
            assert!(said.starts_with(expected), "{row}: {said}");
        }
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
            let mistakes = read(variables).compile(Abilities::default(), 1, NOW).err().unwrap();
            for part in expected {
                let is_told = mistakes.iter().any(|line| line.starts_with(part));
                assert!(is_told, "{row}: `{part}` is not in {mistakes:#?}");
            }
        }
    }
}
