//! The server: connections in, and an orderly end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinSet, spawn};
use tokio::time::{sleep, timeout};

use crate::client_tls::ClientTls;
use crate::connection;
use crate::drive::Driver;
use crate::fetch::Fetcher;
use crate::shared_fetch;

/// Accepts connections until `shutdown`, then lets open exchanges end for a while. Gives the number of
/// those that did not.
pub(crate) async fn serve(
    driver: Arc<Driver>,
    fetcher: Arc<Fetcher>,
    listener: TcpListener,
    tls: Option<Arc<ClientTls>>,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let shared_fetches = spawn(shared_fetch::run(Arc::clone(&driver.shared), fetcher));
    let mut tended = pin!(driver.connections.tend());
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(driver.limits.connections));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            // It never ends.
            () = &mut tended => {}
            Some(_ended) = connections.join_next() => {}
            Some((socket, place)) = accept(&listener, &places) => {
                let served = connection::serve(Arc::clone(&driver), socket, tls.clone(), stopped.clone());
                connections.spawn(async move {
                    let _place = place;
                    served.await;
                });
            }
        }
    }
    driver.shared.draining.store(true, Ordering::Release);
    // No receiver left is fine.
    let _ = stop.send(true);
    for (socket, place) in backlog(&listener, &places).await {
        let served = connection::serve(Arc::clone(&driver), socket, tls.clone(), stopped.clone());
        connections.spawn(async move {
            let _place = place;
            served.await;
        });
    }
    drop(listener);
    let mut detached = JoinSet::new();
    let drained = async {
        while connections.join_next().await.is_some() {}
        detached = driver.detached();
        while detached.join_next().await.is_some() {}
    };
    let mut broken_off = 0;
    if timeout(driver.limits.drain_timeout, drained).await.is_err() {
        broken_off = driver.limits.in_flight - driver.shared.tickets.available_permits();
        driver.shared.stopping.store(true, Ordering::Release);
        connections.shutdown().await;
        driver.detached().shutdown().await;
        detached.shutdown().await;
    }
    shared_fetches.abort();
    driver.connections.close();
    driver.pool().flush().await;
    broken_off
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

/// The connections that the system has already made for us, as far as there are places for them: a
/// listener that is closed resets them.
async fn backlog(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Vec<(TcpStream, OwnedSemaphorePermit)> {
    let mut found = Vec::new();
    while let Ok(place) = Arc::clone(places).try_acquire_owned() {
        match timeout(ACCEPT_PAUSE, listener.accept()).await {
            Ok(Ok((socket, _peer))) => found.push((socket, place)),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    found
}

/// After a failed accept: short enough to go unnoticed, long enough not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
