//! Calls by name of a cluster: posted where one is needed, sent by the root, answered to the root.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use linkgate_policy::{Call, Fetch, Forward, Header};
use proxy_wasm::hostcalls;

use crate::host::{AUTHORITY, METHOD, ONCE, PATH};
use crate::settings::Upstream;

/// What waits to be sent, and what was sent and waits for an answer.
#[derive(Default)]
pub(crate) struct OutboundQueue {
    posted: RefCell<VecDeque<Posted>>,
    sent: RefCell<BTreeMap<u32, Sent>>,
}

/// A call that is not sent yet.
struct Posted {
    cluster: String,
    authority: String,
    method: &'static str,
    path: String,
    headers: Vec<Header>,
    body: Option<Vec<u8>>,
    sent: Sent,
}

/// A call whose answer is awaited.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) purpose: Purpose,
    pub(crate) timeout_ms: u32,
    pub(crate) max_answer_bytes: u32,
}

/// Who gets the answer.
#[derive(Clone)]
pub(crate) enum Purpose {
    /// The exchange of this stream: a call of its own.
    Call(u32),
    /// The exchange of this stream, whose client is gone: the request itself.
    Forward(u32),
    /// All exchanges: a fetch of this source, asked at this wall clock.
    Fetch { source: String, asked_unix_ms: u64 },
}

/// Largest answer that is taken for a request whose client is gone: its body is not read.
const UNREAD_BYTES: u32 = u32::MAX;

impl OutboundQueue {
    /// Posts a call to the upstream.
    pub(crate) fn call(&self, upstream: &Upstream, stream: u32, call: Call) {
        let Call { method, path, headers, body, timeout_ms, max_answer_bytes } = call;
        let sent = Sent { purpose: Purpose::Call(stream), timeout_ms, max_answer_bytes };
        self.post(upstream, method, path, headers, body, sent);
    }

    /// Posts the request itself: its stream is gone, and with it the way through the route.
    pub(crate) fn forward(&self, upstream: &Upstream, stream: u32, forward: Forward) {
        let timeout_ms = forward.timeout_ms;
        let purpose = Purpose::Forward(stream);
        let sent = Sent { purpose, timeout_ms, max_answer_bytes: UNREAD_BYTES };
        self.post(upstream, forward.method, forward.path, forward.headers, forward.body, sent);
    }

    fn post(
        &self,
        upstream: &Upstream,
        method: &'static str,
        path: String,
        headers: Vec<Header>,
        body: Option<Vec<u8>>,
        sent: Sent,
    ) {
        let (cluster, authority) = (upstream.cluster.clone(), upstream.authority.clone());
        let posted = Posted { cluster, authority, method, path, headers, body, sent };
        self.posted.borrow_mut().push_back(posted);
    }

    /// Posts a fetch.
    ///
    /// # Errors
    /// No cluster is configured for the host of its URL.
    pub(crate) fn fetch(
        &self,
        clusters: &BTreeMap<String, String>,
        fetch: Fetch,
        asked_unix_ms: u64,
    ) -> Result<(), String> {
        let Fetch { source, method, url, headers, body, timeout_ms, max_answer_bytes } = fetch;
        let (authority, path) = split(&url);
        let cluster = clusters.get(&authority).cloned().ok_or_else(|| {
            format!("expected a cluster for `{authority}` in `clusters`, found none")
        })?;
        let purpose = Purpose::Fetch { source, asked_unix_ms };
        let sent = Sent { purpose, timeout_ms, max_answer_bytes };
        let posted = Posted { cluster, authority, method, path, headers, body, sent };
        self.posted.borrow_mut().push_back(posted);
        Ok(())
    }

    /// Whether anything waits to be sent.
    pub(crate) fn is_pending(&self) -> bool {
        !self.posted.borrow().is_empty()
    }

    /// Sends what waits. For the root alone. Gives what the host would not send.
    pub(crate) fn send(&self) -> Vec<Sent> {
        let posted: Vec<Posted> = self.posted.borrow_mut().drain(..).collect();
        posted.into_iter().filter_map(|posted| self.dispatch(posted)).collect()
    }

    fn dispatch(&self, posted: Posted) -> Option<Sent> {
        let Posted { cluster, authority, method, path, headers, body, sent } = posted;
        let mut lines = vec![(METHOD, method), (PATH, &*path), (AUTHORITY, &*authority)];
        for line in &headers {
            let Ok(value) = std::str::from_utf8(&line.value) else { return Some(sent) };
            lines.push((&line.name, value));
        }
        lines.push(ONCE);
        let timeout = Duration::from_millis(sent.timeout_ms.into());
        let body = body.as_deref();
        match hostcalls::dispatch_http_call(&cluster, lines, body, vec![], timeout) {
            Ok(token) => {
                self.sent.borrow_mut().insert(token, sent);
                None
            }
            Err(_status) => Some(sent),
        }
    }

    /// What the call of that token was for.
    pub(crate) fn take(&self, token: u32) -> Option<Sent> {
        self.sent.borrow_mut().remove(&token)
    }
}

/// The authority of an absolute URL, and what it is asked for.
pub(crate) fn split(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let path = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    (authority.to_owned(), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_authority_and_a_target() {
        for (url, authority, path) in [
            ("http://127.0.0.1:8080/keys", "127.0.0.1:8080", "/keys"),
            ("https://tenant.test", "tenant.test", "/"),
            ("https://tenant.test?a=/b", "tenant.test", "/?a=/b"),
            ("https://[::1]:9/a/b?c://d", "[::1]:9", "/a/b?c://d"),
        ] {
            assert_eq!(split(url), (authority.to_owned(), path.to_owned()), "{url}");
        }
    }
}
