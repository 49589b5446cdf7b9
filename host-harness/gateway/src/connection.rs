//! One client's connection: which HTTP it speaks, its requests to the driver, and its orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::answer::{self, Answer};
use crate::client_tls::{ClientStream, ClientTls};
use crate::content::Content;
use crate::drive::Driver;
use crate::intake::{Intake, Place, RequestLine};
use crate::paced::PacedSocket;
use crate::preface::{Begun, Spoken, listen};
use crate::request::ClientRequest;
use crate::settings::Limits;
use crate::streams::Streams;

/// Serves one connection; at shutdown, to the end of what is under way on it.
pub(crate) async fn serve(
    driver: Arc<Driver>,
    socket: TcpStream,
    tls: Option<Arc<ClientTls>>,
    mut stopped: watch::Receiver<bool>,
) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    // Without an address it is no connection any more.
    let Ok(peer) = socket.peer_addr() else { return };
    let begun = timeout(driver.limits.head_timeout, begin(socket, tls, &driver.limits));
    // Boxed apart, so that a connection which says nothing holds neither.
    let begun = tokio::select! {
        begun = begun => begun,
        () = told_to_stop(&mut stopped) => return,
    };
    // Too late, or broken off: the connection ends here.
    let Ok(Ok((spoken, begun))) = begun else { return };
    match spoken {
        Spoken::Http1 => Box::pin(http1_connection(driver, peer, begun, stopped)).await,
        Spoken::Http2 => Box::pin(http2_connection(driver, peer, begun, stopped)).await,
    }
}

/// The handshake, where there is TLS, and the first bytes. Nothing is answered when it fails: there is no HTTP yet.
async fn begin(
    socket: TcpStream,
    tls: Option<Arc<ClientTls>>,
    limits: &Limits,
) -> io::Result<(Spoken, Begun)> {
    let socket = PacedSocket::new(socket, limits);
    let stream = match tls {
        Some(tls) => tls.accept(socket).await?,
        None => ClientStream::Plain(socket),
    };
    listen(stream).await
}

async fn http1_connection(
    driver: Arc<Driver>,
    peer: SocketAddr,
    begun: Begun,
    stopped: watch::Receiver<bool>,
) {
    let limits = driver.limits.clone();
    let (intake, place) = Intake::new(begun);
    let stopping = stopped.clone();
    let service = service_fn(|request| {
        let (driver, place, stopping) = (Arc::clone(&driver), place.clone(), stopping.clone());
        // Boxed apart: hyper has room for a request's future, 10 KiB, from a connection's begin to its end.
        Box::pin(async move {
            let mut response = http1_exchange(&driver, peer, &place, request).await;
            if *stopping.borrow() {
                response.headers_mut().insert(header::CONNECTION, CLOSE);
            }
            Ok::<_, Infallible>(response)
        })
    });
    // Without `with_upgrades` the server never hands a connection over: no tunnel, whatever is said.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.head_lines)
        .max_header_size(limits.head_bytes)
        .serve_connection(TokioIo::new(intake), service);
    to_the_end(connection, http1::Connection::graceful_shutdown, stopped).await;
}

async fn http2_connection(
    driver: Arc<Driver>,
    peer: SocketAddr,
    begun: Begun,
    stopped: watch::Receiver<bool>,
) {
    let limits = driver.limits.clone();
    let service = service_fn(|request| {
        let driver = Arc::clone(&driver);
        async move { Ok::<_, Infallible>(http2_exchange(&driver, peer, request).await) }
    });
    let head_bytes = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
    // Extended CONNECT (RFC 8441) is off unless switched on.
    let connection = http2::Builder::new(Streams::new(limits.clone()))
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(head_bytes)
        .max_frame_size(FRAME_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(ERROR_RESETS)
        .keep_alive_interval(limits.head_timeout)
        .keep_alive_timeout(limits.stall_timeout)
        .serve_connection(TokioIo::new(begun), service);
    to_the_end(connection, http2::Connection::graceful_shutdown, stopped).await;
}

/// A connection's errors are its client's to see; what they did to an exchange is in its record.
async fn to_the_end<C: Future>(
    connection: C,
    shut_down: impl FnOnce(Pin<&mut C>),
    mut stopped: watch::Receiver<bool>,
) {
    let mut connection = pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = told_to_stop(&mut stopped) => shut_down(connection.as_mut()),
    }
    let _ended = connection.await;
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stopped| *stopped).await);
    sleep(LINGER).await;
}

/// One request, one answer.
async fn http1_exchange(
    driver: &Arc<Driver>,
    peer: SocketAddr,
    place: &Place,
    request: Request<Incoming>,
) -> Response<Answer> {
    let length = request.body().size_hint().exact();
    let line =
        place.claim(length).filter(|line| line.method == request.method().as_str().as_bytes());
    let readable = line.is_some();
    let mut response = match line {
        Some(line) => drive(driver, peer, line, request).await,
        None => answer::unreadable(),
    };
    // Where the next head begins is known only after a body of known length; and no one reads a
    // body that was still to come when the answer was ready.
    if length.is_none() || !readable || place.awaits_body() {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    response
}

/// One request, one answer. The target is the `:path` as h2 reads it: up to a `#`. That is what is
/// judged, and what is sent is made of it. There is none in a CONNECT. The `:authority` is no one's
/// business here.
async fn http2_exchange(
    driver: &Arc<Driver>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Response<Answer> {
    let Some(path) = request.uri().path_and_query() else {
        return answer::unreadable();
    };
    let line = RequestLine {
        method: request.method().as_str().as_bytes().to_vec(),
        target: path.as_str().as_bytes().to_vec(),
    };
    join_cookies(request.headers_mut());
    drive(driver, peer, line, request).await
}

async fn drive(
    driver: &Arc<Driver>,
    peer: SocketAddr,
    line: RequestLine,
    request: Request<Incoming>,
) -> Response<Answer> {
    let (head, body) = request.into_parts();
    let content = Content::incoming(body, &driver.limits);
    driver
        .drive(ClientRequest { peer, line, method: head.method, headers: head.headers, content })
        .await
}

/// HTTP/2 may split what HTTP/1.1 has in one line: RFC 9113 section 8.2.3.
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> =
        headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookies) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, cookies);
    }
}

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// How long an idle connection is kept after the call to stop, for a request that is already on its
/// way: it is served, with `connection: close`. Raised, every stop takes longer.
const LINGER: Duration = Duration::from_millis(100);

/// Streams open at once on a connection: what browsers use at most. Raised, one connection can fill
/// more of the places of requests in flight.
const STREAMS: u32 = 100;

/// Bytes of a frame: the least that RFC 9113 section 6.5.2 allows. Raised, a connection buffers more.
const FRAME_BYTES: u32 = 16 << 10;

/// Bytes of a body that may be on their way unread: a link request whole. Raised, each stream can make
/// the gateway hold that much more.
const STREAM_WINDOW: u32 = 64 << 10;

/// The same for all streams of a connection together.
const CONNECTION_WINDOW: u32 = 256 << 10;

/// Bytes of answers buffered per stream. Raised, a client that does not read holds more.
const SEND_BUFFER: usize = 64 << 10;

/// Streams a client has opened and reset before they were accepted (CVE-2023-44487): h2's default,
/// pinned. More end the connection; raised, a rapid reset costs more before it does.
const PENDING_RESETS: usize = 20;

/// Streams reset for a client's own errors (CVE-2025-8671): h2's default, pinned, likewise.
const ERROR_RESETS: usize = 1024;
