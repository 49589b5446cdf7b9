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

/// Most that the lines of a head may take, in bytes, as hosts count them: wasmtime ends an instance whose guest writes
/// more than 128 KiB into a head, though it hands over larger ones. Raised beyond that, one request ends the instance.
const MAX_HEAD: usize = 120 << 10;

/// What a host counts for each line besides its name and its value.
const LINE: usize = 80;

/// The lines of another's message, without those of the hop that it came over; none when they are too large for a host
/// to take all of them. A part of them would be another message.
pub(crate) fn carried(lines: Vec<Header>) -> Option<Fields> {
    let size = |line: &Header| line.name.len() + line.value.len() + LINE;
    if lines.iter().map(size).sum::<usize>() > MAX_HEAD {
        return None;
    }
    let carried = |line: &Header| !OF_ONE_HOP.contains(&line.name.as_str());
    Some(taken(lines.into_iter().filter(carried)))
}

/// Those of these lines that the host takes: on the others it has its own word.
pub(crate) fn taken(lines: impl Iterator<Item = Header>) -> Fields {
    let lines = listed(lines);
    Fields::from_list(&lines).unwrap_or_else(|_refused| {
        let fields = Fields::new();
        for (name, value) in &lines {
            let _ = fields.append(name, value);
        }
        fields
    })
}

/// All of these lines, or it is an error.
pub(crate) fn all(lines: impl Iterator<Item = Header>) -> Result<Fields, HeaderError> {
    Fields::from_list(&listed(lines))
}

/// Lines as a host takes them in one call: one for each would be a way into the host and back for each.
fn listed(lines: impl Iterator<Item = Header>) -> Vec<(String, Vec<u8>)> {
    lines.map(|line| (line.name, line.value)).collect()
}

/// Adds the policy's own lines. All of them, or it is an error.
pub(crate) fn append(fields: &Fields, lines: &[Header]) -> Result<(), HeaderError> {
    lines.iter().try_for_each(|line| fields.append(&line.name, &line.value))
}

/// The line that says how long a body is.
pub(crate) fn content_length(body: &[u8]) -> Header {
    Header::new("content-length", &body.len().to_string())
}
