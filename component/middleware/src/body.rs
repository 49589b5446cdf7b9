//! A body that comes in: read whole when the policy asks for it, else handed on.

use linkgate_policy::Event;

use crate::bindings::types::{ErrorCode, Fields, Request, Response};
use crate::bindings::{FutureReader, FutureWriter, StreamReader, StreamResult, wit_future};
use crate::deadline::Deadline;

/// How a message ended: with trailers or without, or not as it should.
pub(crate) type Ending = Result<Option<Fields>, ErrorCode>;

/// A body that comes in.
pub(crate) struct Source {
    pub(crate) stream: StreamReader<u8>,
    pub(crate) ending: FutureReader<Ending>,
    /// Tells its sender that we are done with it, when it is dropped.
    pub(crate) handled: FutureWriter<Result<(), ErrorCode>>,
}

/// What is left of a body after some of it was read.
pub(crate) enum Rest {
    /// It was too large: there is more.
    Coming(Source),
    /// All of it was read.
    Trailers(Option<Fields>),
}

/// Bytes taken or given at once. Raised, each exchange holds that much more in memory.
pub(crate) const CHUNK: usize = 16 << 10;

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
    /// The body of a request.
    pub(crate) fn of_request(request: Request) -> Self {
        let (handled, when_handled) = wit_future::new(|| Ok(()));
        let (stream, ending) = Request::consume_body(request, when_handled);
        Self { stream, ending, handled }
    }

    /// The body of an answer.
    pub(crate) fn of_answer(answer: Response) -> Self {
        let (handled, when_handled) = wit_future::new(|| Ok(()));
        let (stream, ending) = Response::consume_body(answer, when_handled);
        Self { stream, ending, handled }
    }

    /// Reads the body whole, up to a limit and a time.
    pub(crate) async fn whole(self, max_bytes: u32, deadline: Deadline) -> Result<Vec<u8>, Unread> {
        let mut bytes = Vec::new();
        match deadline.bound(self.read_into(&mut bytes, max_bytes)).await {
            Some(Ok(Rest::Trailers(_))) => Ok(bytes),
            Some(Ok(Rest::Coming(_))) => Err(Unread::TooLarge),
            Some(Err(why)) => Err(why),
            None => Err(Unread::Late),
        }
    }

    /// Reads the body whole, up to a limit. Of a larger one what was taken is there, and the rest to come.
    pub(crate) async fn read_into(
        mut self,
        bytes: &mut Vec<u8>,
        max_bytes: u32,
    ) -> Result<Rest, Unread> {
        let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        loop {
            let (result, mut chunk) = self.stream.read(Vec::with_capacity(CHUNK)).await;
            bytes.append(&mut chunk);
            match result {
                _ if bytes.len() > max => return Ok(Rest::Coming(self)),
                StreamResult::Complete(_) => {}
                StreamResult::Dropped => break,
                StreamResult::Cancelled => return Err(Unread::CutOff),
            }
        }
        self.ending.await.map(Rest::Trailers).map_err(|_code| Unread::CutOff)
    }
}
