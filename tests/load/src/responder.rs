//! An upstream that costs next to nothing: whatever is asked, the answer is the same.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Attempt;

/// What it answers: the identities of an account without any.
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";

/// What it answers to a POST: a link was made.
const CREATED: &[u8] =
    b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";

/// Listens on a port of its own, for as long as the runtime lives.
pub(crate) async fn respond() -> Attempt<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(address)
}

/// Answers each request, one after another: no host here pipelines.
async fn serve(mut stream: TcpStream) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut chunk).await {
        received.extend_from_slice(chunk.get(..length).unwrap_or_default());
        if is_whole(&received) {
            let answer = if received.starts_with(b"POST ") { CREATED } else { ANSWER };
            received.clear();
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

/// Whether these bytes are a message with its body (RFC 9112 section 6.3), as far as hosts here write one.
pub(crate) fn is_whole(received: &[u8]) -> bool {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let (head, rest) = received.split_at(end);
    let body = rest.get(4..).unwrap_or_default();
    let field = |wanted: &[u8]| {
        let mut lines = head.split(|byte| *byte == b'\n').skip(1);
        lines.find_map(|line| {
            let (name, value) = line.split_at_checked(wanted.len())?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim_ascii())
        })
    };
    if field(b"transfer-encoding:").is_some() {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = field(b"content-length:").and_then(|value| str::from_utf8(value).ok());
    body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_body() {
        for (row, request, expected) in [
            ("a part of a head", "GET / HTTP/1.1\r\nhost: a\r\n", false),
            ("a head", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", true),
            ("half a body", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n{}", false),
            ("a body", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", true),
            ("chunks", "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", false),
            (
                "the last chunk",
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                true,
            ),
        ] {
            assert_eq!(is_whole(request.as_bytes()), expected, "{row}");
        }
    }
}
