//! A connection to the upstream over HTTP/2: over TLS, where the upstream takes it (ALPN).
//!
//! ```text
//!  open: the upstream's SETTINGS are here ─▶ a Slot for a request ─▶ idle ─▶ a Slot for the next
//!    └─ GOAWAY, an error, a time-out, too many resets, its age: no further Slot; closed when its request has ended
//! ```
//!
//! One request at a time: docs/design.md says why. What ends a request early ends its stream, and the connection is
//! there for the next.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{JoinHandle, spawn};
use tokio::time::Instant;

use crate::reuse::Dropped;
use crate::settings::Limits;
use crate::upstream_socket::Progress;

/// An open connection. Dropped, it is closed at once.
pub(crate) struct Http2Link {
    pub(crate) sender: SendRequest<Bytes>,
    pub(crate) progress: Progress,
    opened: Instant,
    load: Mutex<Load>,
    task: JoinHandle<()>,
}

/// What is on a connection.
struct Load {
    /// A request without the end of its answer.
    has_request: bool,
    /// Requests that ended before their time.
    broken_off: usize,
    /// When the last answer ended.
    used: Instant,
}

impl Http2Link {
    /// HTTP/2 on a socket with TLS. No request is written before the upstream has said how many it takes at once: of
    /// what is beyond that, it may refuse any.
    pub(crate) async fn on<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        stream: S,
        progress: Progress,
        limits: &Limits,
    ) -> io::Result<Self> {
        let (sender, mut connection) = builder(limits).handshake(stream).await.map_err(broken)?;
        greeted(&mut connection).await?;
        progress.speak_http2();
        let task = spawn(async move {
            let _ended = connection.await;
        });
        let opened = Instant::now();
        let load = Mutex::new(Load { has_request: false, broken_off: 0, used: opened });
        Ok(Self { sender, progress, opened, load, task })
    }

    /// Why it takes no further request, if it does not.
    pub(crate) fn refused(&self, now: Instant, limits: &Limits) -> Option<Dropped> {
        let load = self.load();
        if !self.is_open() {
            return Some(Dropped::Ended);
        }
        if load.broken_off >= BROKEN_OFF {
            return Some(Dropped::Unfinished);
        }
        if !load.has_request && load.used + limits.upstream_idle <= now {
            return Some(Dropped::Idle);
        }
        (now.saturating_duration_since(self.opened) > OLDEST).then_some(Dropped::Old)
    }

    /// Whether the connection is up, and the upstream has not said that it is going away.
    pub(crate) fn is_open(&self) -> bool {
        let ready = self.sender.clone().poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(())))
    }

    /// Takes it for a request, if it has none.
    pub(crate) fn try_begin(&self) -> bool {
        let mut load = self.load();
        // RFC 9113 section 5.1.2: the upstream may take none for a while.
        if load.has_request || self.sender.current_max_send_streams() == 0 {
            return false;
        }
        self.progress.ask();
        load.has_request = true;
        true
    }

    /// A request has ended: sent and answered to the ends of both, or not.
    pub(crate) fn end(&self, is_whole: bool) {
        let mut load = self.load();
        load.has_request = false;
        if is_whole {
            load.used = Instant::now();
        } else {
            load.broken_off += 1;
        }
    }

    /// Whether there is no request on it.
    pub(crate) fn is_idle(&self) -> bool {
        !self.load().has_request
    }

    /// When it was made, or an answer on it last ended.
    pub(crate) fn used(&self) -> Instant {
        self.load().used
    }

    fn load(&self) -> MutexGuard<'_, Load> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Http2Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        // Until the SETTINGS are here.
        .initial_max_send_streams(0)
        .initial_window_size(WINDOW)
        .initial_connection_window_size(ALL_WINDOWS)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.head_bytes).unwrap_or(u32::MAX));
    builder
}

/// Drives the connection until the upstream's SETTINGS are here (RFC 9113 section 3.4).
async fn greeted<S: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<S, Bytes>,
) -> io::Result<()> {
    poll_fn(|cx| match Pin::new(&mut *connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
        Poll::Ready(Err(error)) => Poll::Ready(Err(broken(error))),
        Poll::Pending if connection.max_concurrent_send_streams() > 0 => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn broken(error: h2::Error) -> io::Error {
    io::Error::other(error)
}

/// Bytes of an answer that may be here before its client takes them. Raised, each request can hold as much more of
/// memory; lowered, large answers from far away take longer.
const WINDOW: u32 = 256 << 10;

/// Of the connection: never the bound. h2 counts small frames against it that are not read yet.
const ALL_WINDOWS: u32 = 100 * WINDOW;

/// Bytes of a body that wait for the socket, of each request.
const SEND_BUFFER: usize = 64 << 10;

/// Requests on a connection that are broken off, because their clients left say, before it takes no further one. Servers
/// end a connection whose peer resets many streams (CVE-2023-44487); h2 at 20. Raised, that may meet a request; lowered,
/// clients that leave cost more connections.
const BROKEN_OFF: usize = 16;

/// For a connection that is always in use: then the name of the upstream is looked up again. Raised, one that moved
/// away is found later.
pub(crate) const OLDEST: Duration = Duration::from_mins(5);
