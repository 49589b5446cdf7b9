//! Connections over TLS that are kept: TLS may hold bytes that neither hyper nor the system shows.

use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{CaSource, Dropped, Event, Head, Limits, Step, Trap, Upstream};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::script::{Stage, pass_then_relay};
use crate::tls::Ca;
use crate::wire::{Peer, last, say, soon};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const SECOND: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";

#[tokio::test]
async fn a_connection_is_kept_over_tls() {
    let (listener, stage) = over_tls().await;
    let mut server = None;
    for _ in 0..3 {
        let answering = async {
            let mut server = match server.take() {
                Some(server) => server,
                None => listener.accept().await,
            };
            server.request().await.expect("a request");
            let answer = server.records(OK);
            server.send(&answer).await;
            server
        };
        let (answer, answered) = tokio::join!(say(stage.address, last("POST", "/a")), answering);
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
        server = Some(answered);
        stage.idle(1).await;
    }
    let kinds = stage.readiness.upstream_connections();
    let counts: Vec<_> = kinds.iter().map(|kind| (kind.opened, kind.reused)).collect();
    assert_eq!(counts, [(0, 0), (0, 0), (1, 2)]);
}

/// How a second answer leaves an upstream that gives two to one request: by records of TLS, in one write.
#[derive(Debug, Clone, Copy)]
enum Cut {
    OneRecord,
    ARecordOfItsOwn,
    /// The rest of the record comes once the second user has asked.
    HalfARecord,
    /// The rest of it, likewise.
    PartOfAHeader,
}

#[tokio::test]
async fn a_second_answer_to_one_request_is_seen_by_no_other_user_over_tls() {
    for cut in [Cut::OneRecord, Cut::ARecordOfItsOwn, Cut::HalfARecord, Cut::PartOfAHeader] {
        let (listener, stage) = over_tls().await;
        let answering = async {
            let mut server = listener.accept().await;
            server.request().await.expect("a request");
            let (bytes, later) = server.two_answers(cut);
            server.send(&bytes).await;
            (server, later)
        };
        let (first, (mut server, later)) =
            tokio::join!(say(stage.address, last("GET", "/first")), answering);
        assert!(first.ends_with("\r\n\r\nok"), "{cut:?}: {first}");
        stage.in_use(0).await;
        let seen = asks_second(&listener, &stage, &mut server, &later).await;
        assert!(seen.ends_with("\r\n\r\nok"), "{cut:?}: {seen}");
        assert_eq!(stage.dropped(Dropped::UnaskedBytes), 1, "{cut:?}");
    }
}

#[tokio::test]
async fn a_record_on_an_idle_connection_ends_it() {
    for (row, whole) in [("whole", true), ("half", false)] {
        let (listener, stage) = over_tls().await;
        let answering = async {
            let mut server = listener.accept().await;
            server.request().await.expect("a request");
            let answer = server.records(OK);
            server.send(&answer).await;
            server
        };
        let (_first, mut server) =
            tokio::join!(say(stage.address, last("GET", "/first")), answering);
        stage.idle(1).await;
        let mut record = server.records(SECOND);
        let later = record.split_off(if whole { record.len() } else { record.len() / 2 });
        server.send(&record).await;
        let seen = asks_second(&listener, &stage, &mut server, &later).await;
        assert!(seen.ends_with("\r\n\r\nok"), "{row}: {seen}");
        assert_eq!(stage.dropped(Dropped::UnaskedBytes), 1, "{row}");
    }
}

/// A second user asks, and the upstream answers on a connection of its own. `server` has bytes `later`, and gets no
/// request.
async fn asks_second(
    listener: &Listener,
    stage: &Stage,
    server: &mut Server,
    later: &[u8],
) -> String {
    let mut second = Peer::connect(stage.address).await;
    second.send(last("GET", "/second")).await;
    let sent_there = async {
        let sent = server.request().await;
        server.socket.write_all(later).await.ok();
        sent
    };
    let answered = async {
        let mut own = listener.accept().await;
        own.request().await.expect("a request");
        let answer = own.records(OK);
        own.send(&answer).await;
    };
    let (sent, seen) = tokio::join!(sent_there, async {
        tokio::select! {
            seen = second.rest() => seen,
            () = async { answered.await; std::future::pending().await } => unreachable!(),
        }
    });
    assert_eq!(sent, None, "it was sent on the first user's connection: {seen}");
    seen
}

/// A gateway that passes everything on to an upstream over TLS. A connection that was kept is never too old.
async fn over_tls() -> (Listener, Stage) {
    let ca = Ca::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let upstream: Upstream = format!("https://127.0.0.1:{port}").parse().expect("an upstream");
    let upstream = upstream.trusting(CaSource::Pem(ca.pem.clone().into_bytes()));
    let config = Arc::new(ca.certify("127.0.0.1", 2020, 4000));
    let long = Duration::from_mins(1);
    let limits = Limits { upstream_idle: long, upstream_recent: long, ..Limits::default() };
    let stage = Stage::of(NonZeroUsize::MIN, upstream, limits, play).await;
    (Listener { listener, config }, stage)
}

#[expect(clippy::unnecessary_wraps, reason = "the form of a script that may trap")]
fn play(head: &Head, events: &[Event]) -> Result<Step, Trap> {
    Ok(pass_then_relay(head, events))
}

struct Listener {
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl Listener {
    async fn accept(&self) -> Server {
        let accepted = async {
            let (socket, _) = self.listener.accept().await.expect("a connection");
            TlsAcceptor::from(Arc::clone(&self.config)).accept(socket).await.expect("a handshake")
        };
        let (socket, tls) = soon("a handshake", accepted).await.into_inner();
        Server { socket, tls, received: String::new() }
    }
}

/// A connection to an upstream whose records the test cuts.
struct Server {
    socket: TcpStream,
    tls: ServerConnection,
    received: String,
}

impl Server {
    /// The next request, without a body. Nothing when the connection has ended.
    async fn request(&mut self) -> Option<String> {
        loop {
            // The end of the handshake may have brought some of it.
            match self.tls.reader().read_to_string(&mut self.received) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => assert!(read.is_ok(), "{read:?}"),
            }
            if self.received.contains("\r\n\r\n") {
                return Some(std::mem::take(&mut self.received));
            }
            let mut bytes = vec![0; 16 << 10];
            let length = soon("bytes", self.socket.read(&mut bytes)).await.unwrap_or(0);
            let mut bytes = bytes.get(..length).filter(|bytes| !bytes.is_empty())?;
            while !bytes.is_empty() {
                self.tls.read_tls(&mut bytes).expect("records");
                self.tls.process_new_packets().expect("records of the gateway");
            }
        }
    }

    /// `text` as TLS has it on the wire.
    fn records(&mut self, text: &str) -> Vec<u8> {
        self.tls.writer().write_all(text.as_bytes()).expect("room");
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).expect("records");
        }
        bytes
    }

    /// Two answers as they are sent, and what is left of the second.
    fn two_answers(&mut self, cut: Cut) -> (Vec<u8>, Vec<u8>) {
        if let Cut::OneRecord = cut {
            return (self.records(&format!("{OK}{SECOND}")), Vec::new());
        }
        let first = self.records(OK);
        let mut second = self.records(SECOND);
        let later = second.split_off(match cut {
            Cut::OneRecord | Cut::ARecordOfItsOwn => second.len(),
            Cut::HalfARecord => second.len() / 2,
            Cut::PartOfAHeader => 3,
        });
        ([first, second].concat(), later)
    }

    async fn send(&mut self, bytes: &[u8]) {
        soon("room to send", self.socket.write_all(bytes)).await.expect("a peer that reads");
    }
}
