//! A tenant on a socket, and a client that tells how its connection ended.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tenant::{Operation, ServeOptions, TenantHandle, Validity, serve_with};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::world::*;

pub(crate) const BEFORE: Point = Point::BeforeEffect;
pub(crate) const AFTER: Point = Point::AfterEffect;
pub(crate) const JWKS: &str =
    "GET /.well-known/jwks.json HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";

/// What no step of a test takes, however busy the machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    pub(crate) handle: TenantHandle,
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) server: JoinHandle<()>,
}

/// What came back on a connection, and how it ended.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) text: String,
    /// `Err(ConnectionReset)` for RST, `Ok` for FIN.
    pub(crate) end: Result<(), ErrorKind>,
}

impl Served {
    /// With the endpoint.
    pub(crate) async fn new() -> Self {
        Self::with(ServeOptions::controlled()).await
    }

    pub(crate) async fn with(options: ServeOptions) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let handle = TenantHandle::new(World::new().tenant);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { stopped.await.unwrap_or_default() };
        let server = tokio::spawn(serve_with(options, listener, handle.clone(), shutdown));
        Self { handle, address, stop, server }
    }

    /// Sends bytes on a connection of their own and reads to its end.
    pub(crate) fn send(&self, bytes: impl Into<Vec<u8>>) -> JoinHandle<Received> {
        let (address, bytes) = (self.address, bytes.into());
        spawn_blocking(move || {
            let mut stream = opened(address, &bytes);
            let mut received = Vec::new();
            let end = stream.read_to_end(&mut received);
            Received {
                text: String::from_utf8(received).unwrap(),
                end: end.map(drop).map_err(|error| error.kind()),
            }
        })
    }

    /// Sends bytes and leaves the connection open.
    pub(crate) async fn open(&self, bytes: impl Into<Vec<u8>>) -> TcpStream {
        let (address, bytes) = (self.address, bytes.into());
        spawn_blocking(move || opened(address, &bytes)).await.unwrap()
    }

    /// Asks the endpoint: the status and the JSON of its answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n");
        let typed = "Content-Type: application/json\r\n";
        let text = format!("{head}{typed}Content-Length: {}\r\n\r\n{body}", body.len());
        let received = self.send(text).await.unwrap();
        let (_, body) = received.text.split_once("\r\n\r\n").unwrap();
        (received.status(), serde_json::from_str(body).unwrap())
    }

    /// Alice links her Google account, both tokens in order.
    pub(crate) fn link(&self) -> String {
        let tenant = self.handle.tenant();
        let bearer = tenant.mint_access_token(ALICE, "spa", LINK, hour_from_now()).unwrap();
        let second = tenant.mint_id_token(ALICE_GOOGLE, "spa", hour_from_now()).unwrap();
        let body = format!(r#"{{"link_with":"{second}"}}"#);
        format!(
            "POST {}/identities HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {bearer}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            path(ALICE),
            body.len()
        )
    }

    /// Whether that link is there.
    pub(crate) fn is_linked(&self) -> bool {
        self.handle.tenant().user(ALICE).unwrap().linked_ids() == [ALICE_GOOGLE]
    }

    /// Adds a fault to every link.
    pub(crate) fn on_link(&self, fault: Fault) -> u64 {
        self.handle.add_fault(FaultRule::new(Operation::Link, fault))
    }
}

impl Received {
    pub(crate) fn status(&self) -> u16 {
        self.text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// How many bytes of body were announced, and what came of them.
    pub(crate) fn body(&self) -> (usize, &str) {
        let (head, body) = self.text.split_once("\r\n\r\n").unwrap();
        let (_, length) = head.split_once("content-length: ").unwrap();
        (length.lines().next().unwrap().parse().unwrap(), body)
    }

    pub(crate) fn is_reset(&self) -> bool {
        self.text.is_empty() && self.end == Err(ErrorKind::ConnectionReset)
    }
}

/// The future's outcome, within the limit.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it ends in time")
}

fn opened(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

pub(crate) fn hour_from_now() -> Validity {
    Validity::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(), 3_600)
}
