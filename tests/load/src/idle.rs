//! `idle`: connections that say nothing, little, or too much, and beside them a client that works.
//!
//! ```text
//!  calm ─▶ silent ─▶ kept ─▶ let go ─▶ slow heads ─▶ slow bodies ─▶ huge heads ─▶ calm
//!           each: the working client's answers, memory, how the crowd's connections ended
//! ```
//!
//! The gateway closes what is silent for 15 seconds, so a crowd is measured as soon as it is there.

mod crowd;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::mint::Mint;
use crate::process::{Process, address_in};
use crate::quantile::Durations;
use crate::scratch::Scratch;
use crate::table::{aligned, row};
use crate::{Attempt, machine, measure, policy, responder};
use crowd::Crowd;
use worker::Worker;

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Idle {
    pub(crate) linkgate: PathBuf,
    /// Connections that say nothing.
    pub(crate) connections: usize,
    /// Connections that are slow, or say too much.
    pub(crate) troublesome: usize,
}

/// How long the working client is measured, in each phase.
const LOOK: Duration = Duration::from_secs(2);

/// How long it is measured when the crowd is gone at once.
const MOMENT: Duration = Duration::from_secs(1);

/// Longest wait for a crowd's connections to be there, or gone: the gateway closes them after 15 s.
const CROWD_WITHIN: Duration = Duration::from_mins(1);

/// A phase, measured.
struct Phase {
    name: &'static str,
    answers: Durations,
    resident_kib: Option<u64>,
    open: Option<usize>,
    what: String,
}

/// The gateway, before an upstream that costs nothing.
struct Stage {
    gateway: Process,
    address: SocketAddr,
    worker: Worker,
    phases: Vec<Phase>,
    _scratch: Scratch,
}

/// Runs it and gives its table.
pub(crate) async fn idle(settings: Idle) -> Attempt<String> {
    let need = settings.connections + settings.troublesome + 64;
    let have = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_default();
    if have < need as u64 {
        return Err(format!(
            "{have} file descriptors are too few: {need} are needed, see `ulimit -Hn`"
        ));
    }
    let mut stage = Stage::set(&settings.linkgate).await?;
    stage.look("calm", LOOK, "no others".to_owned()).await?;
    stage.silent_and_kept(settings.connections).await?;
    stage.slow_heads(settings.troublesome).await?;
    stage.slow_bodies(settings.troublesome).await?;
    stage.huge_heads(settings.troublesome).await?;
    stage.look("calm again", LOOK, "no others".to_owned()).await?;
    Ok(stage.table(settings.connections))
}

impl Stage {
    async fn set(linkgate: &PathBuf) -> Attempt<Self> {
        let scratch = Scratch::new()?;
        let issuer = "http://load.example/";
        let mint = Mint::new(issuer.to_owned())?;
        let mut document = policy::document(&mint, issuer, &[]);
        // Short, so that a slow body's end is seen soon; a head has the gateway's own 15 seconds.
        if let Some(members) = document.as_object_mut() {
            members.insert("body_timeout".to_owned(), json!("3s"));
        }
        let config = scratch.write("policy.json", document.to_string())?;
        let upstream = format!("http://{}", responder::respond().await?);
        let gateway = Process::start(
            "the gateway",
            Command::new(linkgate)
                .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--config"])
                .arg(config)
                .args(["--upstream", &upstream]),
            drop,
        )?;
        let address = gateway.hear(|line| address_in(line, "listening on http://"))?;
        let worker = Worker::new(address, &mint)?;
        Ok(Self { gateway, address, worker, phases: Vec::new(), _scratch: scratch })
    }

    /// Has the worker work for a while, and notes what can be seen meanwhile.
    async fn look(&mut self, name: &'static str, length: Duration, what: String) -> Attempt<()> {
        let answers = self.worker.work(Instant::now() + length).await?;
        self.note(name, answers, what);
        Ok(())
    }

    fn note(&mut self, name: &'static str, answers: Durations, what: String) {
        let pid = self.gateway.id();
        let resident_kib = measure::resident_kib(pid);
        self.phases.push(Phase {
            name,
            answers,
            resident_kib,
            open: measure::descriptors(pid),
            what,
        });
    }

    /// Connections that never said a word; then the same after a request on each.
    async fn silent_and_kept(&mut self, count: usize) -> Attempt<()> {
        let base = measure::descriptors(self.gateway.id()).unwrap_or_default();
        let began = Instant::now();
        let mut crowd = Crowd::connect(self.address, 0).await?;
        while crowd.count() < count {
            crowd.grow(self.address, PORTION.min(count - crowd.count())).await?;
            self.until_open(|open| open >= crowd.count()).await?;
        }
        let took = began.elapsed().as_secs_f64();
        self.look("silent", LOOK, format!("{count} connections, made in {took:.1} s")).await?;
        let began = Instant::now();
        let answered = crowd.ask_once().await;
        let took = began.elapsed().as_secs_f64();
        self.look("kept", LOOK, format!("{answered} of them answered once, in {took:.1} s"))
            .await?;
        let began = Instant::now();
        self.until_open(|open| open < base + count / 100 + 8).await?;
        let took = began.elapsed().as_secs_f64();
        drop(crowd);
        self.look("let go", LOOK, format!("closed by the gateway within {took:.1} s")).await
    }

    /// Heads that come a byte at a time.
    async fn slow_heads(&mut self, count: usize) -> Attempt<()> {
        let crowd = Crowd::connect(self.address, count).await?;
        let (answers, ends) = self.beside(crowd.trickle(HEAD, PAUSE)).await?;
        self.note("slow heads", answers, ends.expect("closed", &|said| said.is_empty())?);
        Ok(())
    }

    /// Link bodies that come a byte at a time, for an account and a token that are in order.
    async fn slow_bodies(&mut self, count: usize) -> Attempt<()> {
        let mut crowd = Crowd::connect(self.address, count).await?;
        let head = self.worker.link_head();
        crowd.say(head.as_bytes()).await;
        let (answers, ends) = self.beside(crowd.trickle(BODY, PAUSE)).await?;
        let told = |said: &str| said.starts_with("HTTP/1.1 400 ") && said.contains("body-failed");
        self.note("slow bodies", answers, ends.expect("answered 400", &told)?);
        Ok(())
    }

    /// Heads of more bytes than are allowed, and of more lines.
    async fn huge_heads(&mut self, count: usize) -> Attempt<()> {
        let line = format!("x-filler: {}\r\n", "y".repeat(1000));
        let rows = [("huge heads", line.repeat(90)), ("many lines", "x-filler: y\r\n".repeat(101))];
        for (name, lines) in rows {
            let mut crowd = Crowd::connect(self.address, count).await?;
            crowd.say(format!("GET / HTTP/1.1\r\nhost: x\r\n{lines}\r\n").as_bytes()).await;
            let (answers, ends) = self.beside(crowd.trickle(b"", PAUSE)).await?;
            let told = |said: &str| said.starts_with("HTTP/1.1 431 ");
            self.note(name, answers, ends.expect("answered 431", &told)?);
        }
        Ok(())
    }

    /// Has the worker work until something else is over, and for a moment at least.
    async fn beside<T>(&self, other: impl Future<Output = T>) -> Attempt<(Durations, T)> {
        let least = Instant::now() + MOMENT;
        tokio::pin!(other);
        let mut answers = Durations::default();
        loop {
            let until = Instant::now() + Duration::from_millis(100);
            tokio::select! {
                biased;
                worked = self.worker.work(until) => answers.extend(&worked?),
                ended = &mut other => {
                    answers.extend(&self.worker.work(least).await?);
                    return Ok((answers, ended));
                }
            }
        }
    }

    /// Waits until the gateway has so many descriptors.
    async fn until_open(&self, enough: impl Fn(usize) -> bool) -> Attempt<()> {
        let pid = self.gateway.id();
        let until = Instant::now() + CROWD_WITHIN;
        while let Some(open) = measure::descriptors(pid) {
            if enough(open) {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(self.gateway.blame(&format!("{open} descriptors are open")));
            }
            sleep(GLANCE).await;
        }
        Err("the descriptors of a process are known on Linux alone".to_owned())
    }

    fn table(&mut self, connections: usize) -> String {
        let mut rows =
            vec![row(["phase", "answers", "p50", "p99", "max", "memory", "open", "what"])];
        let base = self.phases.first().and_then(|phase| phase.resident_kib);
        for phase in &mut self.phases {
            let memory =
                phase.resident_kib.map_or("-".to_owned(), |kib| format!("{} MiB", kib >> 10));
            let open = phase.open.map_or("-".to_owned(), |open| open.to_string());
            let answers = &mut phase.answers;
            let mut cells = vec![phase.name.to_owned(), answers.count().to_string()];
            cells.extend([500, 990, 1000].map(|permille| answers.text(permille)));
            cells.extend([memory, open, phase.what.clone()]);
            rows.push(cells);
        }
        let each = |name| {
            let found = self.phases.iter().find(|phase| phase.name == name)?.resident_kib?;
            Some(found.saturating_sub(base?) * 1024 / connections.max(1) as u64)
        };
        let text =
            |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), |bytes| bytes.to_string());
        format!(
            "{}\nmachine  {}\nmemory   {} bytes for a silent connection, {} for one kept after its first request; {} MiB at most\n",
            aligned(&rows),
            machine::line(),
            text(each("silent")),
            text(each("kept")),
            text(measure::most_resident_kib(self.gateway.id()).map(|kib| kib >> 10)),
        )
    }
}

/// A head that does not end in time.
const HEAD: &[u8] = &[b'a'; 4096];

/// A body that does not, either.
const BODY: &[u8] = &[b'b'; 4096];

/// Connections made before the gateway is seen to have taken them. The system makes them by itself, as
/// many as the gateway's backlog holds; what is beyond it says more of the system than of the gateway.
const PORTION: usize = 1000;

/// Between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(50);

/// Between two looks at what is open.
const GLANCE: Duration = Duration::from_millis(5);
