//! What a host's error proves about a request that got no answer.

use linkgate_policy::Failure;
use wasi::http::types::ErrorCode;

/// `NotSent` only where the code says that no byte of the request left: before there was a
/// connection, or because the host refused to make the request. A doubt is `Unknown`.
///
/// The codes are those of RFC 9209 section 2.3, which says what each means.
pub(crate) fn of(code: &ErrorCode) -> Failure {
    match code {
        // There was no address to connect to.
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        // There was no connection.
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        // A certificate is judged in the handshake, before anything is said to its holder.
        | ErrorCode::TlsCertificateError
        // "The request was not forwarded": the host's own policy, or nothing that can be written.
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid => Failure::NotSent,

        // "Considered unavailable": a health check, or this very request.
        ErrorCode::DestinationUnavailable
        // After the connection was there.
        | ErrorCode::ConnectionTerminated
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        // "During the handshake or afterwards"; a TLS 1.3 server's alert about a client certificate
        // comes after the client has spoken.
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsAlertReceived(_)
        // Found while sending, or the host's words for a 4xx of the upstream's.
        | ErrorCode::HttpRequestLengthRequired
        | ErrorCode::HttpRequestBodySize(_)
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::HttpRequestTrailerSectionSize(_)
        | ErrorCode::HttpRequestTrailerSize(_)
        // An answer was on its way.
        | ErrorCode::HttpResponseIncomplete
        | ErrorCode::HttpResponseHeaderSectionSize(_)
        | ErrorCode::HttpResponseHeaderSize(_)
        | ErrorCode::HttpResponseBodySize(_)
        | ErrorCode::HttpResponseTrailerSectionSize(_)
        | ErrorCode::HttpResponseTrailerSize(_)
        | ErrorCode::HttpResponseTransferCoding(_)
        | ErrorCode::HttpResponseContentCoding(_)
        | ErrorCode::HttpResponseTimeout
        | ErrorCode::HttpUpgradeFailed
        | ErrorCode::HttpProtocolError
        // May be noticed by the server that got the request.
        | ErrorCode::LoopDetected
        // Anything at any time.
        | ErrorCode::ConfigurationError
        | ErrorCode::InternalError(_) => Failure::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use wasi::http::types::DnsErrorPayload;

    use super::*;

    #[test]
    fn only_what_proves_it_says_that_nothing_was_sent() {
        let no_name = ErrorCode::DnsError(DnsErrorPayload { rcode: None, info_code: None });
        for (code, expected) in [
            (no_name, Failure::NotSent),
            (ErrorCode::ConnectionRefused, Failure::NotSent),
            (ErrorCode::ConnectionTimeout, Failure::NotSent),
            (ErrorCode::TlsCertificateError, Failure::NotSent),
            (ErrorCode::TlsProtocolError, Failure::Unknown),
            (ErrorCode::ConnectionTerminated, Failure::Unknown),
            (ErrorCode::ConnectionReadTimeout, Failure::Unknown),
            (ErrorCode::HttpProtocolError, Failure::Unknown),
            (ErrorCode::HttpRequestBodySize(None), Failure::Unknown),
            (ErrorCode::InternalError(None), Failure::Unknown),
        ] {
            assert_eq!(of(&code), expected, "{code:?}");
        }
    }
}
