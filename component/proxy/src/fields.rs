//! Header lines on their way out.

use linkgate_policy::Header;
use wasi::http::types::{Fields, HeaderError};

/// Lines that end with a hop (RFC 9110 section 7.6.1), and `host`, which names the next one. A host
/// refuses or replaces most of them by itself; one that does not must not pass them on.
const OF_ONE_HOP: [&str; 10] = [
    "connection",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The lines of another's message, without those of the hop that it came over.
pub(crate) fn carried(lines: &[Header]) -> Fields {
    let fields = Fields::new();
    for line in lines.iter().filter(|line| !OF_ONE_HOP.contains(&line.name.as_str())) {
        // What a host refuses here it has its own word on.
        let _ = fields.append(&line.name, &line.value);
    }
    fields
}

/// Adds the policy's own lines. All of them, or it is an error.
pub(crate) fn append(fields: &Fields, lines: &[Header]) -> Result<(), HeaderError> {
    lines.iter().try_for_each(|line| fields.append(&line.name, &line.value))
}
