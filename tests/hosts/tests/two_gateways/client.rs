//! A client that links its accounts through a gateway.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::World;

/// Longer than any exchange may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// An answer: the status, and the reason where the gateway refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) reason: String,
}

/// Sends a link, and gives the answer; nothing when the gateway broke off.
pub(crate) async fn link(
    world: &World,
    gateway: SocketAddr,
    secondary: &str,
    trace: &str,
) -> Option<Answered> {
    let body = json!({ "link_with": world.tokens.of(secondary).gate }).to_string();
    let request = format!(
        "POST {}/identities HTTP/1.1\r\nhost: gate\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ntraceparent: 00-{trace}-00000000000000aa-01\r\n\
         content-length: {}\r\n\r\n{body}",
        world.primary_path,
        world.tokens.bearer.gate,
        body.len()
    );
    let exchange = async {
        let mut socket = TcpStream::connect(gateway).await.ok()?;
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        let _reset = socket.read_to_end(&mut answer).await;
        read(&String::from_utf8_lossy(&answer))
    };
    timeout(PATIENCE, exchange).await.expect("an exchange ends")
}

fn read(answer: &str) -> Option<Answered> {
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    // Chunked or not, the problem is the one object in it.
    let object = body.find('{').zip(body.rfind('}')).and_then(|(from, to)| body.get(from..=to));
    let problem: Value =
        object.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let reason = problem["errorCode"].as_str().unwrap_or_default().to_owned();
    Some(Answered { status, reason })
}
