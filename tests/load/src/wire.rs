//! A client for measurements: requests that were made before, over one connection, and as little work as an answer's status
//! takes, so that a host waits for its clients as seldom as can be.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Attempt;
use crate::responder::is_whole;

/// A connection that is made for the first request, and again after an answer that closes it.
pub(crate) struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_mins(1);

impl Wire {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, received: Vec::new() }
    }

    /// So many to one address.
    pub(crate) fn some(address: SocketAddr, count: usize) -> Vec<Self> {
        (0..count).map(|_| Self::new(address)).collect()
    }

    /// Sends a request as it is, once, and reads its answer whole, which has to have this status.
    pub(crate) async fn exchange(&mut self, request: &[u8], status: u16) -> Attempt<()> {
        let answered = timeout(TIMEOUT, self.answer(request)).await;
        answered
            .map_err(|_elapsed| "no answer in time".to_owned())?
            .map_err(|error| error.to_string())?;
        let shown = || String::from_utf8_lossy(&self.received).into_owned();
        // RFC 9112 section 4: HTTP-version SP status-code SP
        let found = self.received.get(9..12).and_then(|code| str::from_utf8(code).ok());
        if found == Some(&status.to_string()) {
            return Ok(());
        }
        Err(format!("expected a whole {status}, found {}", shown()))
    }

    async fn answer(&mut self, request: &[u8]) -> std::io::Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        self.received.clear();
        while !is_whole(&self.received) {
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !closes(&self.received) {
            self.stream = Some(stream);
        }
        Ok(())
    }
}

/// A request as it is sent (RFC 9112 section 3). `fields` are whole lines.
pub(crate) fn request(method: &str, target: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: gate.example\r\n{fields}\r\n{body}").into_bytes()
}

/// A request to take an identity off a user, who is a segment of a path.
pub(crate) fn unlink(user: &str, token: Option<&str>) -> Vec<u8> {
    let target = format!("/api/v2/users/{user}/identities/google-oauth2/1");
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    request("DELETE", &target, &bearer.unwrap_or_default(), "")
}

/// Whether no other request can follow (RFC 9112 section 9.6).
fn closes(answer: &[u8]) -> bool {
    let head = answer.split(|byte| *byte == b'\n').take_while(|line| line.len() > 1);
    let mut lines = head.map(<[u8]>::to_ascii_lowercase);
    lines.any(|line| line.trim_ascii() == b"connection: close")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_kept_unless_its_head_says_otherwise() {
        assert!(closes(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        assert!(!closes(b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\nconnection: close"));
    }

    #[tokio::test]
    async fn an_answer_is_whole_and_has_the_status() {
        let upstream = crate::responder::respond().await.unwrap();
        let mut wire = Wire::new(upstream);
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(wire.exchange(request, 200).await, Ok(()));
        let wrong = wire.exchange(request, 201).await.unwrap_err();
        assert!(wrong.starts_with("expected a whole 201, found HTTP/1.1 200"), "{wrong}");
    }
}
