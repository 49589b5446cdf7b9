//! One request to the upstream, sent once: on a connection that was kept, or on one of its own.
//!
//! A kept connection that the upstream has meanwhile ended is what makes clients send a request again. Here only
//! one of which no byte was written is, or one that the upstream has refused by HTTP/2 before it began: it goes on
//! another connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::{Method, Request};
use tokio::time::{Instant, timeout_at};

use crate::answer_body::AnswerBody;
use crate::content::Content;
use crate::contract::{Answer, Failure};
use crate::lease::{Held, Lease};
use crate::link::root;
use crate::no_answer::{NoAnswer, Unsent};
use crate::request;
use crate::reuse;
use crate::stream_lease::StreamLease;
use crate::tls::in_words;
use crate::upstream_pool::{Connection, Place, Slot, UpstreamPool, Wanted};

/// A request without an answer: whether it was sent, and why, for the operator.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    pub(crate) why: String,
    /// Of the answer, when its head came and its body did not.
    pub(crate) status: Option<u16>,
}

impl Unanswered {
    pub(crate) fn not_sent(why: impl Into<String>) -> Self {
        Self { failure: Failure::NotSent, why: why.into(), status: None }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self { failure: Failure::Unknown, why: why.into(), status: None }
    }
}

/// Sends `request` and waits for the head of its answer, `limit` in all.
///
/// `not-sent` is said only when no byte of the request was written, or the upstream says by HTTP/2 that it has not begun
/// with it (RFC 9113 section 8.7); from there on the upstream may have acted, and every failure is `unknown`.
pub(crate) async fn send_once(
    pool: &Arc<UpstreamPool>,
    request: Request<Content>,
    limit: Duration,
) -> Result<Held, Unanswered> {
    // RFC 9110 section 9.3.6: an answer to CONNECT would be a tunnel.
    if request.method() == Method::CONNECT {
        return Err(Unanswered::not_sent("CONNECT is not sent on"));
    }
    let deadline = Instant::now() + limit;
    let connected_by = deadline.min(Instant::now() + pool.limits().connect_timeout);
    let place = timeout_at(connected_by, pool.place())
        .await
        .map_err(|_elapsed| Unanswered::not_sent("no connection was free in time"))?
        .map_err(|closed| Unanswered::not_sent(closed.to_string()))?;
    let recent = reuse::is_careful(request.method());
    let wanted = Wanted { recent, alone: reuse::signs_in(&request) };
    let mut connection = if let Some(kept) = pool.kept(wanted) {
        kept
    } else {
        tokio::select! {
            opened = open(pool, wanted, connected_by) => opened?,
            left_behind = pool.left_behind(wanted) => left_behind,
        }
    };
    let (mut request, mut place) = (request, place);
    loop {
        let is_last = connection.is_fresh();
        match connection.send(pool, place, request, deadline).await {
            Err(NoAnswer::Unsent(unsent)) if !is_last => match *unsent {
                Unsent { request: Some(again), place: kept, .. } => {
                    (request, place) = (again, kept);
                }
                Unsent { request: None, why, .. } => return Err(Unanswered::not_sent(why)),
            },
            sent => return Ok(sent?),
        }
        connection = open(pool, wanted, connected_by).await?;
    }
}

async fn open(
    pool: &Arc<UpstreamPool>,
    wanted: Wanted,
    connected_by: Instant,
) -> Result<Connection, Unanswered> {
    let opened = timeout_at(connected_by, pool.open(wanted)).await;
    let opened = opened.map_err(|_elapsed| Unanswered::not_sent("no connection in time"))?;
    opened.map_err(|refused| {
        Unanswered::not_sent(format!("no connection: {}", in_words(root(&refused))))
    })
}

impl Connection {
    async fn send(
        self,
        pool: &Arc<UpstreamPool>,
        place: Place,
        request: Request<Content>,
        deadline: Instant,
    ) -> Result<Held, NoAnswer> {
        match self {
            Self::Kept(link) => Lease::of_kept(pool, place, link).send(request, deadline).await,
            Self::Fresh(link) => Lease::of_fresh(pool, place, link).send(request, deadline).await,
            Self::Http2(slot) => send_on(slot, place, request, deadline).await,
        }
    }
}

/// Sends on a stream of a connection.
async fn send_on(
    slot: Slot,
    place: Place,
    request: Request<Content>,
    deadline: Instant,
) -> Result<Held, NoAnswer> {
    let answer = StreamLease::new(slot, place, &request).send(request, deadline).await?;
    let (head, body) = answer.into_parts();
    Ok(Held { head, body: AnswerBody::Stream(Box::new(body)), lease: None })
}

impl From<NoAnswer> for Unanswered {
    fn from(none: NoAnswer) -> Self {
        match none {
            NoAnswer::Unsent(unsent) => Self::not_sent(unsent.why),
            NoAnswer::Unknown(why) => Self::unknown(why),
        }
    }
}

/// Sends `request` and takes its answer whole, `limit` in all.
pub(crate) async fn call_once(
    pool: &Arc<UpstreamPool>,
    request: Request<Content>,
    limit: Duration,
    max_bytes: u32,
) -> Result<Answer, Unanswered> {
    let deadline = Instant::now() + limit;
    let Held { head, body, lease } = send_once(pool, request, limit).await?;
    let status = head.status.as_u16();
    let bodiless = |why| Unanswered { status: Some(status), ..Unanswered::unknown(why) };
    let late = |_elapsed| bodiless("no end of an answer in time".to_owned());
    let body = timeout_at(deadline, gather(body, max_bytes)).await.map_err(late)?;
    let body = body.map_err(bodiless)?;
    if let Some(lease) = lease {
        lease.finish();
    }
    Ok(Answer { status, headers: request::lines(&head.headers), body })
}

/// Reads a body whole, unless it is larger than allowed.
pub(crate) async fn gather(
    mut body: impl Body<Data = Bytes> + Unpin,
    max_bytes: u32,
) -> Result<Vec<u8>, String> {
    let max = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let more = || format!("expected at most {max_bytes} bytes, found more");
    if body.size_hint().lower() > u64::from(max_bytes) {
        return Err(more());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_broken| "expected the whole body, found it cut off".to_owned())?;
        bytes.extend(frame.data_ref().into_iter().flatten());
        if bytes.len() > max {
            return Err(more());
        }
    }
    Ok(bytes)
}
