//! `bench`: requests a second, and processor time a request, of hosts side by side in one run.
//!
//! ```text
//!  host × work ─▶ clients, each with a connection ═▶ host ═▶ an upstream that costs nothing
//!                   │ every answer's status                │ /proc/PID/stat, before and after
//!                   └───────────────▶ row ◀────────────────┘
//! ```
//!
//! The clients and the upstream share the machine with the host, so a rate is what a machine of this
//! size does with all of them on it; the processor time is the host's alone.

mod envoy;
mod host;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{Client, Spoken};
use crate::mint::Mint;
use crate::quantile::Durations;
use crate::scratch::Scratch;
use crate::table::{aligned, row};
use crate::{Attempt, machine, measure, policy, responder};
use host::{Host, HostKind};
use work::{Work, Workload};

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
    /// Hosts whose name holds this.
    pub(crate) host: String,
    /// Clients at once.
    pub(crate) connections: usize,
    /// Of each row: whichever comes first.
    pub(crate) length: Duration,
    pub(crate) requests: usize,
}

/// The issuer of the tokens: it gets no request.
const ISSUER: &str = "http://load.example/";

/// Requests before a row is measured, so that connections and caches are there.
const WARM_UP: usize = 200;

/// Runs it and gives its table.
pub(crate) async fn bench(settings: Bench) -> Attempt<String> {
    let scratch = Scratch::new()?;
    let mint = Arc::new(Mint::new(ISSUER.to_owned())?);
    let document = policy::document(&mint, ISSUER, &[]).to_string();
    let upstream = responder::respond().await?;
    let mut rows =
        vec![row(["host, work", "requests", "a second", "CPU us each", "p50", "p99", "memory"])];
    let head = machine::line();
    for kind in HostKind::all(&settings) {
        let host = Host::start(kind, &settings, &scratch, &document, upstream)?;
        for &work in kind.works() {
            let load = Workload::of(work, &mint, settings.requests + WARM_UP).await?;
            rows.push(measured(&settings, &host, work, load).await?);
        }
    }
    let missing = match settings.envoy {
        Some(_) => "",
        None => {
            "not run      Envoy: no binary (`cargo xtask test` fetches one, `--envoy FILE` names one)\n"
        }
    };
    Ok(format!(
        "{}\n{missing}machine      {head}\nmethod       {} connections, kept alive; at most {} requests or {:.0} s a row, after {WARM_UP}\nCPU us each  user and system time of the host's process, by requests\n",
        aligned(&rows),
        settings.connections,
        settings.requests,
        settings.length.as_secs_f64(),
    ))
}

async fn measured(
    settings: &Bench,
    host: &Host,
    work: Work,
    load: Workload,
) -> Attempt<Vec<String>> {
    let load = Arc::new(load);
    let next = Arc::new(AtomicUsize::new(0));
    let connections = settings.connections;
    run(host, &load, &next, connections, WARM_UP, settings.length).await?;
    next.store(WARM_UP, Ordering::Relaxed);
    let before = measure::processor(host.id());
    let began = Instant::now();
    let most = WARM_UP + settings.requests;
    let mut answers = run(host, &load, &next, connections, most, settings.length).await?;
    let took = began.elapsed();
    let used = measure::processor(host.id()).zip(before);
    let count = answers.count();
    let each =
        used.map(|(after, before)| after.saturating_sub(before).as_micros() / count.max(1) as u128);
    let rate = count as u128 * 1_000_000 / took.as_micros().max(1);
    let memory = measure::resident_kib(host.id());
    Ok(vec![
        format!("{}, {}", host.name(), work.name()),
        count.to_string(),
        rate.to_string(),
        each.map_or("-".to_owned(), |us| us.to_string()),
        answers.text(500),
        answers.text(990),
        memory.map_or("-".to_owned(), |kib| format!("{} MiB", kib >> 10)),
    ])
}

/// Has clients take calls in turn, up to the `most`th or until the time is over.
async fn run(
    host: &Host,
    load: &Arc<Workload>,
    next: &Arc<AtomicUsize>,
    connections: usize,
    most: usize,
    length: Duration,
) -> Attempt<Durations> {
    let until = Instant::now() + length;
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let (load, next) = (Arc::clone(load), Arc::clone(next));
        let mut client = Client::new(host.address, Spoken::Http1);
        clients.spawn(async move {
            let mut answers = Durations::default();
            while Instant::now() < until {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= most {
                    break;
                }
                let began = Instant::now();
                client.exchange(load.call(nth)?).await.answered(load.status)?;
                answers.add(began.elapsed());
            }
            Ok::<_, String>(answers)
        });
    }
    let mut all = Durations::default();
    for answers in clients.join_all().await {
        all.extend(&answers.map_err(|error| host.blame(&error))?);
    }
    Ok(all)
}
