//! The configuration: what is baked in, else the environment.

use linkgate_policy::edition::{Environment, Server};

/// The API behind the gate.
const UPSTREAM: &str = "LINKGATE_UPSTREAM";

/// What is baked in, or what the environment says.
pub(crate) struct Settings {
    pub(crate) policy: Environment,
    /// No request can choose another.
    pub(crate) upstream: Result<Server, String>,
}

impl Settings {
    /// Reads all variables; what is wrong with one keeps none of the others from being read.
    pub(crate) fn read(variables: &[(String, String)]) -> Self {
        let policy = Environment::read(variables);
        let upstream = upstream(policy.baked_upstream(), variables);
        Self { policy, upstream }
    }
}

/// One that is baked in suffers none beside it, as with the policy.
fn upstream(baked: Option<&str>, variables: &[(String, String)]) -> Result<Server, String> {
    let named = variables.iter().rev().find(|(name, _)| name == UPSTREAM);
    match (baked, named) {
        (Some(_), Some(_)) => Err(format!(
            "{UPSTREAM}: expected no upstream beside the one that is baked into this component, found one"
        )),
        (Some(url), None) => {
            url.parse().map_err(|error| format!("the upstream that is baked in: {error}"))
        }
        (None, Some((_, url))) => url.parse().map_err(|error| format!("{UPSTREAM}: {error}")),
        (None, None) => Err(format!("{UPSTREAM}: expected `http[s]://host[:port]`, found nothing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_that_is_missing_or_wrong_is_named() {
        for (row, variables, is_usable) in [
            ("nothing", &[][..], false),
            ("usable", &[(UPSTREAM, "http://tenant.test")], true),
            ("wrong", &[(UPSTREAM, "tenant.test")], false),
            ("the last counts", &[(UPSTREAM, "x"), (UPSTREAM, "http://tenant.test")], true),
        ] {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let variables: Vec<(String, String)> = variables.iter().map(own).collect();
            let upstream = Settings::read(&variables).upstream;
            assert_eq!(upstream.is_ok(), is_usable, "{row}");
            let named = |told: &String| told.starts_with("LINKGATE_UPSTREAM: expected");
            assert!(upstream.err().as_ref().is_none_or(named), "{row}");
        }
    }

    #[test]
    fn an_upstream_that_is_baked_in_stands_alone() {
        let beside = [(UPSTREAM.to_owned(), "http://other.test".to_owned())];
        let found = upstream(Some("https://api.test"), &[]).unwrap();
        assert_eq!((found.authority(), found.is_https()), ("api.test", true));
        let told = upstream(Some("https://api.test"), &beside).unwrap_err();
        assert!(told.starts_with("LINKGATE_UPSTREAM: expected no upstream beside"), "{told}");
        assert!(upstream(Some("api.test"), &[]).is_err());
    }
}
