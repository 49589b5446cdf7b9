//! What Envoy's own words prove about a request that got no answer.

use linkgate_policy::Failure;

/// How the details of an answer read that came from the upstream.
pub(crate) const ANSWERED: &str = "via_upstream";

/// What Envoy says of a request when no byte of it left: there was no route, no cluster, no host, or
/// no connection. It begins to write a request when it has a connection.
const NOTHING_LEFT: [&str; 4] =
    ["route_not_found", "cluster_not_found", "no_healthy_upstream", "maintenance_mode"];

/// Why a connection was not there, as it stands in the braces of the details.
const NO_CONNECTION: [&str; 4] =
    ["connection_failure", "remote_connection_failure", "local_connection_failure", "overflow"];

/// What the details (`response.code_details`) of Envoy's own reply say, after so many attempts. What
/// is not surely unsent is unknown.
pub(crate) fn of(details: &str, attempts: u64) -> Failure {
    let reset = details.strip_prefix("upstream_reset_before_response_started{");
    let reason = reset.and_then(|rest| rest.split(['|', ',', '}', '{']).next());
    let unsent = NOTHING_LEFT.contains(&details)
        || reason.is_some_and(|reason| NO_CONNECTION.contains(&reason.trim()));
    // An attempt before this one may have gone further.
    if unsent && attempts <= 1 { Failure::NotSent } else { Failure::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_proves_it_says_that_nothing_was_sent() {
        for (details, attempts, expected) in [
            ("no_healthy_upstream", 0, Failure::NotSent),
            ("route_not_found", 0, Failure::NotSent),
            (
                "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
                1,
                Failure::NotSent,
            ),
            ("upstream_reset_before_response_started{connection_failure}", 1, Failure::NotSent),
            ("upstream_reset_before_response_started{connection_failure}", 2, Failure::Unknown),
            ("upstream_reset_before_response_started{connection_termination}", 1, Failure::Unknown),
            ("upstream_reset_before_response_started{remote_reset}", 1, Failure::Unknown),
            ("response_timeout", 1, Failure::Unknown),
            ("upstream_response_timeout", 1, Failure::Unknown),
            ("", 0, Failure::Unknown),
        ] {
            assert_eq!(of(details, attempts), expected, "{details}");
        }
    }
}
