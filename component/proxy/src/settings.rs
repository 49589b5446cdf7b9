//! The configuration, from the environment.

use linkgate_policy::Secrets;

use crate::upstream::Upstream;

/// The policy document, JSON.
const POLICY: &str = "LINKGATE_POLICY";

/// The API behind the gate.
const UPSTREAM: &str = "LINKGATE_UPSTREAM";

/// What the names of secrets begin with; the name in the policy document follows.
const SECRET_PREFIX: &str = "LINKGATE_SECRET_";

/// What the environment says.
pub(crate) struct Settings {
    pub(crate) document: Result<String, String>,
    pub(crate) upstream: Result<Upstream, String>,
    pub(crate) secrets: Secrets,
}

impl Settings {
    /// Reads all variables; what is wrong with one keeps none of the others from being read.
    pub(crate) fn read(variables: Vec<(String, String)>) -> Self {
        let mut document = Err(format!("{POLICY}: expected a policy document, found nothing"));
        let mut upstream =
            Err(format!("{UPSTREAM}: expected `http[s]://host[:port]`, found nothing"));
        let mut secrets = Vec::new();
        for (name, value) in variables {
            if name == POLICY {
                document = Ok(value);
            } else if name == UPSTREAM {
                upstream = value.parse().map_err(|error| format!("{UPSTREAM}: {error}"));
            } else if let Some(name) = name.strip_prefix(SECRET_PREFIX) {
                secrets.push((name.to_owned(), value));
            }
        }
        Self { document, upstream, secrets: secrets.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Settings {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::read(variables.iter().map(own).collect())
    }

    #[test]
    fn variables_are_read_by_their_names() {
        let settings = read(&[
            ("PATH", "/bin"),
            (POLICY, "{}"),
            (UPSTREAM, "http://tenant.test"),
            ("LINKGATE_SECRET_SESSION", "abc"),
        ]);
        assert_eq!(settings.document.as_deref(), Ok("{}"));
        assert!(settings.upstream.is_ok());
        assert_eq!(settings.secrets.find("SESSION"), Some(&b"abc"[..]));
        assert_eq!(settings.secrets.find("PATH"), None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (row, variables, document, upstream) in [
            (
                "nothing",
                &[][..],
                Some("LINKGATE_POLICY: expected"),
                Some("LINKGATE_UPSTREAM: expected"),
            ),
            (
                "wrong",
                &[(POLICY, "{}"), (UPSTREAM, "tenant.test")],
                None,
                Some("LINKGATE_UPSTREAM: expected"),
            ),
        ] {
            let settings = read(variables);
            let begins = |found: Option<String>, expected: Option<&str>| match (found, expected) {
                (Some(found), Some(expected)) => found.starts_with(expected),
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(begins(settings.document.err(), document), "{row}");
            assert!(begins(settings.upstream.err(), upstream), "{row}");
        }
    }
}
