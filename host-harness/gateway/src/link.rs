//! One connection to another server: HTTP/1.1, plain or over TLS. It carries one request at a time. HTTP/2 is in
//! `http2_link`.

use std::error::Error;
use std::io;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn};
use tokio::time::Instant;

use crate::content::Content;
use crate::reuse::Dropped;
use crate::settings::Limits;
use crate::tls::Tls;
use crate::upstream_socket::{Progress, UpstreamSocket};

/// An open connection. Dropped, it is closed at once.
pub(crate) struct Link {
    /// Kept because hyper takes its end for the end of the client's interest.
    pub(crate) sender: SendRequest<Content>,
    pub(crate) progress: Progress,
    pub(crate) opened: Instant,
    task: JoinHandle<()>,
}

impl Link {
    /// HTTP/1.1 on a socket, over TLS if given. This writes nothing of HTTP: there is no greeting.
    pub(crate) async fn open(
        socket: TcpStream,
        tls: Option<&Tls>,
        limits: &Limits,
    ) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let (socket, progress) = UpstreamSocket::new(socket, tls.is_some());
        match tls {
            Some(tls) => Self::on(tls.connect(socket).await?, progress, limits).await,
            None => Self::on(socket, progress, limits).await,
        }
    }

    pub(crate) async fn on<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        stream: S,
        progress: Progress,
        limits: &Limits,
    ) -> io::Result<Self> {
        progress.begin();
        let (sender, connection) = Builder::new()
            .max_headers(limits.head_lines)
            .max_header_size(limits.head_bytes)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let seen = progress.clone();
        let task = spawn(async move {
            // Of all that can go wrong between two requests, only this has no error of the system below it.
            if connection.await.is_err_and(|error| error.source().is_none()) {
                seen.saw_unasked_bytes();
            }
        });
        Ok(Self { sender, progress, opened: Instant::now(), task })
    }

    /// Waits until it is ready for another request. Says whether it will ever be.
    pub(crate) async fn settle(&mut self) -> bool {
        if self.sender.ready().await.is_ok() {
            return true;
        }
        // The reason is known once it has ended.
        let _ended = (&mut self.task).await;
        false
    }

    /// Why the upstream's side of it ended.
    pub(crate) fn end(&self) -> Dropped {
        if self.progress.had_unasked_bytes() { Dropped::UnaskedBytes } else { Dropped::Ended }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The innermost reason, which says most.
pub(crate) fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, root)
}
