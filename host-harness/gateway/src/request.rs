//! Requests for the upstream: the policy's own, or the client's unchanged.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::SocketAddr;

use hyper::body::Body;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};

use crate::content::Content;
use crate::contract::{Call, Forward, Head, Header, HeaderEdits};
use crate::hop;
use crate::intake::RequestLine;
use crate::upstream::Upstream;

/// A client's request: the line as received, the headers, the body as far as it has not been used.
pub(crate) struct ClientRequest {
    /// Who is at the other end of the connection.
    pub(crate) peer: SocketAddr,
    pub(crate) line: RequestLine,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

impl ClientRequest {
    /// What the policy gets to see: the line, and the header lines it `wanted`.
    pub(crate) fn head(&self, wanted: &WantedHeaders) -> Head {
        let headers = self
            .headers
            .iter()
            .filter(|(name, _value)| wanted.has(name.as_str()))
            .map(line)
            .collect();
        Head {
            method: self.method.as_str().to_owned(),
            target: self.line.target.clone(),
            headers,
            peer: Some(self.peer.ip().to_string()),
        }
    }

    /// The client's request as it goes on: the same line, body and trailers, the headers without
    /// those of the hop and with the policy's edits. It takes the body with it. `None` when the line is not of
    /// a kind that can be sent on unchanged (absolute-form, authority-form, a fragment), or an edit is no header
    /// line: then nothing is sent.
    pub(crate) fn pass(
        &mut self,
        edits: &HeaderEdits,
        upstream: &Upstream,
    ) -> Option<Request<Content>> {
        let target = exact_target(&self.line.target)?;
        let content = std::mem::replace(&mut self.content, Content::whole(Vec::new()));
        let mut headers = std::mem::take(&mut self.headers);
        let takes_trailers = wants_trailers(&headers);
        let had_length = headers.contains_key(header::CONTENT_LENGTH);
        hop::strip(&mut headers);
        edit(&mut headers, edits)?;
        headers.remove(header::CONTENT_LENGTH);
        match content.size_hint().exact() {
            Some(length) if had_length || length > 0 => {
                headers.insert(header::CONTENT_LENGTH, length.into());
            }
            Some(_) => {}
            None => {
                headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
        if takes_trailers {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
        headers.insert(header::HOST, upstream.authority().clone());
        Some(assemble(self.method.clone(), target, headers, content))
    }
}

/// The names of the lines that are handed over, as `policy.wanted-headers` has them: an entry that ends in `*` is a
/// prefix. They are looked up folded, for each line of each request.
#[derive(Default)]
pub(crate) struct WantedHeaders {
    names: HashSet<String>,
    prefixes: Vec<String>,
}

impl WantedHeaders {
    fn has(&self, name: &str) -> bool {
        let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        // hyper has names in lower case already.
        let is_folded = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let name: Cow<'_, str> =
            if is_folded { name.into() } else { name.chars().map(fold).collect() };
        self.names.contains(&*name)
            || self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

impl FromIterator<String> for WantedHeaders {
    fn from_iter<I: IntoIterator<Item = String>>(entries: I) -> Self {
        let mut wanted = Self::default();
        for entry in entries {
            match entry.strip_suffix('*') {
                Some(prefix) => wanted.prefixes.push(prefix.to_owned()),
                None => _ = wanted.names.insert(entry),
            }
        }
        wanted
    }
}

/// The policy's request: exactly what the step says, with `host` and the framing. `None` when HTTP
/// cannot say it: then nothing is sent.
pub(crate) fn forward(step: Forward, upstream: &Upstream) -> Option<Request<Content>> {
    let method = Method::from_bytes(step.method.as_bytes()).ok()?;
    let target = exact_target(step.path.as_bytes())?;
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, upstream.authority().clone());
    for line in step.headers {
        let (name, value) = parse_line(&line)?;
        if name != header::HOST && !hop::is_framing(&name) {
            headers.append(name, value);
        }
    }
    let content = match step.body {
        Some(body) => {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
            Content::whole(body)
        }
        None => Content::whole(Vec::new()),
    };
    Some(assemble(method, target, headers, content))
}

/// A call of the policy's own, likewise.
pub(crate) fn call(step: Call, upstream: &Upstream) -> Option<Request<Content>> {
    let Call { method, path, headers, body, timeout_ms, .. } = step;
    forward(Forward { method, path, headers, body, timeout_ms }, upstream)
}

/// Edits the lines of a message: first the removals, of names or of prefixes that end in `*`, then the
/// additions. `None` when one of these is no header line; the host writes the framing by itself.
pub(crate) fn edit(headers: &mut HeaderMap, edits: &HeaderEdits) -> Option<()> {
    for remove in &edits.remove {
        let removed: Vec<HeaderName> = match remove.strip_suffix('*') {
            Some(prefix) => {
                headers.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect()
            }
            None => HeaderName::from_bytes(remove.as_bytes()).into_iter().collect(),
        };
        for name in removed {
            headers.remove(name);
        }
    }
    for line in &edits.append {
        let (name, value) = parse_line(line)?;
        if !hop::is_framing(&name) {
            headers.append(name, value);
        }
    }
    Some(())
}

/// Header lines as the policy takes them.
pub(crate) fn lines(headers: &HeaderMap) -> Vec<Header> {
    headers.iter().map(line).collect()
}

fn line((name, value): (&HeaderName, &HeaderValue)) -> Header {
    Header { name: name.as_str().to_owned(), value: value.as_bytes().to_vec() }
}

/// A header line as hyper takes it, unless it is none.
pub(crate) fn parse_line(line: &Header) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
    let value = HeaderValue::from_bytes(&line.value).ok()?;
    Some((name, value))
}

/// `target` as hyper will write it, provided that is byte for byte what it is: in origin-form, or
/// the asterisk-form (RFC 9112 section 3.2).
fn exact_target(target: &[u8]) -> Option<Uri> {
    if !target.starts_with(b"/") && target != b"*" {
        return None;
    }
    let uri = Uri::try_from(target).ok()?;
    let same = uri.path_and_query().is_some_and(|written| written.as_str().as_bytes() == target);
    (same && uri.authority().is_none()).then_some(uri)
}

/// RFC 9110 section 10.1.4: whether the client takes trailers. It is asked anew for the next hop.
fn wants_trailers(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::TE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

fn assemble(method: Method, target: Uri, headers: HeaderMap, content: Content) -> Request<Content> {
    let mut request = Request::new(content);
    *request.method_mut() = method;
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    request
}
