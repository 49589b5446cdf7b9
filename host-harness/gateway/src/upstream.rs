//! The address of the API behind the gateway.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::header::HeaderValue;

use crate::error::StartError;
use crate::tls::{CaSource, HTTP_1, HTTP_2, Roots, Tls};

/// Where requests go: `http://host[:port]` or `https://host[:port]`, nothing more. The only authority the gateway ever talks
/// to; no request can choose another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    host: String,
    port: u16,
    authority: HeaderValue,
    tls: bool,
    ca: Option<CaSource>,
    http1_only: bool,
}

impl Upstream {
    /// Host name or address to connect to, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The same upstream, its certificate checked against `ca` and nothing else. Without this the
    /// system's roots are trusted. Of no effect on `http`.
    #[must_use]
    pub fn trusting(self, ca: CaSource) -> Self {
        Self { ca: Some(ca), ..self }
    }

    /// The same upstream, spoken to over HTTP/1.1 alone. Without this one over TLS may choose HTTP/2 (ALPN).
    #[must_use]
    pub fn http1_only(self) -> Self {
        Self { http1_only: true, ..self }
    }

    /// Whom its certificate is checked against, in place of the system's roots.
    pub(crate) fn ca(&self) -> Option<&CaSource> {
        self.ca.as_ref()
    }

    /// What it takes to speak TLS with it; nothing on `http`.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, StartError> {
        let protocols: &[&[u8]] = if self.http1_only { &[HTTP_1] } else { &[HTTP_2, HTTP_1] };
        self.tls.then(|| Roots::read(self.ca.as_ref(), protocols)?.tls(&self.host)).transpose()
    }

    /// The value of `Host` (RFC 9110 section 7.2) on every request sent to it.
    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(url: &str) -> Result<Self, UpstreamError> {
        // `http::Uri` drops a fragment without a word.
        if url.contains('#') {
            return Err(UpstreamError::Tail);
        }
        let uri: Uri = url.parse().map_err(|_invalid| UpstreamError::NotAUrl)?;
        let (tls, default_port) = match uri.scheme_str() {
            Some("http") => (false, HTTP_PORT),
            Some("https") => (true, HTTPS_PORT),
            Some(_) | None => return Err(UpstreamError::NotAUrl),
        };
        let authority = uri.authority().ok_or(UpstreamError::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(UpstreamError::UserInfo);
        }
        if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err(UpstreamError::Tail);
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port,
            Some(port) => {
                port.trim_start_matches(':').parse().map_err(|_invalid| UpstreamError::NotAUrl)?
            }
            None => return Err(UpstreamError::NotAUrl),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 {
            return Err(UpstreamError::NotAUrl);
        }
        let authority =
            HeaderValue::from_str(authority.as_str()).map_err(|_invalid| UpstreamError::NotAUrl)?;
        Ok(Self { host: host.to_owned(), port, authority, tls, ca: None, http1_only: false })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", String::from_utf8_lossy(self.authority.as_bytes()))
    }
}

/// What is wrong with an upstream's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamError {
    /// Not of the form `http://host[:port]` or `https://host[:port]`.
    NotAUrl,
    /// A user name or password in the address.
    UserInfo,
    /// A path, query or fragment after the authority.
    Tail,
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAUrl => "expected `http://host[:port]` or `https://host[:port]`",
            Self::UserInfo => "expected `http://host[:port]`, found user information before `@`",
            Self::Tail => "expected `http://host[:port]`, found a path, query or fragment after it",
        })
    }
}

impl std::error::Error for UpstreamError {}

/// RFC 9110 section 4.2.1.
const HTTP_PORT: u16 = 80;

/// RFC 9110 section 4.2.2.
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_scheme_and_an_authority() {
        let rows = [
            ("http://127.0.0.1:8080", Ok(("127.0.0.1", 8080, "127.0.0.1:8080"))),
            ("http://tenant.test", Ok(("tenant.test", 80, "tenant.test"))),
            ("http://tenant.test/", Ok(("tenant.test", 80, "tenant.test"))),
            ("http://[::1]:9", Ok(("::1", 9, "[::1]:9"))),
            ("https://tenant.test", Ok(("tenant.test", 443, "tenant.test"))),
            ("https://[::1]:9", Ok(("::1", 9, "[::1]:9"))),
            ("tenant.test:80", Err(UpstreamError::NotAUrl)),
            ("ftp://tenant.test", Err(UpstreamError::NotAUrl)),
            ("http://a:b@tenant.test", Err(UpstreamError::UserInfo)),
            ("http://tenant.test/api", Err(UpstreamError::Tail)),
            ("http://tenant.test?x", Err(UpstreamError::Tail)),
            ("http://tenant.test#x", Err(UpstreamError::Tail)),
            ("http://tenant.test:99999", Err(UpstreamError::NotAUrl)),
            ("http://tenant.test:0", Err(UpstreamError::NotAUrl)),
            ("", Err(UpstreamError::NotAUrl)),
        ];
        for (url, expected) in rows {
            let found = url.parse::<Upstream>();
            let found = found
                .as_ref()
                .map(|up| (up.host(), up.port(), up.authority.to_str().unwrap()))
                .map_err(|e| *e);
            assert_eq!(found, expected, "{url}");
        }
    }
}
