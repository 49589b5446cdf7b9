//! Bytes on sockets, with nothing in between: clients and upstreams that a test plays by hand.
//!
//! All of it panics where the other side does not do what the test says it does.

#![expect(clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
#![expect(clippy::missing_panics_doc, reason = "the module says it")]

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use crate::hosts::PATIENCE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Bounds a wait: a test that would hang fails instead, and says what it waited for.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// One end of a connection.
pub struct Peer {
    /// The connection.
    pub socket: TcpStream,
    received: Vec<u8>,
}

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It said that it has no more to send.
    Orderly,
    /// It broke off.
    Reset,
}

impl Peer {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = soon("a connection", TcpStream::connect(address)).await.expect("a connection");
        Self { socket, received: Vec::new() }
    }

    /// Sends it all.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("room to send", self.socket.write_all(bytes.as_ref()))
            .await
            .expect("a peer that reads");
    }

    /// Sends until the socket says that the peer is gone.
    pub async fn send_until_refused(&mut self, bytes: impl AsRef<[u8]>) {
        soon("the end of the connection", async {
            while self.socket.write_all(bytes.as_ref()).await.is_ok() {}
        })
        .await;
    }

    /// Breaks the connection off with a reset.
    pub fn reset(self) {
        self.socket.set_zero_linger().expect("a socket option");
    }

    /// A head, up to and including its empty line.
    pub async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// A message whose head gives its length, or that has no body.
    pub async fn message(&mut self) -> String {
        let head = self.head().await;
        let length = length(&head);
        while self.received.len() < length {
            assert!(self.more().await.is_ok(), "it ended within the body after {head}");
        }
        let rest = self.received.split_off(length);
        head + &text(&std::mem::replace(&mut self.received, rest))
    }

    /// Everything up to and including `mark`.
    pub async fn until(&mut self, mark: &str) -> String {
        let mark = mark.as_bytes();
        loop {
            if let Some(at) = self.received.windows(mark.len()).position(|window| window == mark) {
                let rest = self.received.split_off(at + mark.len());
                return text(&std::mem::replace(&mut self.received, rest));
            }
            let more = self.more().await;
            assert!(more.is_ok(), "the connection ended after {:?}", text(&self.received));
        }
    }

    /// Everything until the other side ends the connection, and how it did.
    pub async fn rest(&mut self) -> (String, Ended) {
        let ended = loop {
            if let Err(ended) = self.more().await {
                break ended;
            }
        };
        (text(&std::mem::take(&mut self.received)), ended)
    }

    /// Reads `length` bytes of `filling` and keeps none of them.
    pub async fn swallow(&mut self, filling: u8, mut length: usize) {
        while length > 0 {
            if self.received.is_empty() {
                assert!(self.more().await.is_ok(), "the connection ended {length} bytes early");
            }
            let eaten = self.received.len().min(length);
            assert!(self.received.drain(..eaten).all(|byte| byte == filling), "another byte");
            length -= eaten;
        }
    }

    async fn more(&mut self) -> Result<(), Ended> {
        let mut chunk = vec![0; 64 << 10];
        let read: io::Result<usize> = soon("bytes", self.socket.read(&mut chunk)).await;
        match read {
            Ok(0) => Err(Ended::Orderly),
            Ok(length) => {
                self.received.extend_from_slice(&chunk[..length]);
                Ok(())
            }
            Err(_) => Err(Ended::Reset),
        }
    }
}

/// An upstream whose answers the test writes by hand.
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    listener: TcpListener,
    /// The same socket, to look at without waiting.
    pending: std::net::TcpListener,
}

impl Upstream {
    /// One that listens on a port of its own.
    #[must_use]
    pub fn bind() -> Self {
        let pending = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        pending.set_nonblocking(true).expect("a socket option");
        let listener = pending.try_clone().and_then(TcpListener::from_std).expect("a listener");
        Self { address: pending.local_addr().expect("an address"), listener, pending }
    }

    /// The next connection.
    pub async fn accept(&self) -> Peer {
        let connection = soon("the gate to connect", self.listener.accept()).await;
        Peer { socket: connection.expect("a connection").0, received: Vec::new() }
    }

    /// Demands that no client has connected since. Whatever an exchange sends, it has sent before its
    /// decision record is written.
    pub fn has_no_more(&self, row: &str) {
        match self.pending.accept() {
            Ok(_) => panic!("{row}: something else was sent"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{row}"),
        }
    }
}

/// The `content-length` of a head, or nothing.
fn length(head: &str) -> usize {
    let line = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(line).unwrap_or(0)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
