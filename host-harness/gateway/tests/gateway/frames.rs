//! An upstream of HTTP/2 over TLS whose frames the test writes by hand.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{CaSource, Limits, Upstream};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::script::{Play, Stage};
use crate::tls::Ca;
use crate::wire::soon;

/// RFC 9113 section 7.
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status` 200, from the static table (RFC 7541 appendix A).
pub(crate) const OK: &[u8] = b"\x88";

/// Where an upstream listens, which chooses one of `protocols` (ALPN).
pub(crate) struct Listener {
    socket: TcpListener,
    config: Arc<ServerConfig>,
    pub(crate) upstream: Upstream,
}

impl Listener {
    pub(crate) async fn bind(protocols: &[&[u8]]) -> Self {
        let ca = Ca::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let upstream: Upstream = format!("https://{address}").parse().expect("an upstream");
        let upstream = upstream.trusting(CaSource::Pem(ca.pem.clone().into_bytes()));
        let mut config = ca.certify("127.0.0.1", 2020, 4000);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self { socket: listener, config: Arc::new(config), upstream }
    }

    /// The next connection, once its handshake is over.
    pub(crate) async fn tls(&self) -> TlsStream<TcpStream> {
        let accepted = async {
            let (socket, _) = self.socket.accept().await.expect("a connection");
            socket.set_nodelay(true).expect("a socket option");
            TlsAcceptor::from(Arc::clone(&self.config)).accept(socket).await.expect("a handshake")
        };
        soon("the gateway to connect", accepted).await
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Frames {
        let mut frames = Frames { socket: self.tls().await, is_greeted: false };
        frames.write(SETTINGS, 0, 0, &[]).await;
        frames
    }

    /// Whether no client has connected that the test has not accepted yet.
    pub(crate) fn is_left_alone(&self) -> bool {
        let listener = self.socket.as_fd().try_clone_to_owned().expect("a descriptor");
        let waiting = std::net::TcpListener::from(listener).accept();
        waiting.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// A gateway in front of it.
    pub(crate) async fn stage(&self, play: impl Play) -> Stage {
        stage(self.upstream.clone(), play).await
    }
}

/// A gateway in front of an upstream. A connection that was kept is never too old.
pub(crate) async fn stage(upstream: Upstream, play: impl Play) -> Stage {
    let long = Duration::from_mins(1);
    let limits = Limits { upstream_idle: long, upstream_recent: long, ..Limits::default() };
    Stage::of(NonZeroUsize::MIN, upstream, limits, play).await
}

/// What a gateway says on a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A request: its stream, and whether that was all of it.
    Request(u32, bool),
    /// Some of a body, and whether that was all of it.
    Data(u32, Vec<u8>, bool),
    Reset(u32, u32),
}

/// One connection to such an upstream.
pub(crate) struct Frames {
    socket: TlsStream<TcpStream>,
    is_greeted: bool,
}

impl Frames {
    /// The next frame of a stream. Nothing when the connection has ended.
    pub(crate) async fn said(&mut self) -> Option<Said> {
        loop {
            let (kind, flags, stream, payload) = self.read().await?;
            let is_all = flags & END_STREAM != 0;
            match kind {
                HEADERS => return Some(Said::Request(stream, is_all)),
                DATA => return Some(Said::Data(stream, payload, is_all)),
                RST_STREAM => {
                    let reason = payload.try_into().expect("four bytes");
                    return Some(Said::Reset(stream, u32::from_be_bytes(reason)));
                }
                SETTINGS if flags == 0 => self.write(SETTINGS, 1, 0, &[]).await,
                _ => {}
            }
        }
    }

    /// The next request, whole: its stream and its body. Nothing when the connection has ended.
    pub(crate) async fn request(&mut self) -> Option<(u32, String)> {
        let Said::Request(stream, mut is_all) = self.said().await? else {
            panic!("expected a request")
        };
        let mut body = Vec::new();
        while !is_all {
            let Said::Data(_, data, is_last) = self.said().await? else {
                panic!("expected a body")
            };
            body.extend(data);
            is_all = is_last;
        }
        Some((stream, String::from_utf8(body).expect("text")))
    }

    /// The stream of the next request, whole.
    pub(crate) async fn asked(&mut self) -> u32 {
        self.request().await.expect("a request").0
    }

    pub(crate) async fn head(&mut self, stream: u32, block: &[u8]) {
        self.write(HEADERS, END_HEADERS, stream, block).await;
    }

    /// A head in several frames.
    pub(crate) async fn large_head(&mut self, stream: u32, block: &[u8], more: &[Vec<u8>]) {
        self.write(HEADERS, 0, stream, block).await;
        for (n, block) in more.iter().enumerate() {
            let flags = if n + 1 == more.len() { END_HEADERS } else { 0 };
            self.write(CONTINUATION, flags, stream, block).await;
        }
    }

    pub(crate) async fn data(&mut self, stream: u32, data: &[u8], is_last: bool) {
        self.write(DATA, if is_last { END_STREAM } else { 0 }, stream, data).await;
    }

    /// 200 with that body.
    pub(crate) async fn answer(&mut self, stream: u32, body: &str) {
        self.head(stream, OK).await;
        self.data(stream, body.as_bytes(), true).await;
    }

    pub(crate) async fn reset(&mut self, stream: u32, reason: u32) {
        self.write(RST_STREAM, 0, stream, &reason.to_be_bytes()).await;
    }

    /// GOAWAY: streams above `last` were not begun with.
    pub(crate) async fn go_away(&mut self, last: u32, reason: u32) {
        let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
        self.write(GOAWAY, 0, 0, &payload).await;
    }

    /// Ends the connection in the midst of everything.
    pub(crate) fn break_off(self) {
        self.socket.get_ref().0.set_zero_linger().expect("a socket option");
    }

    async fn write(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let [_, length @ ..] = u32::try_from(payload.len()).expect("a frame").to_be_bytes();
        let frame = [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat();
        soon("room to send", self.socket.write_all(&frame)).await.expect("a peer that reads");
        self.socket.flush().await.expect("a peer that reads");
    }

    async fn read(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        if !self.is_greeted {
            let mut preface = [0; 24];
            self.take(&mut preface).await?;
            assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            self.is_greeted = true;
        }
        let mut head = [0; 9];
        self.take(&mut head).await?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.take(&mut payload).await?;
        Some((kind, flags, u32::from_be_bytes(stream), payload))
    }

    async fn take(&mut self, bytes: &mut [u8]) -> Option<()> {
        soon("bytes", self.socket.read_exact(bytes)).await.ok().map(drop)
    }
}
