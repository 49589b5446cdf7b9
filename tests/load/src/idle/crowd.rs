//! Many connections, of which each does the same.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::Attempt;

/// The connections.
pub(super) struct Crowd(Vec<TcpStream>);

/// What each connection got to hear before it was closed, and how long that took.
pub(super) struct Ends {
    said: BTreeMap<String, usize>,
    count: usize,
    longest: Duration,
}

/// Connections asked on at once.
const AT_ONCE: usize = 128;

/// Longest wait for the end of a connection: the gateway's own bounds are at most 30 seconds.
const END_WITHIN: Duration = Duration::from_mins(1);

/// A request that is refused without anything else being asked.
const ASK: &[u8] = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n";

impl Crowd {
    pub(super) async fn connect(address: SocketAddr, count: usize) -> Attempt<Self> {
        let mut crowd = Self(Vec::new());
        crowd.grow(address, count).await?;
        Ok(crowd)
    }

    /// Makes more connections.
    pub(super) async fn grow(&mut self, address: SocketAddr, count: usize) -> Attempt<()> {
        let mut connecting = JoinSet::new();
        for _ in 0..count {
            connecting.spawn(TcpStream::connect(address));
        }
        for stream in connecting.join_all().await {
            self.0.push(stream.map_err(|error| format!("no connection: {error}"))?);
        }
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Sends a request on each and reads the answer. Gives how many were answered.
    pub(super) async fn ask_once(&mut self) -> usize {
        let mut asking = JoinSet::new();
        let mut back = Vec::with_capacity(self.0.len());
        for stream in self.0.drain(..) {
            asking.spawn(ask(stream));
            if asking.len() >= AT_ONCE {
                back.extend(asking.join_next().await);
            }
        }
        while let Some(asked) = asking.join_next().await {
            back.push(asked);
        }
        self.0 = back.into_iter().flatten().flatten().collect();
        self.0.len()
    }

    /// Sends the same on each. Who is closed meanwhile will be heard of at the end.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        for stream in &mut self.0 {
            let _ = stream.write_all(bytes).await;
        }
    }

    /// Sends a byte after the other on each, with a pause between, until all have been closed.
    pub(super) async fn trickle(self, bytes: &'static [u8], pause: Duration) -> Ends {
        let mut ending = JoinSet::new();
        let count = self.0.len();
        for stream in self.0 {
            ending.spawn(trickled(stream, bytes, pause));
        }
        let mut ends = Ends { said: BTreeMap::new(), count, longest: Duration::ZERO };
        while let Some(ended) = ending.join_next().await {
            let (said, took) = ended.unwrap_or_else(|_| ("panicked".to_owned(), Duration::ZERO));
            *ends.said.entry(said).or_default() += 1;
            ends.longest = ends.longest.max(took);
        }
        ends
    }
}

impl Ends {
    /// Every one has heard this, as a sentence for the table.
    pub(super) fn expect(&self, what: &str, is_said: &dyn Fn(&str) -> bool) -> Attempt<String> {
        if let Some((said, count)) = self.said.iter().find(|(said, _)| !is_said(said)) {
            let count_all = self.count;
            return Err(format!("expected all {count_all} to be {what}, {count} heard: `{said}`"));
        }
        Ok(format!(
            "{} connections, each {what} within {:.1} s",
            self.count,
            self.longest.as_secs_f64()
        ))
    }
}

async fn ask(mut stream: TcpStream) -> Option<TcpStream> {
    stream.write_all(ASK).await.ok()?;
    let mut received = Vec::new();
    // The answer is problem details: its last byte closes the object.
    while !received.ends_with(b"}") {
        let asked = timeout(END_WITHIN, stream.read_buf(&mut received)).await;
        if asked.ok()?.ok()? == 0 {
            return None;
        }
    }
    received.starts_with(b"HTTP/1.1 404 ").then_some(stream)
}

async fn trickled(stream: TcpStream, bytes: &[u8], pause: Duration) -> (String, Duration) {
    let began = Instant::now();
    let (mut reading, mut writing) = stream.into_split();
    let mut received = Vec::new();
    let write = async {
        for byte in bytes {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    let read = timeout(END_WITHIN, reading.read_to_end(&mut received));
    let in_time = tokio::select! {
        ended = read => ended.is_ok(),
        () = write => false,
    };
    let said = String::from_utf8_lossy(&received).into_owned();
    (if in_time { undated(&said) } else { "still open".to_owned() }, began.elapsed())
}

/// Without its date, so that the same is the same.
fn undated(said: &str) -> String {
    said.lines().filter(|line| !line.starts_with("date: ")).collect::<Vec<_>>().join("\n")
}
