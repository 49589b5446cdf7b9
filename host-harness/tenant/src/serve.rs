//! The HTTP shell: HTTP/1.1 on a listener, a request in, the tenant's answer out.

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::handle::TenantHandle;
use crate::respond::{Serving, respond};
use crate::socket::{Line, Socket};
use crate::tls::LocalTls;

/// Connections served at once; more wait in the listener's queue. Without a limit a client could exhaust file descriptors.
const MAX_CONNECTIONS: usize = 256;

/// Time for a request's head to arrive, and for a TLS handshake. Longer lets idle connections hold their places.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Time that requests under way have to end after shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a failed accept: out of file descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the tenant on `listener` until `shutdown` is ready, then lets requests under way end, for 5 seconds at most.
///
/// Meant for loopback, in the clear; [`serve_tls`] is for clients that insist on https. The target reaches the tenant as it was received, except that hyper drops a
/// `#fragment` and refuses, with 400, bytes that no target may hold.
pub async fn serve(
    listener: TcpListener,
    handle: TenantHandle,
    shutdown: impl Future<Output = ()>,
) {
    serve_with(ServeOptions::default(), listener, handle, shutdown).await;
}

/// What a server offers beside the tenant. Nothing by default; with anything, `/__requests` tells how often each operation was
/// asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServeOptions {
    /// Whether `/__faults` is there to ask for [faults](crate::faults) at. It lets anyone who reaches the port break the
    /// tenant.
    pub fault_control: bool,
    /// Whether `/__keys` is there to change [keys](crate::keys) at.
    pub key_control: bool,
}

impl ServeOptions {
    /// With every endpoint.
    #[must_use]
    pub fn controlled() -> Self {
        Self { fault_control: true, key_control: true }
    }

    /// Whether there is any endpoint beside the tenant, and so `/__requests` as well.
    pub(crate) fn is_controlled(self) -> bool {
        self.fault_control || self.key_control
    }
}

/// Serves the tenant as [`serve`] does, with these options.
///
/// Requests that a [fault](crate::faults) holds or delays do not outlast the server: when `shutdown` is ready, or this
/// future is dropped, their connections are reset, and those that were before their effect never have it.
pub async fn serve_with(
    options: ServeOptions,
    listener: TcpListener,
    handle: TenantHandle,
    shutdown: impl Future<Output = ()>,
) {
    serve_either(None, options, listener, handle, shutdown).await;
}

/// Serves the tenant as [`serve_with`] does, over TLS 1.2 or 1.3 alone.
pub async fn serve_tls(
    tls: LocalTls,
    options: ServeOptions,
    listener: TcpListener,
    handle: TenantHandle,
    shutdown: impl Future<Output = ()>,
) {
    serve_either(Some(tls.acceptor), options, listener, handle, shutdown).await;
}

async fn serve_either(
    tls: Option<TlsAcceptor>,
    options: ServeOptions,
    listener: TcpListener,
    handle: TenantHandle,
    shutdown: impl Future<Output = ()>,
) {
    let (closing, closed) = watch::channel(());
    let serving = Serving { handle, options, closed };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (stream, place) = accept(&listener, &places) => {
                connections.spawn(connection(stream, tls.clone(), place, serving.clone()));
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
    tls: Option<TlsAcceptor>,
    place: Option<OwnedSemaphorePermit>,
    serving: Serving,
) {
    let line = Line::default();
    let socket = Socket::new(stream, line.clone());
    match tls {
        None => speak(socket, &line, &serving).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HEAD_TIMEOUT, tls.accept(socket)).await {
                speak(stream, &line, &serving).await;
            }
        }
    }
    drop(place);
}

async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin, line: &Line, serving: &Serving) {
    let mut closed = serving.closed.clone();
    let service = service_fn(|request| respond(serving, line, request));
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
}
