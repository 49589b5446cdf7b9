//! One request, sent once: to the next handler, or to a server on the network.

use linkgate_policy::edition::Server;
use linkgate_policy::{Failure, Forward, Header};

use crate::bindings::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme,
};
use crate::bindings::{FutureWriter, StreamWriter, client, handler, wit_future, wit_stream};
use crate::body::Ending;
use crate::deadline::Deadline;
use crate::failure;
use crate::gate::NANOS_IN_MS;

/// Milliseconds to connect. A server is near or down; raised, an outage costs each request that much
/// more.
const CONNECT_TIMEOUT_MS: u32 = 3_000;

/// Milliseconds between two pieces of a body. Raised, a peer that stalls holds its exchange for
/// longer.
pub(crate) const STALL_TIMEOUT_MS: u32 = 30_000;

/// Who gets a request.
#[derive(Clone, Copy)]
pub(crate) enum To<'a> {
    /// The next handler, which knows where the API is: it gets no scheme and no authority.
    Next,
    /// A server, over the network.
    Server(&'a Server),
}

/// A request of the policy's own making.
pub(crate) struct Draft<'a> {
    pub(crate) method: &'a str,
    /// Path and query in origin-form.
    pub(crate) path: &'a str,
    /// The complete list, but for `host` and the framing.
    pub(crate) headers: &'a [Header],
    /// The body; none at all when absent.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) to: To<'a>,
}

/// Sends the policy's request: exactly what the step says.
pub(crate) async fn forward(forward: Forward) -> Result<Response, Failure> {
    let Forward { method, path, headers, body, timeout_ms, .. } = forward;
    let draft = Draft { method, path: &path, headers: &headers, body, to: To::Next };
    Ok(send(draft, Deadline::after(timeout_ms), timeout_ms).await?)
}

/// Hands the client's own request on unchanged: the same method, target, headers, body and trailers.
pub(crate) async fn pass(client: Option<Request>, timeout_ms: u32) -> Result<Response, Failure> {
    let request = client.ok_or(Failure::NotSent)?;
    Ok(answer(Deadline::after(timeout_ms), handler::handle(request)).await?)
}

/// Why a request got no answer.
pub(crate) enum NoAnswer {
    /// There is no way to say it to the host: nothing was sent.
    Unmade,
    /// It came to nothing on the way.
    Failed(ErrorCode),
    /// The time ran out.
    Late,
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Unmade => Self::NotSent,
            NoAnswer::Failed(code) => failure::of(&code),
            NoAnswer::Late => Self::Unknown,
        }
    }
}

/// Hands a request over and waits for the head of its answer. When it takes too long the request is
/// called off, as far as that goes.
pub(crate) async fn send(
    draft: Draft<'_>,
    deadline: Deadline,
    timeout_ms: u32,
) -> Result<Response, NoAnswer> {
    let to = draft.to;
    let request = made(draft, timeout_ms).ok_or(NoAnswer::Unmade)?;
    match to {
        To::Next => answer(deadline, handler::handle(request)).await,
        To::Server(_) => answer(deadline, client::send(request)).await,
    }
}

async fn answer(
    deadline: Deadline,
    asked: impl Future<Output = Result<Response, ErrorCode>>,
) -> Result<Response, NoAnswer> {
    deadline.bound(asked).await.ok_or(NoAnswer::Late)?.map_err(NoAnswer::Failed)
}

/// The request, its body on its way from a task of its own: who gets it may answer before it has it all.
fn made(draft: Draft<'_>, timeout_ms: u32) -> Option<Request> {
    let Draft { method, path, headers, body, to } = draft;
    let fields = Fields::new();
    append(&fields, headers)?;
    if let Some(body) = &body {
        append(&fields, &[Header::new("content-length", &body.len().to_string())])?;
    }
    let (ending, when_ended) = wit_future::new(|| Ok(None));
    let (sink, contents) = body
        .map(|bytes| (bytes, wit_stream::new()))
        .map_or((None, None), |(bytes, (writer, reader))| (Some((bytes, writer)), Some(reader)));
    let (request, _sent) = Request::new(fields, contents, when_ended, Some(options(timeout_ms)));
    request.set_method(&Method::Other(method.to_owned())).ok()?;
    request.set_path_with_query(Some(path)).ok()?;
    if let To::Server(server) = to {
        let scheme = if server.is_https() { Scheme::Https } else { Scheme::Http };
        request.set_scheme(Some(&scheme)).ok()?;
        request.set_authority(Some(server.authority())).ok()?;
    }
    if let Some((bytes, writer)) = sink {
        let until = Deadline::after(timeout_ms.saturating_add(STALL_TIMEOUT_MS));
        wit_bindgen::spawn_local(async move {
            until.bound(upload(bytes, writer, ending)).await;
        });
    }
    Some(request)
}

/// Gives the body, and then its end. A reader that goes away before has had enough of it.
async fn upload(bytes: Vec<u8>, mut writer: StreamWriter<u8>, ending: FutureWriter<Ending>) {
    let _unread = writer.write_all(bytes).await;
    drop(writer);
    let _ = ending.write(Ok(None)).await;
}

/// Adds the policy's own lines. All of them, or nothing is sent.
pub(crate) fn append(fields: &Fields, lines: &[Header]) -> Option<()> {
    lines.iter().try_for_each(|line| fields.append(&line.name, &line.value)).ok()
}

/// The host's own timeouts. It may not support them: [`send`] has its deadline in any case.
fn options(timeout_ms: u32) -> RequestOptions {
    let nanoseconds = |milliseconds: u32| Some(u64::from(milliseconds).saturating_mul(NANOS_IN_MS));
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(nanoseconds(timeout_ms.min(CONNECT_TIMEOUT_MS)));
    let _ = options.set_first_byte_timeout(nanoseconds(timeout_ms));
    let _ = options.set_between_bytes_timeout(nanoseconds(STALL_TIMEOUT_MS));
    options
}
