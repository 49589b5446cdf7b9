//! Which HTTP a client speaks: HTTP/2 when it begins with that version's preface, without being asked.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// What a connection began with, and what was read of it to know.
pub(crate) enum Spoken {
    Http1(Vec<u8>),
    Http2(Vec<u8>),
}

/// Reads as much as the preface and the bytes received have in common, and what came with it.
pub(crate) async fn listen(socket: &mut TcpStream) -> io::Result<Spoken> {
    let mut received = [0; PREFACE.len()];
    let mut length = 0;
    loop {
        let space = received.get_mut(length..).unwrap_or_default();
        let read = socket.read(space).await?;
        length += read;
        let begun = received.get(..length).unwrap_or_default();
        if begun == PREFACE {
            return Ok(Spoken::Http2(begun.to_vec()));
        }
        if read == 0 || !PREFACE.starts_with(begun) {
            return Ok(Spoken::Http1(begun.to_vec()));
        }
    }
}

/// RFC 9113 section 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
