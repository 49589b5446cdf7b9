//! A plain HTTP/1.1 client for one request at a time, to the byte: no redirect, no retry.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    /// Request target, sent as written here.
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Longest wait for an answer. On loopback it takes milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends a request on a connection of its own.
///
/// # Errors
///
/// A phrase that says what failed.
pub(crate) async fn send(address: SocketAddr, call: &Call) -> Result<Answer, String> {
    let exchange = async { exchange(address, call).await.map_err(|error| error.to_string()) };
    tokio::time::timeout(TIMEOUT, exchange)
        .await
        .map_err(|_elapsed| format!("no answer from {address} within {} s", TIMEOUT.as_secs()))?
}

async fn exchange(
    address: SocketAddr,
    call: &Call,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(call.method)
        .uri(call.target.as_str())
        .header("host", address.to_string());
    for (name, value) in &call.headers {
        request = request.header(*name, value);
    }
    let response =
        sender.send_request(request.body(Full::new(Bytes::from(call.body.clone())))?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes().to_vec();
    drop(sender);
    connection.abort();
    Ok(Answer { status, body })
}
