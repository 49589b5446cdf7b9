//! One request to the upstream, on a connection of its own, sent once.
//!
//! Nothing is pooled: a connection the upstream has meanwhile closed is what makes clients send a
//! request again, and here nothing is ever sent again.

use std::io;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::http::response::Parts;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, spawn};
use tokio::time::{Instant, timeout_at};

use crate::content::Content;
use crate::contract::Failure;
use crate::settings::Limits;
use crate::tls::Tls;
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
    tls: Option<&Tls>,
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
    let connected = async {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        match tls {
            Some(tls) => open(tls.connect(socket).await?, limits).await,
            None => open(socket, limits).await,
        }
    };
    let (mut sender, task) = timeout_at(connected_by, connected)
        .await
        .map_err(|_elapsed| Failure::NotSent)?
        .map_err(|_refused| Failure::NotSent)?;
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

/// HTTP/1.1 on a connection that is ready for it. This writes nothing: there is no greeting.
async fn open<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    limits: &Limits,
) -> io::Result<(SendRequest<Content>, AbortHandle)> {
    let (sender, connection) = Builder::new()
        .max_headers(limits.head_lines)
        .max_header_size(limits.head_bytes)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    Ok((sender, spawn(connection).abort_handle()))
}
