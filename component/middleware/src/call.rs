//! A call of the policy's own: one request, sent once, its answer read whole.

use linkgate_policy::{Answer, CallFailure, Failure};

use crate::body::{Source, Unread};
use crate::deadline::Deadline;
use crate::outbound::{self, Draft, NoAnswer, To};
use crate::request;

/// Why there is no whole answer.
pub(crate) enum NoWhole {
    /// There is none.
    Answer(NoAnswer),
    /// There is its head alone, with this status.
    Body(u16, Unread),
}

/// Makes a call. One deadline holds to the last byte: a server that creeps gets no more time than one
/// that is silent. No redirect is followed.
pub(crate) async fn call(
    draft: Draft<'_>,
    timeout_ms: u32,
    max_answer_bytes: u32,
) -> Result<Answer, NoWhole> {
    let deadline = Deadline::after(timeout_ms);
    let answer = outbound::send(draft, deadline, timeout_ms).await.map_err(NoWhole::Answer)?;
    let status = answer.get_status_code();
    let headers = request::lines(&answer.get_headers());
    let body = Source::of_answer(answer).whole(max_answer_bytes, deadline).await;
    body.map(|body| Answer { status, headers, body }).map_err(|why| NoWhole::Body(status, why))
}

/// Makes a call to the API, as a step says.
pub(crate) async fn next(call: linkgate_policy::Call) -> Result<Answer, CallFailure> {
    let linkgate_policy::Call { method, path, headers, body, timeout_ms, max_answer_bytes } = call;
    let draft = Draft { method, path: &path, headers: &headers, body, to: To::Next };
    self::call(draft, timeout_ms, max_answer_bytes).await.map_err(|why| match why {
        NoWhole::Answer(why) => match Failure::from(why) {
            Failure::NotSent => CallFailure::NotSent,
            Failure::Unknown => CallFailure::Unknown,
        },
        NoWhole::Body(status, _) => CallFailure::NoBody { status },
    })
}
