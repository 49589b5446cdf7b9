//! From a request on a connection to what goes back on it.

use std::fmt;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::control::control;
use crate::cut_body::CutBody;
use crate::drip_body::DripBody;
use crate::faults::{Delivery, Ending, exchange};
use crate::handle::TenantHandle;
use crate::incoming::read;
use crate::serve::ServeOptions;
use crate::socket::Line;

/// What every connection of a server has to know.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    pub(crate) handle: TenantHandle,
    pub(crate) options: ServeOptions,
    /// Changes when the server ends.
    pub(crate) closed: watch::Receiver<()>,
}

type AnswerBody = Either<Full<Bytes>, Either<CutBody, DripBody>>;

/// The response, or the end of the connection without one.
pub(crate) async fn respond(
    serving: &Serving,
    line: &Line,
    request: hyper::Request<Incoming>,
) -> Result<Response<AnswerBody>, NoResponse> {
    let request = match read(request).await {
        Ok(request) => request,
        Err(unread) => return Ok(whole(unread.answer())),
    };
    if let Some(answer) = control(serving.options, &serving.handle, &request).await {
        return Ok(whole(answer));
    }
    match exchange(&serving.handle, request, &serving.closed).await {
        Ending::Answer(answer, Delivery::Whole) => Ok(whole(answer)),
        Ending::Answer(answer, Delivery::Cut(after_bytes)) => Ok(response(answer, |body| {
            let cut = CutBody::new(&body, after_bytes, line.flushed());
            Either::Right(Either::Left(cut))
        })),
        Ending::Answer(answer, Delivery::Dripped(drip)) => {
            Ok(response(answer, |body| Either::Right(Either::Right(DripBody::new(body, drip)))))
        }
        Ending::Reset => {
            line.reset();
            Err(NoResponse)
        }
    }
}

fn whole(answer: Answer) -> Response<AnswerBody> {
    response(answer, |body| Either::Left(Full::new(body)))
}

fn response(answer: Answer, body: impl FnOnce(Bytes) -> AnswerBody) -> Response<AnswerBody> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(body(Bytes::from(answer.body))).unwrap_or_else(|_| {
        let mut failed = Response::new(Either::Left(Full::new(Bytes::new())));
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

/// Makes hyper drop the connection, which its [`Line`] then resets.
#[derive(Debug)]
pub(crate) struct NoResponse;

impl fmt::Display for NoResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no response, as a fault asked for")
    }
}

impl std::error::Error for NoResponse {}
