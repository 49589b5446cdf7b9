//! How often each operation was asked for.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::route::Operation;

/// Counts requests as their last byte arrives, so that those held, delayed or never answered count as well.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    counts: watch::Sender<Counts>,
}

pub(crate) type Counts = BTreeMap<Operation, u64>;

impl Arrivals {
    pub(crate) fn add(&self, operation: Operation) {
        self.counts.send_modify(|counts| {
            let count = counts.entry(operation).or_default();
            *count = count.saturating_add(1);
        });
    }

    pub(crate) fn of(&self, operation: Operation) -> u64 {
        count(&self.counts.borrow(), operation)
    }

    pub(crate) fn forget(&self) {
        self.counts.send_modify(BTreeMap::clear);
    }

    /// Waits until at least so many of each have arrived.
    pub(crate) async fn until(&self, wanted: &Counts) {
        let reached = |counts: &Counts| {
            wanted.iter().all(|(&operation, &wanted)| count(counts, operation) >= wanted)
        };
        // It fails only when the sender is gone, which `self` keeps.
        let _ = self.counts.subscribe().wait_for(reached).await;
    }
}

fn count(counts: &Counts, operation: Operation) -> u64 {
    counts.get(&operation).copied().unwrap_or_default()
}
