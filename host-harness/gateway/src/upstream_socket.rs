//! A socket to the upstream that knows how far the request on it has come.
//!
//! ```text
//!  kept ─▶ asked ─▶ sent ─▶ answered ─▶ kept
//!            │          └─▶ early: the answer began before all of the request had left
//!            └─▶ stale: it has ended, or has bytes that answer no request; nothing is written any more
//! ```
//!
//! Two requests on a kept connection are of different users. Bytes that come before the second is sent belong to
//! neither, and taken for its answer they would show one user what is another's. hyper refuses them as far as the
//! runtime has noticed them; here the system itself is asked, right before the first byte is written.
//!
//! Nor does hyper wait for what it has yet to write: the rest of one request would go out with the next, and an upstream
//! that answered early would take it for a request of its own. So an answer counts only once all of its request has left.
//!
//! HTTP/2 keeps requests apart by itself. There the socket counts what is written, and when a connection that carried
//! nothing is about to carry a request, it has what the upstream said meanwhile read first: its farewell, say.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::content::Health;
use crate::reuse::Dropped;

/// One socket. TLS, if any, is above it: what is counted are the bytes that leave the process.
pub(crate) struct UpstreamSocket {
    socket: TcpStream,
    progress: Progress,
}

/// How far the request on a socket has come; to be asked by those who wait for the answer.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Mutex<State>>);

struct State {
    phase: Phase,
    /// Whether bytes came that answer no request.
    unasked: bool,
    /// Of TLS.
    records: Option<Records>,
    /// The body of the request.
    body: Health,
    /// Whether all that hyper and TLS had to write has left. They read only after they tried.
    is_flushed: bool,
    /// How often something may have been written, over HTTP/2.
    written: u64,
}

/// How far the records of TLS have come: each has a header of five bytes, the last two of which say how many bytes
/// follow (RFC 8446 section 5.1). In mid-record TLS holds bytes that neither hyper nor the system shows.
#[derive(Clone, Copy, Default)]
struct Records {
    /// Bytes of a header.
    head: usize,
    length: [u8; 2],
    /// Bytes that follow it.
    rest: usize,
}

impl Records {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match (self.rest, self.head) {
                (1.., _) => self.rest -= 1,
                (0, 3) => (self.length, self.head) = ([*byte, 0], 4),
                (0, 4) => {
                    let [high, _] = self.length;
                    *self =
                        Self { rest: u16::from_be_bytes([high, *byte]).into(), ..Self::default() };
                }
                (0, _) => self.head += 1,
            }
        }
    }

    fn is_between(self) -> bool {
        self.head == 0 && self.rest == 0
    }
}

impl State {
    fn in_turn(&self) -> Result<(), Dropped> {
        if self.phase == Phase::Answered { Ok(()) } else { Err(Dropped::EarlyAnswer) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request yet. What comes is of TLS, or hyper's to refuse.
    Fresh,
    /// Between two requests.
    Kept,
    /// A request is to be sent, and nothing of it was.
    Asked,
    /// A byte of the request may have left.
    Sent,
    /// The request has left, and a byte of the answer has come.
    Answered,
    /// A byte of the answer came before the last of the request had left.
    Early,
    /// HTTP/2: what comes and goes is HTTP/2's to judge.
    Http2,
    /// The same, and there was no request on it until now.
    Roused,
    /// Nothing will be written.
    Stale,
}

impl UpstreamSocket {
    pub(crate) fn new(socket: TcpStream, is_tls: bool) -> (Self, Progress) {
        let records = is_tls.then(Records::default);
        let (phase, body) = (Phase::Fresh, Health::default());
        let state = State { phase, unasked: false, records, body, is_flushed: false, written: 0 };
        let progress = Progress(Arc::new(Mutex::new(state)));
        (Self { socket, progress: progress.clone() }, progress)
    }

    /// An error when a request must not be written: the connection has ended or a byte waits, as the system has
    /// it now.
    fn look(&self) -> io::Result<()> {
        self.looked().map(drop)
    }

    /// The state, still locked after the look: no request is given up meanwhile.
    fn looked(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.progress.lock();
        if matches!(state.phase, Phase::Asked | Phase::Roused) {
            match self.peek() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) | Ok(0) => state.phase = Phase::Stale,
                Ok(_) if state.phase == Phase::Roused => {}
                Ok(_) => (state.phase, state.unasked) = (Phase::Stale, true),
            }
        }
        if state.phase == Phase::Stale { Err(stale()) } else { Ok(state) }
    }

    /// How many bytes wait, as the system has it now: one, none at the connection's end, or an error.
    fn peek(&self) -> io::Result<usize> {
        SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()])
    }

    /// A write is tried. Gives the phase before it. The look and the mark are under one lock: a request that was given
    /// up as not sent is not written, and one that is being written is not given up as not sent.
    fn begin_write(&self) -> io::Result<Phase> {
        let mut state = self.looked()?;
        state.is_flushed = false;
        let before = state.phase;
        match before {
            Phase::Fresh | Phase::Asked => state.phase = Phase::Sent,
            // An answer that waits unread began before this part of the request. Of TLS it may be no answer.
            Phase::Sent if state.records.is_none() && matches!(self.peek(), Ok(1..)) => {
                state.phase = Phase::Early;
            }
            // There is nothing to write.
            Phase::Kept => {
                state.phase = Phase::Stale;
                return Err(stale());
            }
            // Counted before: a request that is given up meanwhile may be among it.
            Phase::Http2 | Phase::Roused => {
                state.phase = Phase::Http2;
                state.written += 1;
            }
            Phase::Sent | Phase::Answered | Phase::Early | Phase::Stale => {}
        }
        Ok(before)
    }

    /// Waits until the runtime has noticed what the system has for a connection that was idle: then HTTP/2 reads it
    /// before it writes.
    fn poll_heard(&self, cx: &mut Context<'_>) -> Poll<()> {
        let is_roused = self.progress.lock().phase == Phase::Roused;
        if is_roused && matches!(self.peek(), Ok(1..)) {
            return self.socket.poll_read_ready(cx).map(drop);
        }
        Poll::Ready(())
    }

    fn write_once_quiet(
        &mut self,
        write: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let before = self.begin_write()?;
        let written = write(Pin::new(&mut self.socket));
        match (&written, before) {
            (Poll::Ready(Ok(1..)), _) => {
                self.progress.advance(Phase::Answered, Phase::Early);
            }
            (_, Phase::Fresh | Phase::Asked) => {
                self.progress.advance(Phase::Sent, before);
            }
            _ => {}
        }
        written
    }
}

impl Progress {
    /// The connection is made, and its first request may be sent.
    pub(crate) fn begin(&self) {
        self.lock().phase = Phase::Fresh;
    }

    /// The next request has this body.
    pub(crate) fn carry(&self, body: Health) {
        self.lock().body = body;
    }

    /// Another request may be sent, if nothing waits on the socket.
    pub(crate) fn ask(&self) {
        self.advance(Phase::Kept, Phase::Asked);
        self.advance(Phase::Http2, Phase::Roused);
    }

    /// From here on it is HTTP/2's.
    pub(crate) fn speak_http2(&self) {
        self.lock().phase = Phase::Http2;
    }

    /// A mark for [`Self::is_unwritten_since`].
    pub(crate) fn written(&self) -> u64 {
        self.lock().written
    }

    /// Whether not a byte was written since, on a connection that has failed. Then nothing more is.
    pub(crate) fn is_unwritten_since(&self, mark: u64) -> bool {
        let mut state = self.lock();
        let is_unwritten = state.written == mark;
        if is_unwritten {
            state.phase = Phase::Stale;
        }
        is_unwritten
    }

    /// Gives the request up. Nothing more of it is written when no byte was; says whether one may have been.
    pub(crate) fn give_up(&self) -> bool {
        let phase = &mut self.lock().phase;
        match *phase {
            Phase::Sent | Phase::Answered | Phase::Early | Phase::Http2 => true,
            Phase::Fresh | Phase::Kept | Phase::Asked | Phase::Roused | Phase::Stale => {
                *phase = Phase::Stale;
                false
            }
        }
    }

    /// An error when the answer began before the request's end.
    pub(crate) fn in_turn(&self) -> Result<(), Dropped> {
        self.lock().in_turn()
    }

    /// The answer is whole. Says why the connection is not kept, if it is not.
    pub(crate) fn keep(&self) -> Result<(), Dropped> {
        let mut state = self.lock();
        state.in_turn()?;
        if state.records.is_some_and(|records| !records.is_between()) {
            return Err(Dropped::UnaskedBytes);
        }
        state.phase = Phase::Kept;
        Ok(())
    }

    pub(crate) fn saw_unasked_bytes(&self) {
        self.lock().unasked = true;
    }

    pub(crate) fn had_unasked_bytes(&self) -> bool {
        self.lock().unasked
    }

    /// Bytes came. An error when there was no request that they could answer. Of TLS they may be no answer, a late
    /// session ticket say: that costs a connection.
    fn received(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if let Some(records) = &mut state.records {
            records.take(bytes);
        }
        match state.phase {
            Phase::Sent if state.is_flushed && state.body.is_whole() => {
                state.phase = Phase::Answered;
            }
            Phase::Sent => state.phase = Phase::Early,
            Phase::Kept | Phase::Asked => (state.phase, state.unasked) = (Phase::Stale, true),
            Phase::Fresh
            | Phase::Answered
            | Phase::Early
            | Phase::Http2
            | Phase::Roused
            | Phase::Stale => {}
        }
        if state.phase == Phase::Stale { Err(stale()) } else { Ok(()) }
    }

    fn advance(&self, from: Phase, to: Phase) {
        let phase = &mut self.lock().phase;
        if *phase == from {
            *phase = to;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for UpstreamSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper reads before it takes a request, and gives it back when that fails.
        this.look()?;
        let before = out.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, out);
        if let Some(bytes @ [_, ..]) = out.filled().get(before..) {
            this.progress.received(bytes)?;
        }
        read
    }
}

impl AsyncWrite for UpstreamSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_heard(cx));
        this.write_once_quiet(|socket| socket.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_heard(cx));
        this.write_once_quiet(|socket| socket.poll_write_vectored(cx, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.socket).poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed {
            this.progress.lock().is_flushed = true;
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

fn stale() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the kept connection had ended")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;
    use crate::content::Content;

    /// Of a request without a body.
    fn no_body() -> Health {
        Content::whole(Vec::new()).health()
    }

    async fn connected(is_tls: bool) -> (UpstreamSocket, Progress, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, progress) = UpstreamSocket::new(socket, is_tls);
        progress.carry(no_body());
        (socket, progress, listener.accept().await.unwrap().0)
    }

    /// A socket on which a request was sent and answered, and its other end.
    async fn kept() -> (UpstreamSocket, Progress, TcpStream) {
        let (mut socket, progress, mut server) = connected(false).await;
        socket.write_all(b"one").await.unwrap();
        socket.flush().await.unwrap();
        server.read_exact(&mut [0; 3]).await.unwrap();
        server.write_all(b"two").await.unwrap();
        socket.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(progress.keep(), Ok(()), "the answer came after the request");
        (socket, progress, server)
    }

    /// What the upstream does at the very moment at which the request is to be written.
    #[derive(Debug, Clone, Copy)]
    enum Meanwhile {
        Nothing,
        Speaks,
        Ends,
        Resets,
    }

    #[tokio::test]
    async fn nothing_is_written_on_a_connection_that_is_not_quiet() {
        for (meanwhile, is_written, is_unasked) in [
            (Meanwhile::Nothing, true, false),
            (Meanwhile::Speaks, false, true),
            (Meanwhile::Ends, false, false),
            (Meanwhile::Resets, false, false),
        ] {
            let (mut socket, progress, mut server) = kept().await;
            progress.ask();
            match meanwhile {
                Meanwhile::Nothing => {}
                Meanwhile::Speaks => server.write_all(b"x").await.unwrap(),
                Meanwhile::Ends => server.shutdown().await.unwrap(),
                Meanwhile::Resets => {
                    server.set_zero_linger().unwrap();
                    drop(server);
                    assert!(socket.write(b"three").await.is_err());
                    assert!(!progress.give_up(), "reset: no byte was written");
                    continue;
                }
            }
            assert_eq!(socket.write(b"three").await.is_ok(), is_written, "{meanwhile:?}");
            assert_eq!(progress.give_up(), is_written, "{meanwhile:?}");
            assert_eq!(progress.had_unasked_bytes(), is_unasked, "{meanwhile:?}");
            drop(socket);
            let mut received = Vec::new();
            timeout(Duration::from_secs(20), server.read_to_end(&mut received)).await.unwrap().ok();
            assert_eq!(received.is_empty(), !is_written, "{meanwhile:?}");
        }
    }

    #[tokio::test]
    async fn a_request_that_was_given_up_is_not_written_later() {
        let (mut socket, progress, _server) = kept().await;
        progress.ask();
        assert!(!progress.give_up(), "nothing was written");
        assert!(socket.begin_write().is_err());
        assert!(socket.write(b"three").await.is_err());
    }

    #[tokio::test]
    async fn an_answer_that_begins_before_the_requests_end_is_seen() {
        let (mut socket, progress, mut server) = kept().await;
        progress.ask();
        socket.write_all(b"thr").await.unwrap();
        socket.flush().await.unwrap();
        server.write_all(b"fo").await.unwrap();
        socket.read_exact(&mut [0; 2]).await.unwrap();
        socket.write_all(b"ee").await.unwrap();
        socket.flush().await.unwrap();
        server.write_all(b"ur").await.unwrap();
        socket.read_exact(&mut [0; 2]).await.unwrap();
        assert_eq!(progress.keep(), Err(Dropped::EarlyAnswer));
        assert!(progress.give_up(), "it was sent all the same");
    }

    /// hyper is ready for another request while it holds the rest of this one: an upstream that does not read leaves it
    /// no room.
    #[tokio::test]
    async fn an_answer_counts_only_once_all_of_its_request_has_left() {
        for (row, is_flushed, body, expected) in [
            ("all of it", true, no_body(), Ok(())),
            ("bytes to write", false, no_body(), Err(Dropped::EarlyAnswer)),
            ("a body to come", true, Health::default(), Err(Dropped::EarlyAnswer)),
        ] {
            let (mut socket, progress, mut server) = connected(false).await;
            progress.carry(body);
            socket.write_all(b"one").await.unwrap();
            if is_flushed {
                socket.flush().await.unwrap();
            }
            server.write_all(b"two").await.unwrap();
            socket.read_exact(&mut [0; 3]).await.unwrap();
            assert_eq!(progress.keep(), expected, "{row}");
        }
    }

    #[tokio::test]
    async fn nothing_is_written_between_two_requests() {
        let (mut socket, progress, mut server) = kept().await;
        assert!(socket.write(b"the rest of one").await.is_err());
        progress.ask();
        assert!(socket.write(b"three").await.is_err(), "nor afterwards");
        assert!(!progress.give_up());
        drop(socket);
        let mut received = Vec::new();
        timeout(Duration::from_secs(20), server.read_to_end(&mut received)).await.unwrap().unwrap();
        assert_eq!(received, b"");
    }

    #[tokio::test]
    async fn an_answer_that_waits_unread_is_early_too() {
        let (mut socket, progress, mut server) = kept().await;
        progress.ask();
        socket.write_all(b"thr").await.unwrap();
        server.read_exact(&mut [0; 3]).await.unwrap();
        server.write_all(b"four").await.unwrap();
        socket.socket.readable().await.unwrap();
        socket.write_all(b"ee").await.unwrap();
        socket.flush().await.unwrap();
        socket.read_exact(&mut [0; 4]).await.unwrap();
        assert_eq!(progress.keep(), Err(Dropped::EarlyAnswer));
    }

    #[tokio::test]
    async fn what_comes_between_two_requests_ends_the_connection() {
        let (mut socket, progress, mut server) = kept().await;
        server.write_all(b"x").await.unwrap();
        assert!(socket.read(&mut [0; 1]).await.is_err());
        progress.ask();
        assert!(socket.write(b"three").await.is_err());
        assert!(progress.had_unasked_bytes() && !progress.give_up());
    }

    /// A connection of HTTP/2, which carried nothing until now.
    async fn roused() -> (UpstreamSocket, Progress, TcpStream) {
        let (socket, progress, server) = connected(true).await;
        progress.speak_http2();
        progress.ask();
        (socket, progress, server)
    }

    #[tokio::test]
    async fn what_was_said_on_an_idle_connection_is_read_before_anything_is_written() {
        let (mut socket, progress, mut server) = roused().await;
        let before = progress.written();
        server.write_all(b"farewell").await.unwrap();
        // The system has it, and the runtime may have noticed or not.
        while SockRef::from(&socket.socket).peek(&mut [MaybeUninit::uninit()]).is_err() {
            tokio::task::yield_now().await;
        }
        socket.write_all(b"request").await.unwrap();
        let mut heard = [0; 8];
        assert_eq!(socket.socket.try_read(&mut heard).unwrap(), 8, "the runtime has noticed");
        assert_ne!(progress.written(), before);
        assert!(!progress.is_unwritten_since(before));
        socket.write_all(b"more").await.unwrap();
        server.read_exact(&mut [0; 11]).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_written_on_a_connection_of_http_2_that_has_ended() {
        let (mut socket, progress, server) = roused().await;
        let before = progress.written();
        drop(server);
        while SockRef::from(&socket.socket).peek(&mut [MaybeUninit::uninit()]).is_err() {
            tokio::task::yield_now().await;
        }
        assert!(socket.write(b"request").await.is_err());
        assert!(progress.is_unwritten_since(before));
    }

    /// Another task may be about to write.
    #[tokio::test]
    async fn what_is_given_up_as_unwritten_is_not_written_afterwards() {
        let (mut socket, progress, _server) = roused().await;
        let before = progress.written();
        assert!(progress.is_unwritten_since(before));
        assert!(socket.write(b"request").await.is_err());
    }

    /// A record of TLS with so many bytes.
    fn record(length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        [vec![23, 3, 3, high, low], vec![0; length.into()]].concat()
    }

    #[test]
    fn a_connection_in_mid_record_is_not_quiet() {
        let two = [record(300), record(0), record(1)].concat();
        let ends = [305, 310, 316];
        for end in 0..=two.len() {
            let mut records = Records::default();
            for part in two[..end].chunks(7) {
                records.take(part);
            }
            assert_eq!(records.is_between(), end == 0 || ends.contains(&end), "{end}");
        }
    }

    #[tokio::test]
    async fn a_connection_is_not_kept_in_mid_record() {
        for (row, bytes, expected) in [
            ("whole", record(9), Ok(())),
            (
                "and part of the next",
                [record(9), record(9)[..6].to_vec()].concat(),
                Err(Dropped::UnaskedBytes),
            ),
        ] {
            let (mut socket, progress, mut server) = connected(true).await;
            socket.write_all(b"one").await.unwrap();
            socket.flush().await.unwrap();
            server.write_all(&bytes).await.unwrap();
            socket.read_exact(&mut vec![0; bytes.len()]).await.unwrap();
            assert_eq!(progress.keep(), expected, "{row}");
        }
    }
}
