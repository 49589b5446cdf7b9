//! Answers to the client: the upstream's with edits, or the policy's own.

use linkgate_policy::{AnswerHead, Failure, Header, HeaderEdits, Reply};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MapType};

use crate::failure;
use crate::host::{self, STATUS};

/// What Envoy says of where the answer that has come is from.
pub(crate) fn details() -> String {
    let details = host::attribute(&["response", "code_details"]).unwrap_or_default();
    String::from_utf8_lossy(&details).into_owned()
}

/// The status of the answer that has come; or why it is Envoy's own, as the details say, and none of the upstream's.
pub(crate) fn status(details: &str) -> Result<u16, Failure> {
    is_from_upstream(details)?;
    let status = host::value(MapType::HttpResponseHeaders, STATUS);
    status.and_then(|status| number(&status)).ok_or(Failure::Unknown)
}

/// Likewise its head, and the names of all its lines.
pub(crate) fn head(details: &str) -> Result<(AnswerHead, Vec<String>), Failure> {
    is_from_upstream(details)?;
    let lines = host::lines(MapType::HttpResponseHeaders);
    let status = lines.iter().find(|(name, _)| name == STATUS);
    let status = status.and_then(|(_, status)| number(status)).ok_or(Failure::Unknown)?;
    let names = lines.iter().map(|(name, _)| name.clone()).collect();
    let lines = lines.into_iter().map(|(name, value)| Header { name, value });
    Ok((AnswerHead::of(status, lines), names))
}

fn is_from_upstream(details: &str) -> Result<(), Failure> {
    if details == failure::ANSWERED {
        return Ok(());
    }
    let attempts = host::number(&["upstream", "request_attempt_count"]).unwrap_or(1);
    // The access log tells of the reply that takes its place.
    host::log(LogLevel::Info, &format!("no answer of the upstream's: {details}"));
    Err(failure::of(details, attempts))
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Edits the head of a message that goes on: of the client's request, or of the upstream's answer. The names of its
/// lines are asked for where they are not known.
pub(crate) fn edit(edits: &HeaderEdits, message: MapType, known: &[String]) {
    let fetched: Vec<String>;
    let names = match known {
        _ if edits.remove.is_empty() => &[],
        [] => {
            fetched = host::lines(message).into_iter().map(|(name, _)| name).collect();
            fetched.as_slice()
        }
        known => known,
    };
    for name in names.iter().filter(|name| is_removed(name, &edits.remove)) {
        host::remove_line(message, name);
    }
    for line in &edits.append {
        host::add_line(message, &line.name, &line.value);
    }
}

/// A name that ends in `*` is a prefix.
fn is_removed(name: &str, remove: &[String]) -> bool {
    remove.iter().any(|removed| match removed.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == removed,
    })
}

/// The policy's own reply. Envoy adds the framing.
pub(crate) fn respond(reply: &Reply) {
    let values: Vec<_> =
        reply.headers.iter().map(|line| String::from_utf8_lossy(&line.value)).collect();
    let names = reply.headers.iter().map(|line| line.name.as_str());
    let lines = names.zip(values.iter().map(AsRef::as_ref)).collect();
    let body = (!reply.body.is_empty()).then_some(reply.body.as_slice());
    let _ = hostcalls::send_http_response(reply.status.into(), lines, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_removed_by_name_or_by_prefix() {
        let remove = ["access-control-*".to_owned(), "vary".to_owned()];
        let names = ["access-control-allow-origin", "vary", "vary-not", "x"];
        let kept: Vec<&str> = names.into_iter().filter(|name| !is_removed(name, &remove)).collect();
        assert_eq!(kept, ["vary-not", "x"]);
    }
}
