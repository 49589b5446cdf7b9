//! The request line as it stood on the wire.
//!
//! hyper gives a target as `http::Uri`, which is not what was received: a `#` and all after it are
//! gone without a word, an absolute-form's scheme is in lower case, its empty path has become `/`.
//! A policy that is to judge a path needs the bytes. So this stream sits between the socket and
//! hyper, and lets hyper have a connection in portions:
//!
//! ```text
//!  ┌─▶ a head, up to its empty line ─▶ nothing, until the head was claimed ─▶ its body, to the byte ─┐
//!  └─────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What is claimed is the request line in front of that very head, because hyper cannot have seen a
//! later one. How long the body is, hyper says; the stream only counts. After a body that ends
//! somewhere (chunked) the place of the next head is unknown, and the connection ends there.
//! Wherever the two disagree, hyper waits for bytes that never come, or a claim fails: both close.
//! A claim also fails where two readers of a head could part over the length of its body: more than one
//! `Transfer-Encoding`, one that is not exactly `chunked`, or one beside a `Content-Length`.
//!
//! What hyper refuses by itself never gets this far, and has no record: it answers a bare 400 to
//! malformed heads (RFC 9112 sections 3.2, 5 and 6.3) and to targets with white space, controls,
//! bytes that are no UTF-8, `<`, `>`, a backtick in the path or a `"` in the query. `|`, `\`, `#`, raw UTF-8,
//! `..`, and every form of target get through to the policy as they are.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A client's connection as hyper reads it.
pub(crate) struct Intake<S> {
    socket: S,
    /// Received and not yet let through: `pending[taken..]`.
    pending: Vec<u8>,
    taken: usize,
    place: Place,
}

/// The claimant's end of an [`Intake`].
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Portion>>);

/// A request line, split at its outer spaces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestLine {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
}

/// The place of the stream in the connection.
enum Portion {
    /// Inside a head, or before one.
    Head(Scan),
    /// After a head that was not claimed yet. Who reads here is woken by the claim. `arrived`
    /// bytes were received behind it.
    Held { line: Vec<u8>, is_sound: bool, reader: Option<Waker>, arrived: u64 },
    /// Inside a body with this many bytes `left` to let through, of which so many have `arrived`.
    Body { left: u64, arrived: u64 },
    /// Inside a body whose end only hyper knows.
    Rest,
}

/// What was seen of a head so far.
#[derive(Default)]
struct Scan {
    /// The request line, without its line end once `line_done`.
    line: Vec<u8>,
    line_done: bool,
    /// Whether the current header line has a byte other than CR.
    has_content: bool,
    framing: Framing,
}

/// What the header lines of a head say of the length of its body.
#[derive(Default)]
struct Framing {
    /// The beginning of the current line.
    field: Vec<u8>,
    lengths: usize,
    codings: usize,
    /// Whether a coding is any but `chunked`.
    is_odd: bool,
}

impl<S> Intake<S> {
    pub(crate) fn new(socket: S) -> (Self, Place) {
        let place = Place(Arc::new(Mutex::new(Portion::Head(Scan::default()))));
        let intake = Self { socket, pending: Vec::new(), taken: 0, place: place.clone() };
        (intake, place)
    }
}

impl Place {
    /// Claims the head hyper has just parsed, and says how long its body is: `None` when only hyper
    /// will know. Without a result the connection is not to be trusted.
    pub(crate) fn claim(&self, body: Option<u64>) -> Option<RequestLine> {
        let mut portion = self.lock();
        match std::mem::replace(&mut *portion, Portion::Rest) {
            Portion::Held { line, is_sound, reader, arrived } => {
                *portion = match body {
                    Some(0) => Portion::Head(Scan::default()),
                    Some(left) => Portion::Body { left, arrived },
                    None => Portion::Rest,
                };
                reader.into_iter().for_each(Waker::wake);
                RequestLine::split(&line).filter(|_| is_sound)
            }
            Portion::Head(_) | Portion::Body { .. } | Portion::Rest => None,
        }
    }

    /// Whether some of the claimed body is still to come. hyper then closes the connection after the
    /// answer; what has arrived it reads, and goes on.
    pub(crate) fn awaits_body(&self) -> bool {
        match &*self.lock() {
            Portion::Body { left, arrived } => left > arrived,
            Portion::Head(_) | Portion::Held { .. } | Portion::Rest => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Portion> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestLine {
    /// RFC 9112 section 3: method SP target SP version. hyper has checked the form.
    fn split(line: &[u8]) -> Option<Self> {
        let first = line.iter().position(|byte| *byte == b' ')?;
        let last = line.iter().rposition(|byte| *byte == b' ')?;
        let method = line.get(..first)?.to_vec();
        let target = line.get(first + 1..last)?.to_vec();
        Some(Self { method, target })
    }
}

impl Portion {
    /// How many of `bytes` belong to the current portion. Moves on when they end it.
    fn admit(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Head(scan) => {
                let (length, ended) = scan.run(bytes);
                if ended {
                    let line = std::mem::take(&mut scan.line);
                    let is_sound = scan.framing.is_sound();
                    let arrived = bytes.len().saturating_sub(length) as u64;
                    *self = Self::Held { line, is_sound, reader: None, arrived };
                }
                length
            }
            Self::Held { .. } => 0,
            Self::Body { left, arrived } => {
                let length =
                    usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left = left.saturating_sub(length as u64);
                *arrived = bytes.len().saturating_sub(length) as u64;
                if *left == 0 {
                    *self = Self::Head(Scan::default());
                }
                length
            }
            Self::Rest => bytes.len(),
        }
    }
}

impl Scan {
    /// Reads on in a head: how many bytes belong to it, and whether its empty line was among them.
    /// Lines end as httparse has them end: at LF, with or without CR.
    fn run(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut read = 0;
        while let Some(byte) = bytes.get(read) {
            read += 1;
            if self.ends_with(*byte) {
                return (read, true);
            }
            read += self.unread(bytes.get(read..).unwrap_or_default());
        }
        (bytes.len(), false)
    }

    /// How many of the next bytes need no look: the rest of a header line that is known well enough, as a rule a token.
    fn unread(&self, bytes: &[u8]) -> usize {
        if self.framing.field.len() <= FIELD_BYTES {
            return 0;
        }
        bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len())
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        match (self.line_done, byte) {
            // Empty lines before a request line are skipped: RFC 9112 section 2.2.
            (false, b'\r' | b'\n') if self.line.is_empty() => false,
            (false, b'\n') => {
                if self.line.last() == Some(&b'\r') {
                    self.line.pop();
                }
                self.line_done = true;
                false
            }
            (false, _) => {
                self.line.push(byte);
                false
            }
            (true, b'\n') => {
                self.framing.end_line();
                !std::mem::take(&mut self.has_content)
            }
            (true, b'\r') => false,
            (true, byte) => {
                self.framing.take(byte);
                self.has_content = true;
                false
            }
        }
    }
}

impl Framing {
    fn take(&mut self, byte: u8) {
        if self.field.len() <= FIELD_BYTES {
            self.field.push(byte);
        }
    }

    fn end_line(&mut self) {
        let field = std::mem::take(&mut self.field);
        let mut parts = field.splitn(2, |byte| *byte == b':');
        let name = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.codings += 1;
            self.is_odd |= field.len() > FIELD_BYTES || value.trim_ascii() != b"chunked";
        }
    }

    /// Whether all readers agree on it. RFC 9112 section 6.1: a message with both fields "ought to be
    /// handled as an error", and a coding that is not understood may be refused.
    fn is_sound(&self) -> bool {
        !self.is_odd && self.codings <= 1 && (self.codings == 0 || self.lengths == 0)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Intake<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Portion::Held { reader, .. } = &mut *this.place.lock() {
            *reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if this.taken == this.pending.len() && ready!(this.fill(cx))? == 0 {
            return Poll::Ready(Ok(()));
        }
        let waiting = this.pending.get(this.taken..).unwrap_or_default();
        let waiting = waiting.get(..out.remaining()).unwrap_or(waiting);
        let length = this.place.lock().admit(waiting);
        out.put_slice(waiting.get(..length).unwrap_or_default());
        this.taken += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> Intake<S> {
    /// Receives into `pending`, which is used up. Zero at the end of the connection.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // On the stack, so that a connection on which nothing arrives holds no buffer.
        let mut bytes = [0; READ_BYTES];
        let mut buffer = ReadBuf::new(&mut bytes);
        let outcome = Pin::new(&mut self.socket).poll_read(cx, &mut buffer);
        let length = buffer.filled().len();
        self.pending = buffer.filled().to_vec();
        self.taken = 0;
        outcome.map_ok(|()| length)
    }
}

/// What is written goes by untouched.
impl<S: AsyncWrite + Unpin> AsyncWrite for Intake<S> {
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

/// Bytes of a header line that are kept for a look at it. `Transfer-Encoding: chunked` has 26; a longer
/// one is not exactly that.
const FIELD_BYTES: usize = 64;

/// Bytes asked of the socket at a time: a usual head, or a link request whole.
const READ_BYTES: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a head that arrives in parts of at most this length: its own bytes, and what they say.
    fn read(head: &[u8], part: usize) -> (usize, bool, Vec<u8>, bool) {
        let (mut scan, mut read) = (Scan::default(), 0);
        for bytes in head.chunks(part) {
            let (length, ended) = scan.run(bytes);
            read += length;
            if ended {
                return (read, true, scan.line, scan.framing.is_sound());
            }
        }
        (read, false, scan.line, scan.framing.is_sound())
    }

    #[test]
    fn a_head_is_read_alike_in_parts_of_any_length() {
        let long = "x".repeat(3 * FIELD_BYTES);
        let blanks = " ".repeat(FIELD_BYTES);
        for (row, fields, is_sound) in [
            ("short", "host: x\r\n".to_owned(), true),
            ("long", format!("authorization: {long}\r\nhost: x\r\n"), true),
            ("a CR within", format!("authorization: {long}\r{long}\n"), true),
            (
                "framed twice",
                format!("a: {long}\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n"),
                false,
            ),
            (
                "a coding too long to be known",
                format!("transfer-encoding: {blanks}chunked\r\n"),
                false,
            ),
            (
                "a coding after a long line",
                format!("a: {long}\r\ntransfer-encoding: gzip\r\n"),
                false,
            ),
        ] {
            let head = format!("\r\nGET /a HTTP/1.1\r\n{fields}\r\n");
            let next = format!("{head}GET /b HTTP/1.1\r\n\r\n");
            let expected = (head.len(), true, b"GET /a HTTP/1.1".to_vec(), is_sound);
            for part in 1..=next.len() {
                assert_eq!(read(next.as_bytes(), part), expected, "{row}, in parts of {part}");
            }
        }
    }
}
