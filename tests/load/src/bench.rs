//! `bench`: processor time a request, of hosts side by side in one run.
//!
//! ```text
//!  round × connections × work × host ─▶ clients ═▶ host ═▶ an upstream that costs nothing
//!                                         │ every answer's status │ /proc/PID, before and after
//!                                         └──────────▶ row ◀──────┘
//!  rows ─▶ report: medians of rounds, spread, against the host's own baseline ─▶ table, targets, plot
//! ```
//!
//! All hosts run from the start to the end, and each round asks all of them the same requests, one host after another:
//! what else the machine does hits neighbours alike. A row is compared with its baseline round by round.
//!
//! The clients and the upstream share the machine with the host, so a rate is that of a machine of this size with all of
//! them on it; the processor time is the host's alone.

mod arguments;
mod call;
mod envoy;
mod fresh;
mod haproxy;
mod host;
mod plot;
mod report;
mod row;
mod server;
mod target;
mod warm;
mod work;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cores::Cores;
use crate::drive::{self, Calls};
use crate::issuer::Issuer;
use crate::page::Page;
use crate::round::Round;
use crate::scratch::Scratch;
use crate::wire::Wire;
use crate::{Attempt, machine, measure, responder};
use host::{Host, HostKind, Stage};
use report::Report;
use row::Row;
use warm::Warm;
use work::Work;

pub(crate) use arguments::BenchArguments;

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    pub(crate) linkgate: PathBuf,
    pub(crate) wasmtime_serve: PathBuf,
    /// The proxy edition.
    pub(crate) proxy: PathBuf,
    /// The Envoy edition.
    pub(crate) module: PathBuf,
    /// Envoy's binary: without it, it is not measured.
    pub(crate) envoy: Option<PathBuf>,
    /// HAProxy's, likewise.
    pub(crate) haproxy: Option<PathBuf>,
    /// Hosts whose name holds this.
    pub(crate) host: String,
    /// Work whose name holds this.
    pub(crate) work: String,
    /// No host is measured, only calls of Envoy.
    pub(crate) calls: bool,
    /// Clients at once: one table each.
    pub(crate) connections: Vec<usize>,
    pub(crate) rounds: usize,
    /// Of each row in each round: whichever comes first.
    pub(crate) length: Duration,
    pub(crate) requests: usize,
    /// The folder of the page that gets the tables.
    pub(crate) docs: Option<PathBuf>,
}

/// Where a run is shown.
const PAGE: Page = Page {
    command: "cargo xtask bench --docs docs",
    plot: "performance.svg",
    shows: "processor time a request",
};

/// Requests before a row is measured in a round, so that connections are there.
const WARM_UP: usize = 200;

/// Runs it and gives its tables.
pub(crate) async fn bench(settings: Bench) -> Attempt<String> {
    let scratch = Scratch::new()?;
    let issuer = Arc::new(Issuer::new()?);
    let upstream = responder::respond().await?;
    let machine = machine::line();
    let cores = Cores::chosen();
    let stage = Stage { settings: &settings, scratch: &scratch, issuer: &issuer, upstream, cores };
    let kinds = if settings.calls { Vec::new() } else { HostKind::all(&settings) };
    let hosts: Vec<Host> =
        kinds.into_iter().map(|kind| Host::start(kind, &stage)).collect::<Attempt<_>>()?;
    let works: Vec<Work> =
        Work::ALL.into_iter().filter(|work| work.name().contains(&settings.work)).collect();
    let mut rows = Row::all(&settings.connections, &hosts, &works);
    let mut warm = Vec::new();
    for host in &hosts {
        warm.push(warmed(&settings, host, &issuer).await?);
    }
    // The first does not count: each kind of work has code of its own.
    for round in 0..=settings.rounds {
        progress(round, &settings);
        play(&settings, &hosts, &issuer, round, &mut rows).await?;
    }
    let memory = hosts.iter().map(|host| (host.kind, measure::resident_kib(host.id()))).collect();
    drop(hosts);
    let is_whole = settings.host.is_empty() && settings.work.is_empty();
    let calls =
        if is_whole && settings.envoy.is_some() { call::prices(&stage).await? } else { Vec::new() };
    let report =
        Report { rows, machine, method: method(&settings, &stage.cores), memory, warm, calls };
    if let Some(folder) = &settings.docs {
        PAGE.write(folder, &report.text(), &plot::svg(&report))?;
    }
    Ok(report.text())
}

/// One round: every work, each of them on every host, beginning with another host each time.
async fn play(
    settings: &Bench,
    hosts: &[Host],
    issuer: &Arc<Issuer>,
    round: usize,
    rows: &mut [Row],
) -> Attempt<()> {
    let works: Vec<(usize, Work)> = rows.iter().map(|row| (row.connections, row.work)).collect();
    let mut done = Vec::new();
    for (connections, work) in works {
        if done.contains(&(connections, work)) {
            continue;
        }
        done.push((connections, work));
        let batch = (round << 16) | connections;
        let load = work::calls(work, issuer, batch, settings.requests + WARM_UP).await?;
        let load = Arc::new(load);
        for nth in 0..hosts.len() {
            let host = hosts.get((nth + round) % hosts.len());
            let row = host.and_then(|host| {
                let is_it = |row: &&mut Row| {
                    (row.kind, row.work, row.connections) == (host.kind, work, connections)
                };
                rows.iter_mut().find(is_it).map(|row| (host, row))
            });
            let Some((host, row)) = row else { continue };
            let Some(status) = host.kind.expects(work) else { continue };
            let asked = Asked { host, load: Arc::clone(&load), status };
            let requests = host.kind.share(share(settings.requests, connections));
            let measured = asked.measure(settings, connections, requests).await?;
            if round > 0 {
                row.add(&measured);
            }
        }
    }
    Ok(())
}

/// One client alone takes its time, and each of its requests is like the one before.
fn share(requests: usize, connections: usize) -> usize {
    if connections == 1 { (requests / 4).max(1) } else { requests }
}

/// Asks a host until further requests do not become cheaper.
async fn warmed(settings: &Bench, host: &Host, issuer: &Arc<Issuer>) -> Attempt<Warm> {
    let load = Arc::new(work::calls(Work::Pass, issuer, 0, 1).await?);
    let connections = settings.connections.iter().copied().max().unwrap_or(1);
    let start_s = measure::processor(host.id()).unwrap_or_default().as_secs_f64();
    let mut warm = Warm { kind: host.kind, start_s, batches: Vec::new() };
    while !warm.has_settled() {
        let asked = Asked { host, load: Arc::clone(&load), status: Work::Pass.granted() };
        let batch = asked.measure(settings, connections, host.kind.share(warm::BATCH)).await?;
        warm.batches.push(batch.us);
    }
    Ok(warm)
}

/// One work on hosts that are alike, in as many rounds, with the most connections: a row for each, in their order.
async fn repeated(stage: &Stage<'_>, hosts: &[Host], work: Work) -> Attempt<Vec<Row>> {
    let settings = stage.settings;
    let connections = settings.connections.iter().copied().max().unwrap_or(1);
    let load = Arc::new(work::calls(work, stage.issuer, 0, settings.requests + WARM_UP).await?);
    let rows = hosts.iter().map(|host| Row::new(host.kind, work, connections));
    let mut rows: Vec<Row> = rows.collect();
    for round in 0..=settings.rounds {
        progress(round, settings);
        for (host, row) in hosts.iter().zip(&mut rows) {
            let asked = Asked { host, load: Arc::clone(&load), status: work.granted() };
            let measured = asked.measure(settings, connections, settings.requests).await?;
            if round > 0 {
                row.add(&measured);
            }
        }
    }
    Ok(rows)
}

/// A host, what it is asked, and the status that it has to answer each time.
struct Asked<'a> {
    host: &'a Host,
    load: Arc<Calls>,
    status: u16,
}

impl Asked<'_> {
    async fn measure(
        &self,
        settings: &Bench,
        connections: usize,
        requests: usize,
    ) -> Attempt<Round> {
        let Self { host, load, status } = self;
        let mut clients = Wire::some(host.address, connections);
        let warm_up = 0..WARM_UP;
        let warm = drive::ask(&mut clients, load, *status, warm_up, settings.length).await;
        warm.map_err(|error| host.blame(&error))?;
        let counted = WARM_UP..WARM_UP + requests;
        let measured =
            drive::measure(host.id(), &mut clients, load, *status, counted, settings.length);
        measured.await.map_err(|error| host.blame(&error))
    }
}

fn method(settings: &Bench, cores: &Cores) -> String {
    let missing = |binary: &Option<PathBuf>, name| match binary {
        Some(_) => String::new(),
        None => format!("; {name}: not installed, NOT RUN"),
    };
    let missing = missing(&settings.envoy, "Envoy") + &missing(&settings.haproxy, "HAProxy");
    format!(
        "{}; {} rounds after one that does not count; in each, {} requests a row, or {:.0} s, after {WARM_UP}; \
         a quarter of it with one connection, an eighth of what makes an instance for each{missing}",
        cores.text(),
        settings.rounds,
        settings.requests,
        settings.length.as_secs_f64(),
    )
}

/// A round takes more than a second: a person at a terminal sees which it is.
fn progress(round: usize, settings: &Bench) {
    if std::io::stderr().is_terminal() {
        eprintln!("round {round} of {}; 0 is to warm up", settings.rounds);
    }
}
