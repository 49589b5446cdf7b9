//! The address of a server.

use std::str::FromStr;

/// Where requests go: a scheme and an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    is_https: bool,
    authority: String,
}

impl Server {
    /// The server of an absolute URL, and what it is asked for in origin-form.
    ///
    /// # Errors
    ///
    /// The URL is none, in a phrase.
    pub fn of_url(url: &str) -> Result<(Self, String), &'static str> {
        let after_scheme = url.find("://").map_or(0, |at| at.saturating_add(3));
        let end = url.match_indices(['/', '?']).map(|(at, _)| at).find(|at| *at >= after_scheme);
        let (server, target) = url.split_at_checked(end.unwrap_or(url.len())).unwrap_or((url, ""));
        let path = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok((server.parse()?, path))
    }

    /// Whether its scheme is `https`; else it is `http`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// `host[:port]`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (is_https, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(EXPECTED),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if !is_authority(authority) {
            return Err(EXPECTED);
        }
        Ok(Self { is_https, authority: authority.to_owned() })
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
        |address| address.parse::<core::net::Ipv6Addr>().is_ok(),
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
    fn a_server_is_a_scheme_and_an_authority() {
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
            let found = url.parse::<Server>().ok().map(|server| server.authority);
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_url_is_a_server_and_a_target() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/keys", Some(("127.0.0.1:8080", "/keys"))),
            ("https://tenant.test", Some(("tenant.test", "/"))),
            ("https://tenant.test?a=/b", Some(("tenant.test", "/?a=/b"))),
            ("https://[::1]:9/a/b?c://d", Some(("[::1]:9", "/a/b?c://d"))),
            ("https://a:b@tenant.test/keys", None),
            ("/keys", None),
        ] {
            let found = Server::of_url(url).ok().map(|(server, path)| (server.authority, path));
            let expected = expected.map(|(server, path)| (server.to_owned(), path.to_owned()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
