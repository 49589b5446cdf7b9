//! A body that comes in: read whole when the policy asks for it, else handed on.

use linkgate_policy::Event;
use wasi::http::types::{IncomingBody, IncomingRequest, IncomingResponse};
use wasi::io::streams::{InputStream, StreamError};

use crate::deadline::Deadline;

/// A body that comes in.
///
/// INVARIANT: the fields stand in the order in which a host wants to see them dropped, the child
/// before its parent.
pub(crate) struct Source {
    pub(crate) stream: InputStream,
    pub(crate) body: IncomingBody,
}

/// Bytes taken or given at once. Raised, each exchange holds that much more in memory.
pub(crate) const CHUNK: u64 = 16 << 10;

/// Why a body was not read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    Late,
    CutOff,
}

impl From<Unread> for Event {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::BodyTooLarge,
            Unread::Late | Unread::CutOff => Self::BodyFailed,
        }
    }
}

impl Source {
    /// The body of a request; nothing when it was taken before.
    pub(crate) fn of_request(request: &IncomingRequest) -> Option<Self> {
        Self::of(request.consume().ok()?)
    }

    /// The body of an answer; nothing when it was taken before.
    pub(crate) fn of_answer(answer: &IncomingResponse) -> Option<Self> {
        Self::of(answer.consume().ok()?)
    }

    fn of(body: IncomingBody) -> Option<Self> {
        Some(Self { stream: body.stream().ok()?, body })
    }

    /// Reads the body whole, up to a limit and a time.
    pub(crate) fn whole(&self, max_bytes: u32, deadline: &Deadline) -> Result<Vec<u8>, Unread> {
        let mut bytes = Vec::new();
        self.read_into(&mut bytes, max_bytes, deadline).map(|()| bytes)
    }

    /// The same; of a body that is not read whole, what was taken of it is there.
    pub(crate) fn read_into(
        &self,
        bytes: &mut Vec<u8>,
        max_bytes: u32,
        deadline: &Deadline,
    ) -> Result<(), Unread> {
        let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        loop {
            match self.stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => {
                    if !deadline.wait(&[&self.stream.subscribe()]) {
                        return Err(Unread::Late);
                    }
                }
                Ok(mut chunk) => {
                    bytes.append(&mut chunk);
                    if bytes.len() > max {
                        return Err(Unread::TooLarge);
                    }
                }
                Err(StreamError::Closed) => return Ok(()),
                Err(StreamError::LastOperationFailed(_)) => return Err(Unread::CutOff),
            }
        }
    }
}
