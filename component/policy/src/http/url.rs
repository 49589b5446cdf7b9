//! URLs that keys are fetched from: `http[s]://host[:port]/path[?query]` and nothing else.
//!
//! Who may be asked is the policy author's choice, not a discovery document's: a URL that is learnt
//! is held to the same rules as one that is written down.

use core::net::{Ipv4Addr, Ipv6Addr};

/// An absolute URL whose parts no two readers take differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    https: bool,
    /// Lower case, an IPv6 address in its brackets.
    host: String,
}

/// Whom keys may be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Hosts besides the issuer's own, lower case.
    pub(crate) hosts: Vec<String>,
    /// Whether `http` is open beyond loopback.
    pub(crate) allow_http: bool,
}

/// Longest URL, in bytes. Key set URLs have about 60; raised, a discovery document makes us hold more.
const MAX_URL: usize = 2048;

impl Url {
    /// Reads a URL. No user information, fragment, empty host, white space or backslash.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return None,
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\#<>\"{}^`|".contains(&byte);
        if text.len() > MAX_URL || !text.bytes().all(plain) {
            return None;
        }
        let authority = rest.split(['/', '?']).next()?;
        Some(Self { text: text.to_owned(), https, host: host(authority)? })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether keys of `issuer` may be fetched from here; says in a phrase what was expected.
    pub(crate) fn check(&self, issuer: &str, reach: &Reach) -> Result<(), String> {
        if !(self.https || reach.allow_http || is_loopback(&self.host)) {
            return Err("expected an `https` URL".to_owned());
        }
        let own = Self::parse(issuer).is_some_and(|issuer| issuer.host == self.host);
        if own || reach.hosts.contains(&self.host) {
            Ok(())
        } else {
            Err(format!(
                "expected a URL on the issuer's host or on one of `hosts`, found `{}`",
                self.host
            ))
        }
    }
}

/// The host of `host[:port]`.
fn host(authority: &str) -> Option<String> {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside of brackets is the address's own.
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = bracketed.map_or_else(
        || {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        },
        |address| address.parse::<Ipv6Addr>().is_ok(),
    );
    (is_host && port.is_none_or(is_port)).then(|| host.to_ascii_lowercase())
}

/// Addresses of this machine (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_reading() {
        for (text, host) in [
            ("https://Tenant.example/.well-known/jwks.json", Some("tenant.example")),
            ("https://tenant.example", Some("tenant.example")),
            ("https://tenant.example:8443/k?v=1", Some("tenant.example")),
            ("http://[::1]:9/k", Some("[::1]")),
            ("https://tenant.example?x", Some("tenant.example")),
            ("https://good.example@evil.example/", None),
            ("https://good.example\\@evil.example/", None),
            ("https://good.example#@evil.example/", None),
            ("https://tenant.example:0/", None),
            ("https://tenant.example:443x/", None),
            ("https:///k", None),
            ("https://a b/", None),
            ("https://a/\n", None),
            ("HTTPS://tenant.example/", None),
            ("ftp://tenant.example/", None),
            ("//tenant.example/", None),
            ("", None),
        ] {
            let found = Url::parse(text);
            assert_eq!(found.as_ref().map(Url::host), host, "{text}");
        }
    }

    #[test]
    fn keys_come_from_the_issuer_or_from_whom_the_author_names() {
        let reach = |hosts: &[&str], allow_http| Reach {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            allow_http,
        };
        for (row, url, reach, held) in [
            ("its own host", "https://t.example/k", reach(&[], false), true),
            ("its own host, another port", "https://t.example:8443/k", reach(&[], false), true),
            ("another host", "https://keys.example/k", reach(&[], false), false),
            ("a host below", "https://x.t.example/k", reach(&[], false), false),
            ("a listed host", "https://keys.example/k", reach(&["keys.example"], false), true),
            ("no TLS", "http://t.example/k", reach(&[], false), false),
            ("no TLS, allowed", "http://t.example/k", reach(&[], true), true),
            ("loopback", "http://127.0.0.1:1/k", reach(&["127.0.0.1"], false), true),
            (
                "looks like loopback",
                "http://127.0.0.1.example/k",
                reach(&["127.0.0.1.example"], false),
                false,
            ),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(url.check("https://t.example/", &reach).is_ok(), held, "{row}");
        }
    }
}
