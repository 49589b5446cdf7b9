//! Which HTTP a client speaks: HTTP/2 when it begins with that version's preface, without being asked.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::client_tls::ClientStream;

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// A client's connection from its first byte on, though some were read to know what it speaks.
pub(crate) struct Begun {
    socket: ClientStream,
    /// Read already, and not given on.
    received: Vec<u8>,
}

/// Reads as much as the preface and the bytes received have in common, and what came with it.
pub(crate) async fn listen(mut socket: ClientStream) -> io::Result<(Spoken, Begun)> {
    let mut received = [0; PREFACE.len()];
    let mut length = 0;
    let (spoken, received) = loop {
        let space = received.get_mut(length..).unwrap_or_default();
        let read = socket.read(space).await?;
        length += read;
        let begun = received.get(..length).unwrap_or_default();
        if begun == PREFACE {
            break (Spoken::Http2, begun.to_vec());
        }
        if read == 0 || !PREFACE.starts_with(begun) {
            break (Spoken::Http1, begun.to_vec());
        }
    };
    Ok((spoken, Begun { socket, received }))
}

impl AsyncRead for Begun {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.received.is_empty() {
            return Pin::new(&mut this.socket).poll_read(cx, out);
        }
        let later = this.received.split_off(this.received.len().min(out.remaining()));
        out.put_slice(&std::mem::replace(&mut this.received, later));
        // What has arrived behind it goes along: hyper doubles the buffer of a connection whose first read is short, and
        // keeps it. The next read meets an end or an error again.
        if out.remaining() > 0 {
            let _behind = Pin::new(&mut this.socket).poll_read(cx, out);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// RFC 9113 section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::paced::PacedSocket;
    use crate::settings::Limits;

    /// A client that has sent this and no more, and closes if it `ends`.
    async fn begun(sent: &[u8], ends: bool) -> (Spoken, Begun, Option<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(sent).await.unwrap();
        let client = (!ends).then_some(client);
        let (socket, _peer) = listener.accept().await.unwrap();
        let socket = ClientStream::Plain(PacedSocket::new(socket, &Limits::default()));
        let (spoken, begun) = listen(socket).await.unwrap();
        (spoken, begun, client)
    }

    #[tokio::test]
    async fn a_head_that_has_arrived_is_one_read() {
        let head = b"GET /api/v2/users/1 HTTP/1.1\r\nhost: a\r\n\r\n";
        for (sent, expected) in [(&head[..], Spoken::Http1), (&PREFACE[..], Spoken::Http2)] {
            let (spoken, mut begun, _client) = begun(sent, false).await;
            let mut buffer = [0; 4096];
            let length = begun.read(&mut buffer).await.unwrap();
            assert_eq!((spoken, &buffer[..length]), (expected, sent));
        }
    }

    #[tokio::test]
    async fn an_end_behind_the_first_bytes_is_met() {
        let (_spoken, mut begun, _client) = begun(b"GET /", true).await;
        let mut received = Vec::new();
        begun.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, b"GET /");
    }

    #[tokio::test]
    async fn a_reader_with_little_room_loses_nothing() {
        let (_spoken, mut begun, _client) =
            begun(b"GET / HTTP/1.1\r\nhost: somewhere\r\n\r\n", true).await;
        let mut received = Vec::new();
        let mut byte = [0; 5];
        while let length @ 1.. = begun.read(&mut byte).await.unwrap() {
            received.extend_from_slice(&byte[..length]);
        }
        assert_eq!(received, b"GET / HTTP/1.1\r\nhost: somewhere\r\n\r\n");
    }
}
