//! The policy file, replaced every second.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::Attempt;
use crate::process::signal;
use crate::scratch::Scratch;

use super::stage::{Documents, POLICY};

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) good: u64,
    pub(super) broken: u64,
}

/// How often the file is replaced.
const EVERY: Duration = Duration::from_secs(1);

/// Every so many times, by a document that does not compile.
const BROKEN_EVERY: u64 = 4;

/// Replaces the file until `until`, in the end by a good one. Mostly the gateway gets a SIGHUP
/// and hears of it at once, of each broken one too; now and then it finds out by itself.
pub(super) async fn churn(
    scratch: Arc<Scratch>,
    documents: Documents,
    gateway: u32,
    until: Instant,
) -> Attempt<Written> {
    let mut written = Written::default();
    let mut due = Instant::now() + EVERY;
    let mut broken = documents.broken.iter().cycle();
    while due < until {
        sleep_until(due).await;
        due += EVERY;
        let times = written.good + written.broken + 1;
        let is_last = due >= until;
        match broken.next() {
            Some(document) if times % BROKEN_EVERY == 0 && !is_last => {
                scratch.write(POLICY, document)?;
                written.broken += 1;
            }
            Some(_) | None => {
                let good = if written.good % 2 == 0 { &documents.second } else { &documents.first };
                scratch.write(POLICY, good)?;
                written.good += 1;
            }
        }
        if times % BROKEN_EVERY != 1 {
            signal(gateway, "HUP")?;
        }
    }
    Ok(written)
}
