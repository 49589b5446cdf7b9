//! A client that writes bytes.

use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use linkgate_cases::{Request, Response};

use super::PATIENCE;
use super::message::{Message, Unframed, comparable};

/// Sends a request exactly as the case has it, and reads the reply. Only `host` and the framing are
/// added.
///
/// # Errors
/// No whole reply comes.
pub fn exchange(address: SocketAddr, request: &Request) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A host may answer before it has read all of a body, and close: then the answer counts.
    let sent = stream.write_all(&on_the_wire(request));
    if request.body_breaks_off {
        stream.shutdown(Shutdown::Write)?;
    }
    let unframed = if request.method == "HEAD" { Unframed::Empty } else { Unframed::UntilClosed };
    let reply = loop {
        match Message::read(&mut stream, unframed) {
            Ok(interim) if interim.status().is_some_and(|status| status < 200) => {}
            Ok(reply) => break reply,
            Err(error) => return Err(sent.err().unwrap_or(error)),
        }
    };
    Ok(Response {
        status: reply.status().unwrap_or_default(),
        headers: comparable(&reply.headers, &[]),
        body: reply.body.unwrap_or_default(),
    })
}

/// More bytes than are sent when a body is to break off.
const MISSING: usize = 10;

/// A request as bytes: `host` and the framing are added, no more.
#[must_use]
pub fn on_the_wire(request: &Request) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut line = |name: &[u8], separator: &[u8], value: &[u8], end: &[u8]| {
        bytes.extend([name, separator, value, end].concat());
    };
    line(request.method.as_bytes(), b" ", &request.target, b" HTTP/1.1\r\n");
    line(b"host", b": ", b"gate.example", b"\r\n");
    for header in &request.headers {
        line(header.name.as_bytes(), b": ", &header.value, b"\r\n");
    }
    let missing = if request.body_breaks_off { MISSING } else { 0 };
    if !request.body.is_empty() || missing > 0 || request.method == "POST" {
        let length = (request.body.len() + missing).to_string();
        line(b"content-length", b": ", length.as_bytes(), b"\r\n");
    }
    line(b"", b"", b"", b"\r\n");
    bytes.extend(&request.body);
    bytes
}
