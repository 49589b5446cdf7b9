//! The configuration, from the environment.

use linkgate_policy::edition::{Environment, Server};

/// The API behind the gate.
const UPSTREAM: &str = "LINKGATE_UPSTREAM";

/// What the environment says.
pub(crate) struct Settings {
    pub(crate) policy: Environment,
    /// No request can choose another.
    pub(crate) upstream: Result<Server, String>,
}

impl Settings {
    /// Reads all variables; what is wrong with one keeps none of the others from being read.
    pub(crate) fn read(variables: &[(String, String)]) -> Self {
        let named = variables.iter().rev().find(|(name, _)| name == UPSTREAM);
        let upstream = match named {
            Some((_, url)) => url.parse().map_err(|error| format!("{UPSTREAM}: {error}")),
            None => Err(format!("{UPSTREAM}: expected `http[s]://host[:port]`, found nothing")),
        };
        Self { policy: Environment::read(variables), upstream }
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
}
