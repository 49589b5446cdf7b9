//! One request to the upstream, on a connection of its own, sent once.
//!
//! Nothing is pooled: a connection the upstream has meanwhile closed is what makes clients send a
//! request again, and here nothing is ever sent again.

use std::error::Error;
use std::io;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, spawn};
use tokio::time::{Instant, timeout_at};

use crate::content::Content;
use crate::contract::{Answer, Failure};
use crate::request;
use crate::settings::Limits;
use crate::tls::{Tls, in_words};
use crate::upstream::Upstream;

/// An answer of the upstream: its head, and its body unread behind an open connection.
pub(crate) struct Held {
    pub(crate) head: Parts,
    pub(crate) body: Incoming,
    pub(crate) link: Link,
}

/// The connection of one request. Dropped, it is closed at once.
pub(crate) struct Link {
    /// Kept because hyper takes its end for the end of the client's interest.
    pub(crate) sender: SendRequest<Content>,
    task: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

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
/// `not-sent` is said only before the request was given to a connection; from there on the upstream
/// may have acted, and every failure is `unknown`.
pub(crate) async fn send_once(
    upstream: &Upstream,
    tls: Option<&Tls>,
    limits: &Limits,
    request: Request<Content>,
    limit: Duration,
) -> Result<Held, Unanswered> {
    // RFC 9110 section 9.3.6: an answer to CONNECT would be a tunnel.
    if request.method() == Method::CONNECT {
        return Err(Unanswered::not_sent("CONNECT is not sent on"));
    }
    let began = Instant::now();
    let deadline = began + limit;
    let connected_by = deadline.min(began + limits.connect_timeout);
    let address = (upstream.host(), upstream.port());
    let connected = async {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        match tls {
            Some(tls) => open(tls.connect(socket).await?, limits).await,
            None => open(socket, limits).await,
        }
    };
    let mut link = timeout_at(connected_by, connected)
        .await
        .map_err(|_elapsed| Unanswered::not_sent("no connection in time"))?
        .map_err(|refused| {
            Unanswered::not_sent(format!("no connection: {}", in_words(root(&refused))))
        })?;
    let answer = link.sender.send_request(request);

    let answer = timeout_at(deadline, answer)
        .await
        .map_err(|_elapsed| Unanswered::unknown("no head of an answer in time"))?
        .map_err(|broken| Unanswered::unknown(format!("no answer: {}", root(&broken))))?;
    // The upstream was not asked to switch protocols, so this is no HTTP any more.
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Unanswered::unknown("it switched protocols, unasked"));
    }
    let (head, body) = answer.into_parts();
    Ok(Held { head, body, link })
}

/// Sends `request` and takes its answer whole, `limit` in all.
pub(crate) async fn call_once(
    upstream: &Upstream,
    tls: Option<&Tls>,
    limits: &Limits,
    request: Request<Content>,
    limit: Duration,
    max_bytes: u32,
) -> Result<Answer, Unanswered> {
    let deadline = Instant::now() + limit;
    let Held { head, body, link: _link } = send_once(upstream, tls, limits, request, limit).await?;
    let status = head.status.as_u16();
    let bodiless = |why| Unanswered { status: Some(status), ..Unanswered::unknown(why) };
    let late = |_elapsed| bodiless("no end of an answer in time".to_owned());
    let body = timeout_at(deadline, gather(body, max_bytes)).await.map_err(late)?;
    let body = body.map_err(bodiless)?;
    Ok(Answer { status, headers: request::lines(&head.headers), body })
}

/// Reads a body whole, unless it is larger than allowed.
pub(crate) async fn gather(mut body: Incoming, max_bytes: u32) -> Result<Vec<u8>, String> {
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

/// The innermost reason, which says most.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root)
}

/// HTTP/1.1 on a connection that is ready for it. This writes nothing: there is no greeting.
pub(crate) async fn open<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    limits: &Limits,
) -> io::Result<Link> {
    let (sender, connection) = Builder::new()
        .max_headers(limits.head_lines)
        .max_header_size(limits.head_bytes)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    Ok(Link { sender, task: spawn(connection).abort_handle() })
}
