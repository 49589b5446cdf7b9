//! Cross-origin requests (Fetch standard, section "CORS protocol").
//!
//! Exact origins, never reflected, never with credentials: the bearer token is the credential.

use super::message::{Header, HeaderEdits, Lines, Reply};
use crate::rules::Rules;

/// What a browser's page may send besides the headers it may always send.
const ALLOWED_HEADERS: &str = "authorization, content-type, auth0-client, traceparent, tracestate";

/// What a page may ask, everywhere under the guarded base. Whether it is open is said to the request
/// itself: of a preflight that fails, a page learns nothing but that.
const ALLOWED_METHODS: &str = "GET, POST, PUT, PATCH, DELETE";

/// What a browser's page may read besides the headers it may always read.
const EXPOSED_HEADERS: &str = "WWW-Authenticate, Retry-After, X-RateLimit-Limit, \
     X-RateLimit-Remaining, X-RateLimit-Reset";

/// The CORS headers of one exchange: what its origin is owed.
#[derive(Clone, Default)]
pub(crate) struct Cors {
    configured: bool,
    /// The origin, when it is one of the configured.
    origin: Option<String>,
}

impl Cors {
    pub(crate) fn of(lines: Lines<'_>, rules: &Rules) -> Self {
        let Some(cors) = &rules.cors else {
            return Self::default();
        };
        let sent = lines.sole("origin").and_then(|origin| str::from_utf8(origin).ok());
        let origin = sent.and_then(|origin| cors.origins.find(origin)).cloned();
        Self { configured: true, origin }
    }

    /// The headers for a reply of ours or of the upstream's.
    pub(crate) fn headers(&self) -> Vec<Header> {
        let mut headers = Vec::new();
        if self.configured {
            // Also without an allowed origin: a cache must not give this reply to another one.
            headers.push(Header::new("vary", "Origin"));
        }
        if let Some(origin) = &self.origin {
            headers.push(Header::new("access-control-allow-origin", origin));
            headers.push(Header::new("access-control-expose-headers", EXPOSED_HEADERS));
        }
        headers
    }

    /// The edits to an upstream's answer: our word on CORS in place of its own.
    pub(crate) fn edits(&self) -> HeaderEdits {
        HeaderEdits { remove: vec!["access-control-*".to_owned()], append: self.headers() }
    }

    /// The answer to a preflight. It needs no token: a browser sends none.
    pub(crate) fn preflight(&self, rules: &Rules) -> Reply {
        let mut headers =
            vec![Header::new("vary", "Origin"), Header::new("cache-control", "no-store")];
        if let (Some(origin), Some(cors)) = (&self.origin, &rules.cors) {
            let allowed = rules
                .forward_headers
                .iter()
                .fold(ALLOWED_HEADERS.to_owned(), |all, name| format!("{all}, {name}"));
            headers.push(Header::new("access-control-allow-origin", origin));
            headers.push(Header::new("access-control-allow-methods", ALLOWED_METHODS));
            headers.push(Header::new("access-control-allow-headers", &allowed));
            headers.push(Header::new("access-control-max-age", &cors.max_age_s.to_string()));
        }
        Reply { status: 204, headers, body: Vec::new() }
    }
}
