//! What a policy document says of headers: which go on, and which origins may read an answer.

use super::advice;
use super::section::{Entry, Section};
use crate::http::override_headers;
use crate::rules::FORWARDED;
use crate::rules::cors::CorsRules;

pub(super) fn cors(mut section: Section<'_>) -> CorsRules {
    let origins =
        section.required("origins").map(|entry| entry.filled_list(origin)).unwrap_or_default();
    let origins = origins.into_iter().collect();
    // Browsers cap it themselves, at two hours or a day.
    let max_age_ms = section
        .optional("max_age")
        .and_then(|entry| entry.duration_ms(0..=86_400_000))
        .unwrap_or(600_000);
    section.end();
    CorsRules { origins, max_age_s: max_age_ms / 1000 }
}

/// What the pages of apps have that are packed with Capacitor and Ionic: their own scheme, one host.
const APP_ORIGINS: [&str; 2] = ["capacitor://localhost", "ionic://localhost"];

/// A serialized origin (RFC 6454 section 6.2): scheme, host, port, and nothing after it.
fn origin(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if APP_ORIGINS.contains(&text) {
        return Some(text.to_owned());
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte)
            })
    };
    if host.is_some_and(plain) {
        advice::placeholder(entry, text);
        advice::origin(entry, text);
        return Some(text.to_owned());
    }
    let meant =
        meant(text).filter(|meant| meant.split_once("://").is_some_and(|(_, host)| plain(host)));
    entry.mistaken(
        format!("expected an exact origin such as `https://app.example`, in lower case, without a path, found `{text}`"),
        meant.map(|meant| format!("a browser sends `{meant}`, without a slash at its end")),
    )
}

/// The origin of a URL, as a browser writes it (RFC 6454 section 6.2).
fn meant(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    ["https", "http"].contains(&scheme.as_str()).then(|| format!("{scheme}://{host}"))
}

/// Headers that are never the client's to send on: framing and connection, credentials, and what
/// servers take for the request's authority. For its path and method, [`override_headers`] has them.
const NEVER_FORWARDED: [&str; 19] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-type",
    "content-encoding",
    "expect",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// Families of such headers.
const NEVER_FORWARDED_PREFIXES: [&str; 3] = ["x-original-", "x-rewrite-", "x-envoy-"];

/// A header that goes on besides the usual ones.
pub(super) fn forwarded(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    let name = text.to_ascii_lowercase();
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.bytes().all(letter) {
        return entry.wrong("a header name of letters, digits and `-`", &format!("`{text}`"));
    }
    let never = NEVER_FORWARDED.contains(&name.as_str())
        || NEVER_FORWARDED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || override_headers::is_override(&name);
    if never {
        return entry.wrong("a header that is the client's to send on", &format!("`{text}`"));
    }
    if FORWARDED.contains(&name.as_str()) {
        return entry.wrong("a header that is not sent on anyway", &format!("`{text}`"));
    }
    Some(name)
}
