//! The HTTP/1.1 server: connections in, requests to the driver, and an orderly end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::{self, Answer};
use crate::content::Content;
use crate::drive::Driver;
use crate::evaluator::Evaluator;
use crate::intake::{Intake, Place};
use crate::request::ClientRequest;

/// Accepts connections until `shutdown`, then lets open exchanges end for a while.
pub(crate) async fn serve<E: Evaluator>(
    driver: Arc<Driver<E>>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(driver.limits.connections));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_ended) = connections.join_next() => {}
            Some((socket, place)) = accept(&listener, &places) => {
                connections.spawn(connection(Arc::clone(&driver), socket, place, stopped.clone()));
            }
        }
    }
    drop(listener);
    // Nobody left to tell is fine.
    let _ = stop.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(driver.limits.drain_timeout, drained).await.is_err() {
        driver.fleet.desk().stopping.store(true, Ordering::Release);
        connections.shutdown().await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((socket, _peer)) => return Some((socket, place)),
            // Out of descriptors, or a client that left early: both pass.
            Err(_refused) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection; at shutdown, to the end of its current exchange.
async fn connection<E: Evaluator>(
    driver: Arc<Driver<E>>,
    socket: TcpStream,
    _place: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<bool>,
) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let limits = driver.limits.clone();
    let (intake, place) = Intake::new(socket, limits.stall_timeout);
    let service = service_fn(|request| {
        let (driver, place) = (Arc::clone(&driver), place.clone());
        async move { Ok::<_, Infallible>(exchange(&driver, &place, request).await) }
    });
    // Without `with_upgrades` the server never hands a connection over: no tunnel, whatever is said.
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.head_lines)
        .max_header_size(limits.head_bytes)
        .serve_connection(TokioIo::new(intake), service);
    let mut connection = pin!(connection);
    // A connection's errors are its client's to see; what they did to an exchange is in its record.
    tokio::select! {
        _ended = connection.as_mut() => return,
        _told = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ended = connection.await;
}

/// One request, one answer.
async fn exchange<E: Evaluator>(
    driver: &Driver<E>,
    place: &Place,
    request: Request<Incoming>,
) -> Response<Answer<E>> {
    let length = request.body().size_hint().exact();
    let line =
        place.claim(length).filter(|line| line.method == request.method().as_str().as_bytes());
    let (head, body) = request.into_parts();
    let readable = line.is_some();
    let mut response = match line {
        Some(line) => {
            let content = Content::incoming(body);
            driver
                .drive(ClientRequest { line, method: head.method, headers: head.headers, content })
                .await
        }
        None => answer::unreadable(),
    };
    // Where the next head begins is known only after a body of known length.
    if length.is_none() || !readable {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// After a failed accept: short enough to go unnoticed, long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
