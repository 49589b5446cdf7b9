//! One request to the upstream, on a connection of its own, sent once.
//!
//! Nothing is pooled: a connection the upstream has meanwhile closed is what makes clients send a
//! request again, and here nothing is ever sent again.

use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, spawn};
use tokio::time::{Instant, timeout_at};

use crate::content::Content;
use crate::contract::Failure;
use crate::settings::Limits;
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
    _sender: SendRequest<Content>,
    task: AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends `request` and waits for the head of its answer, `limit` in all.
///
/// `not-sent` is said only before the request was given to a connection; from there on the upstream
/// may have acted, and every failure is `unknown`.
pub(crate) async fn send_once(
    upstream: &Upstream,
    limits: &Limits,
    request: Request<Content>,
    limit: Duration,
) -> Result<Held, Failure> {
    // RFC 9110 section 9.3.6: an answer to CONNECT would be a tunnel.
    if request.method() == Method::CONNECT {
        return Err(Failure::NotSent);
    }
    let began = Instant::now();
    let deadline = began + limit;
    let connected_by = deadline.min(began + limits.connect_timeout);
    let address = (upstream.host(), upstream.port());
    let socket = timeout_at(connected_by, TcpStream::connect(address))
        .await
        .map_err(|_elapsed| Failure::NotSent)?
        .map_err(|_refused| Failure::NotSent)?;
    socket.set_nodelay(true).map_err(|_gone| Failure::NotSent)?;
    // Writes nothing: HTTP/1.1 has no greeting.
    let (mut sender, connection) = Builder::new()
        .max_headers(limits.head_lines)
        .max_header_size(limits.head_bytes)
        .handshake(TokioIo::new(socket))
        .await
        .map_err(|_unready| Failure::NotSent)?;
    let task = spawn(connection).abort_handle();
    let answer = sender.send_request(request);
    let link = Link { _sender: sender, task };

    let answer = timeout_at(deadline, answer)
        .await
        .map_err(|_elapsed| Failure::Unknown)?
        .map_err(|_broken| Failure::Unknown)?;
    // Nobody was asked to switch protocols, so this is no HTTP any more.
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Unknown);
    }
    let (head, body) = answer.into_parts();
    Ok(Held { head, body, link })
}
