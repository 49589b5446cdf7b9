//! The operator's own address: metrics, and whether it lives and is ready.
//!
//! It answers nothing else and decides nothing. It has no authentication: bind it where only the
//! operator gets.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use linkgate_gateway::{NotReady, Readiness};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Metrics;

/// Connections at once: a scraper and a few probes.
const MAX_CONNECTIONS: usize = 32;

/// For a head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept: out of descriptors, it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the operator's address for as long as the process lives.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, readiness: Readiness) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (metrics, readiness) = (Arc::clone(&metrics), readiness.clone());
        tokio::spawn(async move {
            connection(stream, &metrics, &readiness).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, metrics: &Metrics, readiness: &Readiness) {
    let service = service_fn(|request: Request<Incoming>| async move {
        metrics.live_instances(readiness.live_instances());
        metrics.keys(&readiness.key_sources());
        metrics.shadow(readiness.shadow().as_ref());
        metrics.connections(&readiness.upstream_connections());
        Ok::<_, Infallible>(answer(&request, metrics, readiness.check()))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // A scraper that breaks off is no news.
    let _ = connection.await;
}

fn answer<B>(
    request: &Request<B>,
    metrics: &Metrics,
    ready: Result<(), NotReady>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n".to_owned());
    }
    match request.uri().path() {
        "/metrics" => {
            let mut response = text(StatusCode::OK, metrics.text());
            let openmetrics = hyper::header::HeaderValue::from_static(
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            );
            response.headers_mut().insert(hyper::header::CONTENT_TYPE, openmetrics);
            response
        }
        "/live" => text(StatusCode::OK, "live\n".to_owned()),
        "/ready" => match ready {
            Ok(()) => text(StatusCode::OK, "ready\n".to_owned()),
            Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")),
        },
        _ => text(StatusCode::NOT_FOUND, "/metrics, /live, /ready\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn readiness_says_why_not_in_fixed_words() {
        let metrics = Metrics::new();
        let request = Request::get("/ready").body(()).unwrap();
        for (ready, status, said) in [
            (Ok(()), 200, "ready\n"),
            (Err(NotReady::Stopping), 503, "not ready: stopping\n"),
            (Err(NotReady::NoInstance), 503, "not ready: no living instance\n"),
            (Err(NotReady::NoKeys), 503, "not ready: no keys yet\n"),
        ] {
            let (head, body) = answer(&request, &metrics, ready).into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            assert_eq!((head.status.as_u16(), &body[..]), (status, said.as_bytes()));
        }
    }
}
