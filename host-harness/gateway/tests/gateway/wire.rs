//! Bytes on sockets, with nothing in between.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Bounds a wait: a test that would hang fails instead, and says what it waited for.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Between two bytes of a peer that creeps: well below every bound on standing still.
const NOW_AND_THEN: Duration = Duration::from_millis(20);

/// One end of a connection.
pub(crate) struct Peer {
    socket: TcpStream,
    received: Vec<u8>,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = soon("a connection", TcpStream::connect(address)).await.expect("a connection");
        Self { socket, received: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("room to send", self.socket.write_all(bytes.as_ref()))
            .await
            .expect("a peer that reads");
    }

    /// Sends a byte now and then, until the other side has had enough.
    pub(crate) async fn creep(&mut self) {
        let creeping = async {
            while self.socket.write_all(b"x").await.is_ok() {
                tokio::time::sleep(NOW_AND_THEN).await;
            }
        };
        soon("the other side to have enough", creeping).await;
    }

    /// No more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.socket.shutdown().await.expect("a connection to end");
    }

    /// Breaks the connection off with a reset.
    pub(crate) fn reset(self) {
        self.socket.set_zero_linger().expect("a socket option");
    }

    /// A head, up to and including its empty line.
    pub(crate) async fn head(&mut self) -> String {
        self.until(b"\r\n\r\n").await
    }

    /// Takes a whole request, the next on this connection. Nothing when it has ended.
    pub(crate) async fn request(&mut self) -> Option<String> {
        loop {
            let received = text(&self.received);
            if let Some((head, body)) = received.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
                if body.len() >= length {
                    return Some(self.take(head.len() + 4 + length).await);
                }
            }
            if self.socket.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Everything up to and including `mark`.
    pub(crate) async fn until(&mut self, mark: &[u8]) -> String {
        loop {
            if let Some(at) = self.received.windows(mark.len()).position(|window| window == mark) {
                let rest = self.received.split_off(at + mark.len());
                return text(&std::mem::replace(&mut self.received, rest));
            }
            assert!(self.more().await > 0, "the connection ended after {:?}", text(&self.received));
        }
    }

    /// Everything up to and including `mark`, or until the other side ends the connection.
    pub(crate) async fn until_or_end(&mut self, mark: &[u8]) -> String {
        while !self.received.windows(mark.len()).any(|window| window == mark) {
            if self.more().await == 0 {
                break;
            }
        }
        text(&std::mem::take(&mut self.received))
    }

    /// Exactly `length` bytes.
    pub(crate) async fn take(&mut self, length: usize) -> String {
        while self.received.len() < length {
            assert!(self.more().await > 0, "the connection ended after {:?}", text(&self.received));
        }
        let rest = self.received.split_off(length);
        text(&std::mem::replace(&mut self.received, rest))
    }

    /// Sends until the other side ends the connection.
    pub(crate) async fn pour_until_cut_off(&mut self) {
        let chunk = vec![b'x'; 1 << 20];
        let pouring = async { while self.socket.write_all(&chunk).await.is_ok() {} };
        soon("the other side to cut it off", pouring).await;
    }

    /// Counts `length` bytes without keeping them.
    pub(crate) async fn swallow(&mut self, mut length: usize) {
        while length > 0 {
            if self.received.is_empty() {
                assert!(self.more().await > 0, "the connection ended {length} bytes early");
            }
            let eaten = self.received.len().min(length);
            self.received.drain(..eaten);
            length -= eaten;
        }
    }

    /// Everything until the other side ends the connection, orderly or not.
    pub(crate) async fn rest(&mut self) -> String {
        while self.more().await > 0 {}
        text(&std::mem::take(&mut self.received))
    }

    async fn more(&mut self) -> usize {
        let mut chunk = vec![0; 16 << 10];
        let length = soon("bytes", self.socket.read(&mut chunk)).await.unwrap_or(0);
        self.received.extend_from_slice(&chunk[..length]);
        length
    }
}

/// An upstream whose answers the test writes by hand.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
}

impl Upstream {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self { address: listener.local_addr().expect("an address"), listener }
    }

    /// The next connection, in the order in which they were made.
    pub(crate) async fn accept(&self) -> Peer {
        soon("the gateway to connect", self.accept_ever()).await
    }

    /// The same, however long it takes.
    pub(crate) async fn accept_ever(&self) -> Peer {
        let (socket, _) = self.listener.accept().await.expect("a connection");
        Peer { socket, received: Vec::new() }
    }
}

impl Upstream {
    /// The connection that the next request is sent on: one that was kept, or else the next.
    pub(crate) async fn serves(&self, kept: Option<Peer>) -> Peer {
        match kept {
            Some(kept) => kept,
            None => self.accept().await,
        }
    }

    /// Whether no client has connected that the test has not accepted yet. The system is asked, at once.
    pub(crate) fn is_left_alone(&self) -> bool {
        let listener = self.listener.as_fd().try_clone_to_owned().expect("a descriptor");
        let waiting = std::net::TcpListener::from(listener).accept();
        waiting.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// An address without a listener.
pub(crate) async fn nobody() -> SocketAddr {
    Upstream::bind().await.address
}

/// A request without a body. Its connection may carry more.
pub(crate) fn request(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A request without a body, the last of its connection.
pub(crate) fn last(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

/// The head of a POST whose body has `length` bytes.
pub(crate) fn post_of(length: usize) -> String {
    format!("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n")
}

/// Sends `bytes` on a connection of their own and gives all that comes back.
pub(crate) async fn say(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut peer = Peer::connect(address).await;
    peer.send(bytes).await;
    peer.rest().await
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
