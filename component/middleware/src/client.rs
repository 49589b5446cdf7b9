//! The client's request: unread, or read for the policy and still there to be passed on whole.

use linkgate_policy::{Event, HeaderEdits};

use crate::bindings::types::{
    ErrorCode, Fields, HeaderError, Method, Request, RequestOptions, Scheme,
};
use crate::bindings::{FutureWriter, StreamResult, StreamWriter, wit_future, wit_stream};
use crate::body::{CHUNK, Ending, Rest, Source, Unread};
use crate::deadline::Deadline;
use crate::outbound::{self, STALL_TIMEOUT_MS};
use crate::request;

/// A client's request.
pub(crate) enum Client {
    /// As the host gave it.
    Unread(Request),
    /// Its body was read, as far as the policy asked.
    Read(Box<Taken>),
    /// It was passed on, or broke off.
    Gone,
}

/// A request apart: its head, what was read of its body, and what was not.
pub(crate) struct Taken {
    head: Head,
    bytes: Vec<u8>,
    rest: Rest,
}

/// The unchanged head of a request.
struct Head {
    method: Method,
    path: Option<String>,
    scheme: Option<Scheme>,
    authority: Option<String>,
    headers: Fields,
    options: Option<RequestOptions>,
}

impl Client {
    /// Reads the body whole, and keeps what was read of it.
    pub(crate) async fn read(&mut self, max_bytes: u32, timeout_ms: u32) -> Event {
        let Self::Unread(request) = std::mem::replace(self, Self::Gone) else {
            return Event::BodyFailed;
        };
        let (head, mut bytes) = (Head::of(&request), Vec::new());
        let read = Source::of_request(request).read_into(&mut bytes, max_bytes);
        let rest = match Deadline::after(timeout_ms).bound(read).await {
            Some(Ok(rest)) => rest,
            Some(Err(why)) => return why.into(),
            None => return Unread::Late.into(),
        };
        let event = match rest {
            Rest::Coming(_) => Event::BodyTooLarge,
            Rest::Trailers(_) => Event::Body(bytes.clone()),
        };
        *self = Self::Read(Box::new(Taken { head, bytes, rest }));
        event
    }

    /// The request, unchanged but for these edits, to be passed on. What was read of its body goes first.
    pub(crate) fn take(&mut self, edits: &HeaderEdits) -> Option<Request> {
        match std::mem::replace(self, Self::Gone) {
            Self::Unread(request) if edits.is_empty() => Some(request),
            Self::Unread(request) => {
                let head = Head::of(&request).edited(edits)?;
                let rest = Rest::Coming(Source::of_request(request));
                Taken { head, bytes: Vec::new(), rest }.whole()
            }
            Self::Read(taken) => {
                let Taken { head, bytes, rest } = *taken;
                Taken { head: head.edited(edits)?, bytes, rest }.whole()
            }
            Self::Gone => None,
        }
    }
}

impl Head {
    fn of(request: &Request) -> Self {
        Self {
            method: request.get_method(),
            path: request.get_path_with_query(),
            scheme: request.get_scheme(),
            authority: request.get_authority(),
            headers: request.get_headers().clone(),
            options: request.get_options().map(|options| options.clone()),
        }
    }

    /// The head with the policy's edits. A line of the client's that the host forbids here it has its own word
    /// on. Without any other line, or one of ours, nothing is sent: a head that is too large for the host would lose
    /// its last lines, which are those of the proxy in front.
    fn edited(self, edits: &HeaderEdits) -> Option<Self> {
        if edits.is_empty() {
            return Some(self);
        }
        let headers = Fields::new();
        for line in edits.kept(request::lines(&self.headers)) {
            match headers.append(&line.name, &line.value) {
                Ok(()) | Err(HeaderError::Forbidden) => {}
                Err(_) => return None,
            }
        }
        outbound::append(&headers, &edits.append)?;
        Some(Self { headers, ..self })
    }
}

impl Taken {
    /// The request again, its body on its way from a task of its own.
    fn whole(self) -> Option<Request> {
        let Self { head, bytes, rest } = self;
        let (ending, when_ended) = wit_future::new(|| Ok(None));
        let is_empty = bytes.is_empty() && matches!(rest, Rest::Trailers(_));
        let (sink, contents) = if is_empty {
            (None, None)
        } else {
            let (sink, contents) = wit_stream::new();
            (Some(sink), Some(contents))
        };
        let (request, _sent) = Request::new(head.headers, contents, when_ended, head.options);
        request.set_method(&head.method).ok()?;
        request.set_path_with_query(head.path.as_deref()).ok()?;
        request.set_scheme(head.scheme.as_ref()).ok()?;
        request.set_authority(head.authority.as_deref()).ok()?;
        wit_bindgen::spawn_local(give(bytes, rest, sink, ending));
        Some(request)
    }
}

/// Gives what was read, what is still to come, and how it ended.
async fn give(
    bytes: Vec<u8>,
    rest: Rest,
    sink: Option<StreamWriter<u8>>,
    ending: FutureWriter<Ending>,
) {
    let how = match (rest, sink) {
        (Rest::Trailers(trailers), None) => Ok(trailers),
        (Rest::Trailers(trailers), Some(mut sink)) => {
            if !given(&mut sink, bytes).await {
                return;
            }
            Ok(trailers)
        }
        (Rest::Coming(source), Some(sink)) => match carry(bytes, source, sink).await {
            Some(how) => how,
            None => return,
        },
        (Rest::Coming(_), None) => Err(ErrorCode::InternalError(None)),
    };
    let _ = Deadline::after(STALL_TIMEOUT_MS).bound(ending.write(how)).await;
}

/// Gives what was read, and then each piece as it comes. How the body ended; nothing when the reader no longer
/// takes it.
async fn carry(bytes: Vec<u8>, source: Source, mut sink: StreamWriter<u8>) -> Option<Ending> {
    let Source { stream: mut from, ending, handled: _handled } = source;
    let mut piece = bytes;
    loop {
        if !given(&mut sink, piece).await {
            return None;
        }
        let stall = Deadline::after(STALL_TIMEOUT_MS);
        let Some((result, next)) = stall.bound(from.read(Vec::with_capacity(CHUNK))).await else {
            return Some(Err(ErrorCode::ConnectionReadTimeout));
        };
        piece = next;
        match result {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => break,
        }
    }
    if !given(&mut sink, piece).await {
        return None;
    }
    drop(sink);
    let ended = Deadline::after(STALL_TIMEOUT_MS).bound(ending.into_future()).await;
    Some(ended.unwrap_or(Err(ErrorCode::ConnectionReadTimeout)))
}

/// Gives bytes. `false` when the reader takes none any more.
async fn given(sink: &mut StreamWriter<u8>, bytes: Vec<u8>) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let left = Deadline::after(STALL_TIMEOUT_MS).bound(sink.write_all(bytes)).await;
    left.is_some_and(|left| left.is_empty())
}
