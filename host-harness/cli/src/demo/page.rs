//! The page of the demo: a person signs in, links, reads identities and unlinks by hand.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use super::story::{CAROL, CLIENT};
use super::{Stage, calls};

/// Where the page is: its only address, as the tenant has it registered.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// The page, with the addresses of tenant and gate in it.
pub(super) fn html(stage: &Stage, page: &str) -> String {
    let tenant = stage.tenant.tenant();
    let config = json!({
        "page": page,
        "gate": format!("http://{}", stage.gateway),
        "issuer": tenant.settings().issuer(),
        "audience": tenant.settings().management_audience(),
        "clientId": CLIENT,
        "scope": calls::SCOPE,
        "somebodyElse": CAROL,
    });
    include_str!("page.html").replace("{{config}}", &config.to_string())
}

/// Serves it for as long as the process lives.
pub(super) async fn serve(listener: TcpListener, html: Bytes) {
    while let Ok((stream, _)) = listener.accept().await {
        let html = html.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(&request, html.clone());
                async { Ok::<_, Infallible>(answer) }
            });
            // A browser that breaks off is no news.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer<B>(request: &Request<B>, html: Bytes) -> Response<Full<Bytes>> {
    let found = request.method() == Method::GET && request.uri().path() == "/";
    let (status, body) =
        if found { (StatusCode::OK, html) } else { (StatusCode::NOT_FOUND, Bytes::new()) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        // Its address holds a code for a moment.
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "frame-ancestors 'none'"),
    ] {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}
