//! `soak`: many clients at once, a tenant that fails at random, a policy that is replaced every
//! second, and an end in the middle of it.
//!
//! ```text
//!  kind ─▶ call ─▶ client ─▶ verdict ─▶ exchange ┐
//!                                                ├─▶ account ─▶ report
//!          gateway's stdout ─▶ decisions ────────┤
//!          tenant's stdout ──▶ arrivals ─────────┘
//! ```
//!
//! What a request deserves is known before it is sent: each client has an account of its own, and no
//! other client touches it. Where the tenant fails, the answer may also be one that this failure can
//! bring about. A request that must be refused is refused whatever fails, and never reaches the tenant.
//!
//! **Lost** is a request that was begun and not answered whole. Begun means that the gateway wrote a
//! decision record of it, or a byte of an answer; while it serves, every request must be. Once it was
//! asked to stop, one that it has not begun may be sent elsewhere, so that is no loss.

mod kind;
mod tag;
mod people;

mod call;
mod verdict;
mod member;

mod faults;
mod churn;
mod stage;

mod arrivals;
mod decisions;
mod account;
mod report;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep_until, timeout};

use crate::Attempt;
use crate::client::Spoken;
use crate::measure;
use crate::process::signal;
use crate::scratch::Scratch;
use account::Account;
use member::{Run, Witness, ask};
use people::People;
use report::Report;
use stage::Stage;

/// A run.
#[derive(Clone, Debug)]
pub struct Soak {
    /// The `linkgate` binary.
    pub linkgate: PathBuf,
    /// Clients at once, each with a connection and an account.
    pub connections: usize,
    /// How long before the gateway is asked to stop.
    pub length: Duration,
    /// What chance begins with.
    pub seed: u64,
}

/// Of so many clients, one speaks HTTP/2.
const HTTP2_EVERY: usize = 8;

/// How long clients and processes may take to end, once the gateway was asked to: its own bound is 10
/// seconds, and the machine may be busy.
const END_WITHIN: Duration = Duration::from_secs(30);

/// How often memory is measured.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Runs it and gives its report.
///
/// # Errors
/// Something did not start or end, an answer was wrong, or a request was lost. The text holds the
/// report, as far as there is one.
pub async fn soak(settings: Soak) -> Attempt<String> {
    let scratch = Arc::new(Scratch::new()?);
    let mut stage = Stage::set(&settings, &scratch)?;
    let people = People::sign_in(&stage, settings.connections).await?;
    faults::ask_for(stage.tenant_address, settings.seed).await?;
    let run = Arc::new(Run {
        people,
        gateway: stage.gateway_address,
        number: AtomicU64::new(0),
        stopping: AtomicBool::new(false),
    });
    let (memory, pid) = (Samples::begin(stage.gateway.id()), stage.gateway.id());
    let until = Instant::now() + settings.length;
    let churn = churn::churn(Arc::clone(&scratch), stage.documents.clone(), pid, until);
    let churn = tokio::spawn(churn);
    let clients = clients(&run, settings.seed);
    sleep_until(until).await;

    let written = churn.await.map_err(|error| error.to_string())??;
    let metrics = stage.metrics().await?;
    run.stopping.store(true, Ordering::SeqCst);
    let resident_kib = memory.end();
    let told = Instant::now();
    signal(pid, "TERM")?;
    let witnesses = timeout(END_WITHIN, clients.join_all())
        .await
        .map_err(|_elapsed| stage.gateway.blame("clients wait long after it was asked to stop"))?;
    let (ended, decisions) = stage.end_gateway(END_WITHIN)?;
    let stopped_in = told.elapsed();
    let fired = faults::fired(stage.tenant_address).await?;
    let arrivals = stage.end_tenant(END_WITHIN)?;
    let report = Report {
        account: Account::of(&witnesses, &decisions, &arrivals, &fired),
        connections: settings.connections,
        length: settings.length,
        ended,
        stopped_in,
        decisions: decisions.count(),
        fired,
        written,
        metrics,
        resident_kib,
    };
    told_of(report, &stage)
}

/// One client a member, until the gateway is gone.
fn clients(run: &Arc<Run>, seed: u64) -> JoinSet<Witness> {
    let mut clients = JoinSet::new();
    for member in &run.people.members {
        let http2 = member.number % HTTP2_EVERY == HTTP2_EVERY - 1;
        let spoken = if http2 { Spoken::Http2 } else { Spoken::Http1 };
        let seed = seed.wrapping_mul(31).wrapping_add(member.number as u64);
        clients.spawn(ask(Arc::clone(run), Arc::clone(member), spoken, seed));
    }
    clients
}

fn told_of(mut report: Report, stage: &Stage) -> Attempt<String> {
    let (failures, text) = (report.failures(), report.text());
    if failures.is_empty() {
        return Ok(text);
    }
    let complaints = report.account.complaints.join("\n");
    Err(format!("{text}\n{complaints}\n{}", stage.gateway.blame(&failures.join("; "))))
}

/// Looks at a process's memory again and again.
struct Samples {
    kib: Arc<Mutex<Vec<u64>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Samples {
    fn begin(pid: u32) -> Self {
        let kib = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&kib);
        let task = tokio::spawn(async move {
            let mut due = interval(SAMPLE_EVERY);
            while let Some(found) = measure::resident_kib(pid) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(found);
                due.tick().await;
            }
        });
        Self { kib, task }
    }

    fn end(self) -> Vec<u64> {
        self.task.abort();
        std::mem::take(&mut *self.kib.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
