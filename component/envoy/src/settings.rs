//! The configuration: the filter's own, and secrets from the environment of the VM.

use std::collections::BTreeMap;

use linkgate_policy::Secrets;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What the names of secrets in the environment begin with; the name in the policy follows.
const SECRET_PREFIX: &str = "LINKGATE_SECRET_";

/// What the filter is configured with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The policy document: an object, or its text.
    policy: Box<RawValue>,
    pub(crate) upstream: Upstream,
    /// The clusters by which keys are fetched, by the authority of their URLs.
    #[serde(default)]
    pub(crate) clusters: BTreeMap<String, String>,
    /// Secrets by the names that the policy uses.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
}

/// The API behind the gate.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstream {
    /// The cluster.
    pub(crate) cluster: String,
    /// What the upstream is asked for as: `host` or `:authority`.
    pub(crate) authority: String,
}

impl Settings {
    /// Reads a configuration. The text of an error holds no value: one of them may be a secret.
    pub(crate) fn read(text: &[u8]) -> Result<Self, String> {
        let settings: Self = serde_json::from_slice(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            format!("expected `policy`, `upstream` {{`cluster`, `authority`}}, and perhaps `clusters` and `secrets`, found otherwise at {place}: {}", kind(&error))
        })?;
        for (name, value) in
            [("cluster", &settings.upstream.cluster), ("authority", &settings.upstream.authority)]
        {
            if value.is_empty() {
                return Err(format!("/upstream/{name}: expected a name, found nothing"));
            }
        }
        Ok(settings)
    }

    /// The policy document as text.
    pub(crate) fn document(&self) -> String {
        serde_json::from_str(self.policy.get()).unwrap_or_else(|_object| self.policy.get().into())
    }

    /// The secrets; of one that is in both places, the configuration's counts.
    pub(crate) fn secrets(&self, environment: impl Iterator<Item = (String, String)>) -> Secrets {
        let named = |(name, value): (String, String)| {
            Some((name.strip_prefix(SECRET_PREFIX)?.to_owned(), value))
        };
        let configured = self.secrets.iter().map(|(name, value)| (name.clone(), value.clone()));
        environment.filter_map(named).chain(configured).collect()
    }
}

/// What is wrong, without the value.
fn kind(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names = ["missing field", "unknown field", "duplicate field"];
    if names.iter().any(|name| text.starts_with(name)) {
        return text;
    }
    "a value of another type, or no JSON".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSTREAM: &str = r#""upstream":{"cluster":"api","authority":"api.example"}"#;

    #[test]
    fn a_policy_is_an_object_or_its_text() {
        for policy in [r#"{"version":1}"#, r#""{\"version\":1}""#] {
            let text = format!(r#"{{"policy":{policy},{UPSTREAM}}}"#);
            let settings = Settings::read(text.as_bytes()).unwrap();
            assert_eq!(settings.document(), r#"{"version":1}"#);
        }
    }

    #[test]
    fn secrets_come_from_both_places() {
        let text = format!(r#"{{"policy":{{}},{UPSTREAM},"secrets":{{"A":"configured"}}}}"#);
        let settings = Settings::read(text.as_bytes()).unwrap();
        let environment = [("LINKGATE_SECRET_A", "x"), ("LINKGATE_SECRET_B", "b"), ("PATH", "p")];
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let secrets = settings.secrets(environment.into_iter().map(own));
        assert_eq!(secrets.find("A"), Some(&b"configured"[..]));
        assert_eq!(secrets.find("B"), Some(&b"b"[..]));
        assert_eq!(secrets.find("PATH"), None);
    }

    #[test]
    fn what_is_wrong_is_named_without_its_value() {
        for (text, expected) in [
            ("", "no JSON"),
            ("{}", "missing field `policy`"),
            (r#"{"policy":{},"upstream":{"cluster":"","authority":"a"}}"#, "/upstream/cluster"),
            (r#"{"policy":{},"secret":"hunter2"}"#, "unknown field `secret`"),
            (r#"{"policy":{},"secrets":"hunter2"}"#, "another type"),
        ] {
            let said = Settings::read(text.as_bytes()).err().unwrap();
            assert!(said.contains(expected) && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}
