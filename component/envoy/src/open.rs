//! An exchange that is open, and the state of its stream.

use linkgate_policy::{End, Exchange};

use crate::host::Lines;

/// An exchange that is open.
pub(crate) struct Open {
    pub(crate) exchange: Exchange,
    /// The number of the step that it is at.
    pub(crate) sequence: u32,
    pub(crate) awaits: Awaits,
    /// The stream is there. Without it nothing is said to the host on its behalf.
    pub(crate) has_client: bool,
    pub(crate) progress: Progress,
    pub(crate) body: RequestBody,
    pub(crate) upload: Upload,
    pub(crate) held: Held,
    /// The client offers another protocol.
    pub(crate) offers_protocol: bool,
    /// What Envoy has said of the client's connection.
    pub(crate) of_connection: Lines,
    /// The names of the lines of the upstream's answer to a rewritten request.
    pub(crate) answer_names: Vec<String>,
    /// How it ends, if not by its last step.
    pub(crate) end: Option<End>,
    pub(crate) began_us: u64,
}

/// What an exchange waits for.
#[derive(Clone, Copy)]
pub(crate) enum Awaits {
    /// The whole body of the request.
    Body { max_bytes: u32, until_mono_ms: u64 },
    /// A shared fetch, or for time to pass.
    Time { until_mono_ms: u64 },
    /// The answer to a call.
    Call,
    /// The answer to the request, which has gone its way.
    Answer,
    /// Nothing: the last step was taken.
    Nothing,
}

/// How far the stream is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No answer has come.
    Requested,
    /// The head of one has come: what is held back is it, and no longer the request.
    Answered,
    /// All of it has gone on to the client.
    Relayed,
}

/// The body of the client's request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestBody {
    /// There is none.
    None,
    /// More may come.
    Coming,
    /// It is here, whole, in the host's buffer.
    Here,
}

/// What becomes of the body of the client's request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// It is held back.
    Held,
    /// It goes on as it is.
    Flows,
    /// The policy's own has taken its place: what is still coming goes nowhere.
    Dropped,
    /// It is decided, and goes on as it is when all of it is here.
    FlowsAtEnd,
    /// It is decided, and all of it goes nowhere when it has ended; only then does the request go on.
    DroppedAtEnd,
}

/// What the host holds of the client's request after its head.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    /// Bytes of the body.
    pub(crate) bytes: bool,
    /// Trailers.
    pub(crate) trailers: bool,
}

impl Open {
    /// An exchange that has just been opened.
    pub(crate) fn new(
        exchange: Exchange,
        body: RequestBody,
        offers_protocol: bool,
        of_connection: Lines,
        began_us: u64,
    ) -> Self {
        Self {
            exchange,
            sequence: 0,
            awaits: Awaits::Nothing,
            has_client: true,
            progress: Progress::Requested,
            body,
            upload: Upload::Held,
            held: Held::default(),
            offers_protocol,
            of_connection,
            answer_names: Vec::new(),
            end: None,
            began_us,
        }
    }

    /// Notes that all of the answer has gone on, if it has.
    pub(crate) fn relayed(&mut self, is_whole: bool) {
        if is_whole {
            self.progress = Progress::Relayed;
        }
    }

    /// When it is to be woken at the latest.
    pub(crate) fn until_mono_ms(&self) -> Option<u64> {
        match self.awaits {
            Awaits::Body { until_mono_ms, .. } | Awaits::Time { until_mono_ms } => {
                Some(until_mono_ms)
            }
            Awaits::Call | Awaits::Answer | Awaits::Nothing => None,
        }
    }
}
