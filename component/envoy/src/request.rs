//! The client's request: as the policy sees it, and as it goes on.

use linkgate_policy::{Forward, Head, Header, Policy};
use proxy_wasm::types::{BufferType, MapType};

use crate::host::{self, AUTHORITY, Lines, METHOD, ONCE, PATH};
use crate::open::{Open, RequestBody};
use crate::settings::Upstream;

/// What was seen of a request when it came.
pub(crate) struct Seen {
    /// What the policy gets to see: method, target, and the header lines that it wants.
    pub(crate) head: Head,
    /// The client offers another protocol.
    pub(crate) offers_protocol: bool,
    /// What Envoy has said of the client's connection.
    pub(crate) of_connection: Lines,
}

/// Looks at the head of the request.
pub(crate) fn head(policy: &Policy) -> Seen {
    // By `use_remote_address` it is the peer of the connection. Without, Envoy takes the client's word for it in
    // `x-forwarded-for`, and then its port is 0: no address to the core.
    let peer = if policy.wants_peer() { host::attribute(&["source", "address"]) } else { None };
    let peer = peer.map(|peer| String::from_utf8_lossy(&peer).into_owned());
    let mut head = Head { method: String::new(), target: Vec::new(), headers: Vec::new(), peer };
    let (mut offers_protocol, mut of_connection) = (false, Lines::new());
    for (name, value) in host::lines(MapType::HttpRequestHeaders) {
        offers_protocol |= OFFERS.contains(&name.as_str());
        if OF_CONNECTION.contains(&name.as_str()) {
            of_connection.push((name.clone(), value.clone()));
        }
        match name.as_str() {
            METHOD => head.method = String::from_utf8_lossy(&value).into_owned(),
            PATH => head.target = value,
            _ if policy.wants(&name) => head.headers.push(Header { name, value }),
            _ => {}
        }
    }
    Seen { head, offers_protocol, of_connection }
}

/// What a client offers another protocol by.
const OFFERS: [&str; 2] = ["upgrade", "http2-settings"];

/// Puts the policy's request in the place of the client's, whole: no line of the client's stays.
/// What is there of the client's body is replaced.
///
/// A body that is still coming goes nowhere: what the host holds of it is replaced when it has ended.
pub(crate) fn rewrite(upstream: &Upstream, forward: &Forward, open: &Open) {
    let has_body = open.body != RequestBody::None;
    let length = forward.body.as_ref().map_or(0, Vec::len).to_string();
    let timeout = forward.timeout_ms.to_string();
    let mut lines: Vec<(&str, &[u8])> = vec![
        (METHOD, forward.method.as_bytes()),
        (PATH, forward.path.as_bytes()),
        (AUTHORITY, upstream.authority.as_bytes()),
    ];
    lines.extend(open.of_connection.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
    lines.extend(forward.headers.iter().map(|line| (line.name.as_str(), line.value.as_slice())));
    if forward.body.is_some() || has_body {
        lines.push(("content-length", length.as_bytes()));
    }
    // Both are for Envoy's router, which takes them off.
    lines.push((ONCE.0, ONCE.1.as_bytes()));
    lines.push(("x-envoy-upstream-rq-timeout-ms", timeout.as_bytes()));
    host::set_lines(MapType::HttpRequestHeaders, lines);
    if open.held.bytes && open.body == RequestBody::Here {
        host::set_body(BufferType::HttpRequestBody, forward.body.as_deref().unwrap_or_default());
    }
    if open.held.trailers {
        host::set_lines(MapType::HttpRequestTrailers, Vec::new());
    }
}

/// Takes an offer of another protocol off a request that goes on unchanged otherwise. Envoy drops one of `h2c`
/// by itself, but not its settings where they come alone.
pub(crate) fn drop_offer() {
    for name in OFFERS {
        host::remove_line(MapType::HttpRequestHeaders, name);
    }
}

/// What is wrong with the cluster that an answer has come from, if it is not the upstream's: the
/// rewritten request found its route anew. Before an answer Envoy does not tell where that leads.
pub(crate) fn elsewhere(upstream: &Upstream) -> Option<String> {
    let found = host::attribute(&["xds", "cluster_name"])?;
    let expected = upstream.cluster.as_str();
    (found != expected.as_bytes()).then(|| {
        format!(
            "linkgate: expected the route of a request for `{}` to lead to the cluster `{expected}`, \
             found `{}`, whose answer is not relayed (help: no other virtual host may have this \
             authority)",
            upstream.authority,
            String::from_utf8_lossy(&found),
        )
    })
}

/// What Envoy says of the client's connection, and has to find again: it finds no route without.
/// The example's route has the second one taken off.
const OF_CONNECTION: [&str; 2] = [":scheme", "x-forwarded-proto"];
