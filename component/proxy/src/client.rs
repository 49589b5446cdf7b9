//! The client's request and its body: read for the policy, and still there to be passed on whole.

use linkgate_policy::Event;
use wasi::http::types::IncomingRequest;

use crate::body::Source;
use crate::deadline::Deadline;

/// A client's request, its body unread or read as far as the policy asked.
pub(crate) struct Client<'r> {
    request: &'r IncomingRequest,
    taken: Option<Taken>,
}

/// A body, and what was taken of it.
pub(crate) struct Taken {
    pub(crate) bytes: Vec<u8>,
    pub(crate) source: Source,
}

impl<'r> Client<'r> {
    pub(crate) fn new(request: &'r IncomingRequest) -> Self {
        Self { request, taken: None }
    }

    pub(crate) fn request(&self) -> &'r IncomingRequest {
        self.request
    }

    /// Reads the body whole, and keeps what was read of it.
    pub(crate) fn read(&mut self, max_bytes: u32, timeout_ms: u32) -> Event {
        let Some(Taken { mut bytes, source }) = self.take() else {
            return Event::BodyFailed;
        };
        let read = source.read_into(&mut bytes, max_bytes, &Deadline::after(timeout_ms));
        let event = read.map_or_else(Event::from, |()| Event::Body(bytes.clone()));
        self.taken = Some(Taken { bytes, source });
        event
    }

    /// The body, with what was read of it; nothing when it was taken before.
    pub(crate) fn take(&mut self) -> Option<Taken> {
        let opened =
            || Some(Taken { bytes: Vec::new(), source: Source::of_request(self.request)? });
        self.taken.take().or_else(opened)
    }
}
