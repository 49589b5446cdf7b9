//! The client's request, as the host hands it over.

use linkgate_policy::{Head, Header, Policy};
use wasi::http::types::{IncomingRequest, Method};

/// What the policy gets to see: method, target, and the header lines that it wants.
pub(crate) fn head(request: &IncomingRequest, policy: &Policy) -> Head {
    let wants = |line: &Header| policy.wants(&line.name);
    let headers = lines(request).into_iter().filter(wants).collect();
    Head {
        method: method(&request.method()),
        target: target(request).into_bytes(),
        headers,
        peer: None,
    }
}

/// All header lines that the host shows, names in lower case.
pub(crate) fn lines(request: &IncomingRequest) -> Vec<Header> {
    let entries = request.headers().entries();
    let line = |(name, value): (String, Vec<u8>)| Header { name: name.to_ascii_lowercase(), value };
    entries.into_iter().map(line).collect()
}

/// The request target, as far as `wasi:http` has it: path and query; of CONNECT the authority. A
/// host takes scheme, authority and fragment off before we see it.
fn target(request: &IncomingRequest) -> String {
    request.path_with_query().or_else(|| request.authority()).unwrap_or_default()
}

/// A method as it is on the wire.
fn method(method: &Method) -> String {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => other,
    }
    .to_owned()
}
