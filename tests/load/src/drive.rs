//! Clients that send requests which were made before, in turn, and check the status of each answer.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::issuer::Issuer;
use crate::quantile::Durations;
use crate::round::Round;
use crate::wire::Wire;
use crate::{Attempt, measure};

/// Requests, each as it is sent.
pub(crate) struct Calls(Vec<Vec<u8>>);

impl Calls {
    pub(crate) fn new(calls: Vec<Vec<u8>>) -> Self {
        Self(calls)
    }

    /// Makes calls on all cores: an RSA signature is half a millisecond.
    pub(crate) async fn made(
        issuer: &Arc<Issuer>,
        count: usize,
        call: impl Fn(&Issuer, usize) -> Attempt<Vec<u8>> + Copy + Send + 'static,
    ) -> Attempt<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut signing = JoinSet::new();
        for first in 0..cores {
            let issuer = Arc::clone(issuer);
            signing.spawn_blocking(move || {
                let nths = (first..count).step_by(cores);
                nths.map(|nth| call(&issuer, nth)).collect::<Attempt<Vec<_>>>()
            });
        }
        let mut calls = Vec::with_capacity(count);
        for signed in signing.join_all().await {
            calls.extend(signed?);
        }
        Ok(Self(calls))
    }

    /// The first again after the last.
    fn call(&self, nth: usize) -> Attempt<&[u8]> {
        let wrapped = nth.checked_rem(self.0.len()).and_then(|nth| self.0.get(nth));
        wrapped.map(Vec::as_slice).ok_or_else(|| "no calls".to_owned())
    }
}

/// Has clients take calls in turn, until all of these were taken or the time is over.
pub(crate) async fn ask(
    clients: &mut Vec<Wire>,
    calls: &Arc<Calls>,
    status: u16,
    these: Range<usize>,
    length: Duration,
) -> Attempt<Durations> {
    let (until, end) = (Instant::now() + length, these.end);
    let next = Arc::new(AtomicUsize::new(these.start));
    let mut asking = JoinSet::new();
    for mut client in clients.drain(..) {
        let (calls, next) = (Arc::clone(calls), Arc::clone(&next));
        asking.spawn(async move {
            let mut answers = Durations::default();
            while Instant::now() < until {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                if nth >= end {
                    break;
                }
                let began = Instant::now();
                client.exchange(calls.call(nth)?, status).await?;
                answers.add(began.elapsed());
            }
            Ok::<_, String>((client, answers))
        });
    }
    let mut all = Durations::default();
    for asked in asking.join_all().await {
        let (client, answers) = asked?;
        clients.push(client);
        all.extend(&answers);
    }
    Ok(all)
}

/// The same, and what it costs the process that answers.
pub(crate) async fn measure(
    pid: u32,
    clients: &mut Vec<Wire>,
    calls: &Arc<Calls>,
    status: u16,
    these: Range<usize>,
    length: Duration,
) -> Attempt<Round> {
    let before = measure::processor(pid);
    let began = Instant::now();
    let answers = ask(clients, calls, status, these, length).await?;
    let took = began.elapsed();
    let used = measure::processor(pid).zip(before);
    let used = used.ok_or("the processor time of a process is not known on this system")?;
    Ok(Round::of(used.0.saturating_sub(used.1), took, answers))
}
