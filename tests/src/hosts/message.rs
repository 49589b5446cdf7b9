//! HTTP/1.1 messages as they stand on the wire, read without the help of a library: what is
//! compared must not have been tidied up.

use std::io::{self, Read};

use linkgate_policy::Header;

/// A message, its framing undone.
#[derive(Clone, Debug)]
pub struct Message {
    /// The first line.
    pub start: String,
    /// Header lines, names in lower case.
    pub headers: Vec<Header>,
    /// The body; none at all when nothing announces one.
    pub body: Option<Vec<u8>>,
}

/// How the end of a body is found when the head does not say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unframed {
    /// There is none: a request, an answer to HEAD.
    Empty,
    /// It ends with the connection: an answer.
    UntilClosed,
}

impl Message {
    /// Reads one message.
    pub(crate) fn read(from: &mut impl Read, unframed: Unframed) -> io::Result<Self> {
        let head = head(from)?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let line = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some(Header::new(&name.to_ascii_lowercase(), value.trim()))
        };
        let mut message = Self { start, headers: lines.filter_map(line).collect(), body: None };
        message.body = message.read_body(from, unframed)?;
        Ok(message)
    }

    /// The value of the first line of that name.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let line = self.headers.iter().find(|line| line.name == name)?;
        Some(String::from_utf8_lossy(&line.value).into_owned())
    }

    /// The status in the first line of an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.start.split(' ').nth(1)?.parse().ok()
    }

    fn read_body(&self, from: &mut impl Read, unframed: Unframed) -> io::Result<Option<Vec<u8>>> {
        let status = self.status();
        if status.is_some_and(|status| status < 200 || status == 204 || status == 304) {
            return Ok(None);
        }
        if unframed == Unframed::Empty && status.is_some() {
            return Ok(None);
        }
        if self.value("transfer-encoding").is_some() {
            return chunked(from).map(Some);
        }
        if let Some(length) = self.value("content-length") {
            let length = length.parse().map_err(|_| io::Error::other("a bad content-length"))?;
            let mut body = vec![0; length];
            from.read_exact(&mut body)?;
            return Ok(Some(body));
        }
        if unframed == Unframed::Empty {
            return Ok(None);
        }
        let mut body = Vec::new();
        from.read_to_end(&mut body)?;
        Ok(Some(body))
    }
}

/// Reads up to the empty line, which is left out.
fn head(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        head.extend(byte);
    }
    head.truncate(head.len() - 4);
    Ok(head)
}

/// Reads a chunked body; trailers are read over.
fn chunked(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
            .map_err(|_| io::Error::other("a bad chunk size"))?;
        if size == 0 {
            while !line(from)?.is_empty() {}
            return Ok(body);
        }
        let at = body.len();
        body.resize(at + size, 0);
        from.read_exact(&mut body[at..])?;
        line(from)?;
    }
}

fn line(from: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        line.extend(byte);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).map_err(io::Error::other)
}

/// What a host has its own word on: the next hop's name, the time, the framing, and what ends with
/// the hop (RFC 9110 section 7.6.1).
const OF_THE_HOST: [&str; 11] = [
    "host",
    "date",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// Header lines as they are compared: without the host's own and what this one `adds`, in the order of
/// their names.
pub(crate) fn comparable(lines: &[Header], adds: &[&str]) -> Vec<Header> {
    let is_of = |names: &[&str], line: &Header| names.contains(&line.name.as_str());
    let ours = |line: &&Header| !is_of(&OF_THE_HOST, line) && !is_of(adds, line);
    let mut lines: Vec<Header> = lines.iter().filter(ours).cloned().collect();
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_where_their_heads_say() {
        for (row, bytes, unframed, expected) in [
            (
                "length",
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
                Unframed::UntilClosed,
                Some("ab"),
            ),
            (
                "chunks",
                "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;x\r\na\r\n2\r\nbc\r\n0\r\nx: y\r\n\r\n",
                Unframed::Empty,
                Some("abc"),
            ),
            ("until closed", "HTTP/1.1 200 OK\r\n\r\nabc", Unframed::UntilClosed, Some("abc")),
            ("a request without", "GET / HTTP/1.1\r\n\r\n", Unframed::Empty, None),
            (
                "an answer to HEAD",
                "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
                Unframed::Empty,
                None,
            ),
            ("no content", "HTTP/1.1 204 No Content\r\n\r\n", Unframed::UntilClosed, None),
        ] {
            let message = Message::read(&mut bytes.as_bytes(), unframed).expect(row);
            assert_eq!(message.body.as_deref(), expected.map(str::as_bytes), "{row}");
        }
    }
}
