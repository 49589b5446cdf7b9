//! What Envoy's own words prove about a request that got no answer.

use linkgate_policy::Failure;

/// How the details of an answer read that came from the upstream.
pub(crate) const ANSWERED: &str = "via_upstream";

/// What Envoy says of a request when no byte of it left: there was no route, no cluster, no host, or
/// no connection. It begins to write a request when it has a connection.
const NOTHING_LEFT: [&str; 4] =
    ["route_not_found", "cluster_not_found", "no_healthy_upstream", "maintenance_mode"];

/// Why there was no connection, as written in the braces of the details.
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

/// Whether the details say that the client's own bytes were none that its version of HTTP has, as
/// `http1.codec_error`.
pub(crate) fn is_of_client(details: &str) -> bool {
    ["http1.", "http2.", "http3.", "codec_error:"].iter().any(|codec| details.starts_with(codec))
}

/// What the body of Envoy's own reply says, where there was one attempt.
pub(crate) fn of_words(words: &str) -> Failure {
    let reset = words.rsplit_once("reset reason: ").map(|(_, reason)| reason);
    let reason = reset
        .and_then(|reason| reason.split(',').next())
        .map(|reason| reason.trim().replace(' ', "_"));
    let unsent = words.starts_with(NO_HOST)
        || reason.is_some_and(|reason| NO_CONNECTION.contains(&reason.as_str()));
    if unsent { Failure::NotSent } else { Failure::Unknown }
}

/// How Envoy says that a cluster has no host to ask.
const NO_HOST: &str = "no healthy upstream";

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

    #[test]
    fn framing_is_the_clients() {
        for (details, expected) in [
            ("http1.codec_error", true),
            ("http2.violation.of.messaging.rule", true),
            ("codec_error:http/1.1_protocol_error:_HPE_INVALID_CHUNK_SIZE", true),
            ("via_upstream", false),
            ("upstream_reset_before_response_started{protocol_error}", false),
            ("", false),
        ] {
            assert_eq!(is_of_client(details), expected, "{details}");
        }
    }

    #[test]
    fn the_words_prove_as_much_as_the_details() {
        let reset = "upstream connect error or disconnect/reset before headers. reset reason: ";
        for (words, expected) in [
            ("no healthy upstream".to_owned(), Failure::NotSent),
            (
                format!("{reset}remote connection failure, transport failure reason: x"),
                Failure::NotSent,
            ),
            (format!("{reset}connection timeout"), Failure::Unknown),
            (format!("{reset}connection termination"), Failure::Unknown),
            ("upstream request timeout".to_owned(), Failure::Unknown),
            (String::new(), Failure::Unknown),
        ] {
            assert_eq!(of_words(&words), expected, "{words}");
        }
    }
}
