//! The HTTP shell: HTTP/1.1 on a listener, a request in, the tenant's answer out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::handle::TenantHandle;
use crate::incoming::read;

/// Connections served at once; more wait in the listener's queue. Without a limit a client could exhaust file descriptors.
const MAX_CONNECTIONS: usize = 256;

/// Time for a request's head to arrive. Longer lets idle connections hold their places.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Time that requests under way have to end after shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a failed accept: out of file descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the tenant on `listener` until `shutdown` is ready, then lets requests under way end, for 5 seconds at most.
///
/// Meant for loopback: there is no TLS. The target reaches the tenant as it was received, except that hyper drops a
/// `#fragment` and refuses, with 400, bytes that no target may hold.
pub async fn serve(
    listener: TcpListener,
    handle: TenantHandle,
    shutdown: impl Future<Output = ()>,
) {
    let (closing, closed) = watch::channel(());
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, place) = accept(&listener, &places) => {
                connections.spawn(connection(stream, place, handle.clone(), closed.clone()));
            }
        }
    }
    drop(listener);
    drop(closing);
    // What has not ended by then is cut off when the set is dropped.
    let _ =
        timeout(DRAIN_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection; a broken one ends without a word, as clients break off whenever they like.
async fn connection(
    stream: TcpStream,
    place: Option<OwnedSemaphorePermit>,
    handle: TenantHandle,
    mut closed: watch::Receiver<()>,
) {
    let service = service_fn(|request| respond(&handle, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = closed.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(place);
}

async fn respond(
    handle: &TenantHandle,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = match read(request).await {
        Ok(request) => handle.answer(request, now_unix_s()),
        Err(unread) => unread.answer(),
    };
    Ok(response(answer))
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Full::new(Bytes::from(answer.body))).unwrap_or_else(|_| {
        let mut failed = Response::new(Full::new(Bytes::new()));
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
