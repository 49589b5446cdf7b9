//! The address of the API behind the gate.

use std::str::FromStr;

use wasi::http::types::Scheme;

/// Where requests go: a scheme and an authority. No request can choose another.
pub(crate) struct Upstream {
    pub(crate) scheme: Scheme,
    pub(crate) authority: String,
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (Scheme::Http, rest),
            (None, Some(rest)) => (Scheme::Https, rest),
            (None, None) => return Err(EXPECTED),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if !is_authority(authority) {
            return Err(EXPECTED);
        }
        Ok(Self { scheme, authority: authority.to_owned() })
    }
}

/// The value itself stays out of the message: somebody may have put a password into it.
const EXPECTED: &str = "expected `http[s]://host[:port]`, found something else";

/// `host[:port]` (RFC 3986 section 3.2) without user information.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // A colon inside of brackets is the address's own.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = bracketed.map_or_else(
        || {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        },
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    };
    is_host && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_scheme_and_an_authority() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("https://tenant.test", Some("tenant.test")),
            ("http://tenant.test/", Some("tenant.test")),
            ("http://[::1]:9", Some("[::1]:9")),
            ("http://[::1]", Some("[::1]")),
            ("tenant.test:80", None),
            ("ftp://tenant.test", None),
            ("http://a:b@tenant.test", None),
            ("http://tenant.test/api", None),
            ("http://tenant.test?x", None),
            ("http://tenant.test#x", None),
            ("http://tenant.test:99999", None),
            ("http://tenant.test:+1", None),
            ("http://tenant.test:", None),
            ("http://tenant.test:0", None),
            ("http://", None),
            ("http://[::1", None),
            ("", None),
        ] {
            let found = url.parse::<Upstream>().ok().map(|upstream| upstream.authority);
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }
}
