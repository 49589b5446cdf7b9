//! What the tenant received, kept for tests and people who want to look.

use std::collections::{BTreeMap, VecDeque};

use crate::request::Request;
use crate::route::Operation;

/// A request the tenant received, and the status it was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The number of the request since the start, from 1.
    pub number: u64,
    /// When it was answered, in seconds since 1970.
    pub at_unix_s: u64,
    /// What it asked for.
    pub operation: Operation,
    /// The request, whole.
    pub request: Request,
    /// The status that the tenant, or a fault in its place, answered with: a later fault may have kept it from the client.
    /// [`NO_ANSWER`] when a fault reset the connection before the tenant had read the request.
    pub status: u16,
}

/// The status of a request that a fault left without one. No status code is 0.
pub const NO_ANSWER: u16 = 0;

/// How many requests are kept. More than any test or demo sends; the oldest go first.
const KEPT_REQUESTS: usize = 512;

/// How many bytes of bodies are kept in all, so that 512 large bodies do not fill the memory. The newest request is kept anyway.
const KEPT_BODY_BYTES: usize = 8 * 1024 * 1024;

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    kept: VecDeque<Recorded>,
    kept_body_bytes: usize,
    received: u64,
    by_operation: BTreeMap<Operation, u64>,
}

impl RequestLog {
    pub(crate) fn record(&mut self, request: Request, status: u16, at_unix_s: u64) -> Recorded {
        let operation = Operation::of(&request);
        self.received = self.received.saturating_add(1);
        let count = self.by_operation.entry(operation).or_default();
        *count = count.saturating_add(1);
        self.kept_body_bytes = self.kept_body_bytes.saturating_add(request.body.len());
        let recorded = Recorded { number: self.received, at_unix_s, operation, request, status };
        self.kept.push_back(recorded.clone());
        self.drop_oldest();
        recorded
    }

    pub(crate) fn kept(&self) -> Vec<Recorded> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn count(&self, operation: Operation) -> u64 {
        self.by_operation.get(&operation).copied().unwrap_or_default()
    }

    pub(crate) fn counts(&self) -> BTreeMap<Operation, u64> {
        self.by_operation.clone()
    }

    fn drop_oldest(&mut self) {
        while self.kept.len() > 1
            && (self.kept.len() > KEPT_REQUESTS || self.kept_body_bytes > KEPT_BODY_BYTES)
        {
            let dropped = self.kept.pop_front().map_or(0, |recorded| recorded.request.body.len());
            self.kept_body_bytes = self.kept_body_bytes.saturating_sub(dropped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_the_counts_stay() {
        let mut log = RequestLog::default();
        for _ in 0..KEPT_REQUESTS + 3 {
            log.record(Request::new("GET", "/.well-known/jwks.json"), 200, 0);
        }
        assert_eq!((log.kept().len(), log.kept()[0].number), (KEPT_REQUESTS, 4));
        assert_eq!(
            (log.received(), log.count(Operation::Jwks), log.count(Operation::Link)),
            (515, 515, 0)
        );
    }

    #[test]
    fn large_bodies_push_out_older_requests() {
        let mut log = RequestLog::default();
        for _ in 0..20 {
            log.record(
                Request::new("POST", "/").with_body("text/plain", vec![0; 1024 * 1024]),
                404,
                0,
            );
        }
        assert_eq!(log.kept().len(), 8);
        log.record(
            Request::new("POST", "/").with_body("text/plain", vec![0; KEPT_BODY_BYTES + 1]),
            404,
            0,
        );
        assert_eq!(log.kept().len(), 1, "the newest is kept, however large");
    }
}
