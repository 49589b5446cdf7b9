//! A client that tells what it saw: a whole answer, a part of one, or none.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderName};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Attempt;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Request target, sent unchanged.
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

/// An answer: its head, and what came of its body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// How a request ended.
#[derive(Debug)]
pub(crate) enum Seen {
    Whole(Reply),
    /// The head was whole, the body broke off.
    Cut(Reply),
    /// The stream was reset: over HTTP/2 what breaks off may do so before its head has left.
    Reset,
    /// No head of an answer.
    Nothing {
        /// Whether bytes came that were the beginning of one. Of HTTP/2 this is not known.
        begun: bool,
        why: String,
    },
    /// There was no connection to send it on.
    NotConnected(String),
}

impl Seen {
    /// The answer, if it is whole and has this status.
    pub(crate) fn answered(self, status: u16) -> Attempt<Reply> {
        match self {
            Self::Whole(reply) if reply.status == status => Ok(reply),
            Self::Whole(_)
            | Self::Cut(_)
            | Self::Reset
            | Self::Nothing { .. }
            | Self::NotConnected(_) => Err(format!("expected a whole {status}, found {self:?}")),
        }
    }
}

/// Which HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// A client with one connection, kept from request to request, and made anew when it has ended.
pub(crate) struct Client {
    address: SocketAddr,
    spoken: Spoken,
    line: Option<Line>,
}

struct Line {
    sender: Sender,
    received: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Longest wait for an answer. The gateway's own bounds are far below.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Client {
    pub(crate) fn new(address: SocketAddr, spoken: Spoken) -> Self {
        Self { address, spoken, line: None }
    }

    /// Ends the connection; the next request makes another.
    pub(crate) fn hang_up(&mut self) {
        self.line = None;
    }

    /// Sends a request, once.
    pub(crate) async fn exchange(&mut self, call: &Call) -> Seen {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(error) => return Seen::NotConnected(error),
        };
        let connected = timeout(TIMEOUT, self.connected()).await;
        let mut line = match connected {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => return Seen::NotConnected(error.to_string()),
            Err(_elapsed) => return Seen::NotConnected("no connection in time".to_owned()),
        };
        let before = line.received.load(Ordering::Relaxed);
        let spoken = self.spoken;
        let nothing = |why: String, line: &Line| Seen::Nothing {
            begun: spoken == Spoken::Http1 && line.received.load(Ordering::Relaxed) > before,
            why,
        };
        let answered = timeout(TIMEOUT, line.sender.send(request)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if is_reset(&error) => return Seen::Reset,
            Ok(Err(error)) => return nothing(chain(&error), &line),
            Err(_elapsed) => return nothing("no answer in time".to_owned(), &line),
        };
        let (head, mut body) = response.into_parts();
        let mut reply =
            Reply { status: head.status.as_u16(), headers: head.headers, body: Vec::new() };
        loop {
            match timeout(TIMEOUT, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    reply.body.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return Seen::Cut(reply),
            }
        }
        self.line = Some(line);
        Seen::Whole(reply)
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, String> {
        let target: Uri = match self.spoken {
            Spoken::Http1 => call.target.parse(),
            Spoken::Http2 => format!("http://{}{}", self.address, call.target).parse(),
        }
        .map_err(|error| format!("{}: {error}", call.target))?;
        let mut request = Request::builder().method(call.method.clone()).uri(target);
        if self.spoken == Spoken::Http1 {
            request = request.header(HOST, self.address.to_string());
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(call.body.clone())).map_err(|error| error.to_string())
    }

    /// The connection, if it can take a request, else another.
    async fn connected(&mut self) -> io::Result<Line> {
        if let Some(mut line) = self.line.take()
            && line.sender.ready().await
        {
            return Ok(line);
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Line::open(stream, self.spoken).await.map_err(io::Error::other)
    }
}

impl Line {
    async fn open(stream: TcpStream, spoken: Spoken) -> hyper::Result<Self> {
        let received = Arc::new(AtomicU64::new(0));
        let counted = TokioIo::new(Counted { stream, received: Arc::clone(&received) });
        let (sender, task) = match spoken {
            Spoken::Http1 => {
                let (sender, connection) = http1::handshake(counted).await?;
                (Sender::Http1(sender), tokio::spawn(async { drop(connection.await) }))
            }
            Spoken::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), counted).await?;
                (Sender::Http2(sender), tokio::spawn(async { drop(connection.await) }))
            }
        };
        Ok(Self { sender, received, task })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sender {
    async fn ready(&mut self) -> bool {
        match self {
            Self::Http1(sender) => sender.ready().await.is_ok(),
            Self::Http2(sender) => sender.ready().await.is_ok(),
        }
    }

    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<hyper::body::Incoming>> {
        match self {
            Self::Http1(sender) => sender.send_request(request).await,
            Self::Http2(sender) => sender.send_request(request).await,
        }
    }
}

/// Whether the server broke an answer off; a stream that it refuses, it has not begun.
fn is_reset(error: &hyper::Error) -> bool {
    let source =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source
        .is_some_and(|error| error.is_reset() && error.reason() != Some(h2::Reason::REFUSED_STREAM))
}

/// An error with what is behind it: hyper's own text stops at itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A stream that counts what is received.
struct Counted {
    stream: TcpStream,
    received: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let length = buffer.filled().len().saturating_sub(before);
        self.received.fetch_add(length as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
