//! An HTTP/2 connection as hyper reads it: every header block is looked at before its last byte goes on.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::paths::{Paths, Refused};
use crate::stall::Stall;

/// A client's connection after its preface.
pub(crate) struct Frames<S> {
    socket: S,
    /// Read before it was known to be HTTP/2.
    preface: Vec<u8>,
    scan: Scan,
    stall: Stall,
}

/// Where in the connection the stream stands.
struct Scan {
    paths: Paths,
    /// Of the present frame's nine bytes of head.
    head: Vec<u8>,
    /// Payload to come of the present frame.
    left: usize,
    /// Payload of a frame with header fields: kept until it is whole.
    fields: Option<Vec<u8>>,
    /// The header block so far.
    block: Vec<u8>,
    max_block: usize,
}

impl<S> Frames<S> {
    /// A header block of more than `max_block` bytes, and a write without progress for `stall`, end
    /// the connection.
    pub(crate) fn new(socket: S, preface: Vec<u8>, max_block: usize, stall: Duration) -> Self {
        let scan = Scan {
            paths: Paths::new(),
            head: Vec::with_capacity(FRAME_HEAD),
            left: 0,
            fields: None,
            block: Vec::new(),
            max_block,
        };
        Self { socket, preface, scan, stall: Stall::new(stall) }
    }
}

impl Scan {
    fn run(&mut self, mut bytes: &[u8]) -> Result<(), Refused> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.head.len() < FRAME_HEAD {
                self.head.push(*first);
                bytes = rest;
                if self.head.len() == FRAME_HEAD {
                    self.begin()?;
                }
                continue;
            }
            let (payload, rest) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
            bytes = rest;
            self.left -= payload.len();
            if let Some(fields) = &mut self.fields {
                fields.extend_from_slice(payload);
            }
            if self.left == 0 {
                self.end()?;
            }
        }
        Ok(())
    }

    /// RFC 9113 section 4.1.
    fn begin(&mut self) -> Result<(), Refused> {
        let &[high, middle, low, kind, ..] = self.head.as_slice() else {
            return Err(Refused);
        };
        self.left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        self.fields = matches!(kind, HEADERS | CONTINUATION).then(Vec::new);
        if self.fields.is_some() && self.block.len() + self.left > self.max_block {
            return Err(Refused);
        }
        if self.left == 0 { self.end() } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), Refused> {
        let head = std::mem::take(&mut self.head);
        let Some(fields) = self.fields.take() else {
            return Ok(());
        };
        let &[_, _, _, kind, flags, ..] = head.as_slice() else {
            return Err(Refused);
        };
        let fragment = if kind == HEADERS { fragment(&fields, flags)? } else { &fields };
        self.block.extend_from_slice(fragment);
        if flags & END_HEADERS == 0 {
            return Ok(());
        }
        self.paths.block(&std::mem::take(&mut self.block))
    }
}

/// What of a HEADERS frame is header block: RFC 9113 section 6.2.
fn fragment(payload: &[u8], flags: u8) -> Result<&[u8], Refused> {
    let mut rest = payload;
    let mut padding = 0;
    if flags & PADDED != 0 {
        let (length, after) = rest.split_first().ok_or(Refused)?;
        (padding, rest) = (usize::from(*length), after);
    }
    if flags & PRIORITY != 0 {
        rest = rest.get(PRIORITY_BYTES..).ok_or(Refused)?;
    }
    rest.get(..rest.len().checked_sub(padding).ok_or(Refused)?).ok_or(Refused)
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.preface.is_empty() {
            let now = this.preface.len().min(out.remaining());
            out.put_slice(&this.preface.drain(..now).collect::<Vec<u8>>());
            return Poll::Ready(Ok(()));
        }
        let before = out.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, out))?;
        let received = out.filled().get(before..).unwrap_or_default();
        let seen = this.scan.run(received);
        if let Err(Refused) = seen {
            // Nothing of it is given to hyper: it sees a broken connection.
            out.set_filled(before);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let progress = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.stall.bound(cx, progress)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// Bytes before each payload.
const FRAME_HEAD: usize = 9;

/// Frame types: RFC 9113 sections 6.2 and 6.10.
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;

/// Flags of both, and of HEADERS.
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Stream dependency and weight.
const PRIORITY_BYTES: usize = 5;
