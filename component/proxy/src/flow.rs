//! A body on its way through: never more than a chunk of it in memory.

use wasi::http::types::{FutureTrailers, IncomingBody, OutgoingBody, Trailers};
use wasi::io::poll::Pollable;
use wasi::io::streams::{OutputStream, StreamError};

use crate::body::{CHUNK, Source};

/// A body that goes out, from a body that comes in or from bytes at hand.
pub(crate) struct Flow {
    /// Taken, and not given yet.
    held: Vec<u8>,
    stage: Stage,
    sink: Option<Sink>,
}

/// How far a flow has got.
pub(crate) enum Progress {
    /// Nothing moves until this is ready, which waits for that side.
    Waits(Pollable, Side),
    /// All was given, trailers too.
    Whole,
    /// It broke off, on that side.
    Broken(Side),
}

/// An end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where it comes from.
    Source,
    /// Where it goes.
    Sink,
}

enum Stage {
    Bytes,
    Body(Source),
    Trailers(FutureTrailers),
    Whole,
    Broken(Side),
}

/// INVARIANT: the child is before its parent, in the order in which they are dropped.
struct Sink {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Flow {
    /// Of bytes at hand. Nothing when the outgoing body was taken before.
    pub(crate) fn of_bytes(bytes: Vec<u8>, to: OutgoingBody) -> Option<Self> {
        Some(Self { held: bytes, stage: Stage::Bytes, sink: Some(Sink::of(to)?) })
    }

    /// Of a body that comes in, of which `held` was taken already.
    pub(crate) fn of_body(held: Vec<u8>, from: Source, to: OutgoingBody) -> Option<Self> {
        Some(Self { held, stage: Stage::Body(from), sink: Some(Sink::of(to)?) })
    }

    /// Moves what can be moved without waiting.
    pub(crate) fn advance(&mut self) -> Progress {
        loop {
            let progress = if self.held.is_empty() { self.take() } else { self.give() };
            if let Some(progress) = progress {
                return progress;
            }
        }
    }

    /// Takes a chunk, or ends.
    fn take(&mut self) -> Option<Progress> {
        match &self.stage {
            Stage::Bytes => Some(self.finish(None)),
            Stage::Body(source) => match source.stream.read(CHUNK) {
                Ok(chunk) if chunk.is_empty() => {
                    Some(Progress::Waits(source.stream.subscribe(), Side::Source))
                }
                Ok(chunk) => {
                    self.held = chunk;
                    None
                }
                Err(StreamError::Closed) => {
                    self.ask_for_trailers();
                    None
                }
                Err(StreamError::LastOperationFailed(_)) => Some(self.break_off(Side::Source)),
            },
            Stage::Trailers(coming) => match coming.get() {
                None => Some(Progress::Waits(coming.subscribe(), Side::Source)),
                Some(Ok(Ok(trailers))) => Some(self.finish(trailers)),
                Some(Ok(Err(_)) | Err(())) => Some(self.break_off(Side::Source)),
            },
            Stage::Whole => Some(Progress::Whole),
            Stage::Broken(side) => Some(Progress::Broken(*side)),
        }
    }

    /// Gives as much of the chunk as is wanted.
    fn give(&mut self) -> Option<Progress> {
        let Some(Sink { stream, .. }) = &self.sink else {
            return Some(self.break_off(Side::Sink));
        };
        let wanted = match stream.check_write() {
            Ok(0) => return Some(Progress::Waits(stream.subscribe(), Side::Sink)),
            Ok(wanted) => usize::try_from(wanted).unwrap_or(usize::MAX),
            Err(_) => return Some(self.break_off(Side::Sink)),
        };
        let rest = self.held.split_off(wanted.min(self.held.len()));
        let written = stream.write(&self.held);
        self.held = rest;
        written.err().map(|_| self.break_off(Side::Sink))
    }

    fn ask_for_trailers(&mut self) {
        if let Stage::Body(Source { stream, body }) =
            std::mem::replace(&mut self.stage, Stage::Broken(Side::Source))
        {
            drop(stream);
            self.stage = Stage::Trailers(IncomingBody::finish(body));
        }
    }

    fn finish(&mut self, trailers: Option<Trailers>) -> Progress {
        self.stage = Stage::Whole;
        if let Some(Sink { stream, body }) = self.sink.take() {
            drop(stream);
            // An error here says that the body is not as long as the head announced: the other side
            // finds out, or was never to get a body (an answer to HEAD).
            let _ = OutgoingBody::finish(body, trailers);
        }
        Progress::Whole
    }

    /// Leaves the outgoing body unfinished, which tells its reader that it is not whole.
    fn break_off(&mut self, side: Side) -> Progress {
        self.held.clear();
        self.stage = Stage::Broken(side);
        self.sink = None;
        Progress::Broken(side)
    }
}

impl Sink {
    fn of(body: OutgoingBody) -> Option<Self> {
        Some(Self { stream: body.write().ok()?, body })
    }
}
