//! A call of the policy's own: one request, sent once, its answer read whole.

use linkgate_policy::edition::Server;
use linkgate_policy::{Answer, CallFailure, Failure, Header};
use wasi::http::types::IncomingResponse;

use crate::body::{Source, Unread};
use crate::deadline::Deadline;
use crate::outbound::{self, NoAnswer};

/// What is asked, of whom, and what the answer may cost.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    /// Path and query in origin-form.
    pub(crate) path: &'a str,
    /// The complete list, but for `host` and the framing.
    pub(crate) headers: &'a [Header],
    /// The body; none at all when absent.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) server: &'a Server,
    /// Milliseconds from connecting to the last byte.
    pub(crate) timeout_ms: u32,
    pub(crate) max_answer_bytes: u32,
}

/// Why there is no whole answer.
pub(crate) enum NoWhole {
    /// There is none.
    Answer(NoAnswer),
    /// There is its head alone, with this status.
    Body(u16, Unread),
}

/// Makes a call. One deadline holds to the last byte: a server that creeps gets no more time than one
/// that is silent. No redirect is followed.
pub(crate) fn call(call: Call<'_>) -> Result<Answer, NoWhole> {
    let Call { method, path, headers, body, server, timeout_ms, max_answer_bytes } = call;
    let deadline = Deadline::after(timeout_ms);
    let sent = outbound::made(method, path, headers, body, server)
        .and_then(|(request, upload)| outbound::send(request, upload, &deadline, timeout_ms));
    let held = sent.map_err(NoWhole::Answer)?;
    let status = held.response.status();
    let bodiless = |why| NoWhole::Body(status, why);
    let source = Source::of_answer(&held.response).ok_or(bodiless(Unread::CutOff))?;
    let body = source.whole(max_answer_bytes, &deadline).map_err(bodiless)?;
    Ok(Answer { status, headers: lines(&held.response), body })
}

/// Makes a call to the upstream, as a step says.
pub(crate) fn upstream(
    call: linkgate_policy::Call,
    server: &Server,
) -> Result<Answer, CallFailure> {
    let linkgate_policy::Call { method, path, headers, body, timeout_ms, max_answer_bytes } = call;
    let (path, headers) = (&*path, &*headers);
    let call = Call { method, path, headers, body, server, timeout_ms, max_answer_bytes };
    self::call(call).map_err(|why| match why {
        NoWhole::Answer(why) => match Failure::from(why) {
            Failure::NotSent => CallFailure::NotSent,
            Failure::Unknown => CallFailure::Unknown,
        },
        NoWhole::Body(status, _) => CallFailure::NoBody { status },
    })
}

/// All header lines of an answer, names in lower case.
pub(crate) fn lines(answer: &IncomingResponse) -> Vec<Header> {
    let line = |(name, value): (String, Vec<u8>)| Header { name: name.to_ascii_lowercase(), value };
    answer.headers().entries().into_iter().map(line).collect()
}
