//! The requests that stand still until somebody releases them.

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::route::Operation;

use super::fault::Point;

/// A request that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRequest {
    /// The number to release it by. Numbers are not used again.
    pub id: u64,
    /// The number of the rule that holds it.
    pub fault: u64,
    /// What it asks for.
    pub operation: Operation,
    /// Its method.
    pub method: String,
    /// Its target, as it was received.
    pub target: String,
    /// Where the request waits.
    pub at: Point,
    /// Whether its client has closed the connection. It is held all the same.
    pub client_gone: bool,
}

/// Every held request of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    waiting: watch::Sender<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last_id: u64,
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    request: HeldRequest,
    release: oneshot::Sender<Released>,
}

/// What a released request owns until it is past its effect, answered, or held again. The caller that released it waits for the drop.
pub(crate) type Released = oneshot::Sender<()>;

impl Holds {
    /// Holds `request` until it is released. `client_gone` is ready when its client is; dropping the future ends the hold.
    ///
    /// The `id` of `request` is given here.
    pub(crate) async fn hold(
        &self,
        request: HeldRequest,
        client_gone: impl Future<Output = ()>,
    ) -> Option<Released> {
        let (release, mut released) = oneshot::channel();
        let place = self.enter(request, release);
        tokio::select! {
            released = &mut released => return released.ok(),
            () = client_gone => self.mark_gone(place.id),
        }
        released.await.ok()
    }

    /// What is held, in the order in which it came.
    pub(crate) fn list(&self) -> Vec<HeldRequest> {
        self.waiting.borrow().list()
    }

    /// What is held, as soon as that is `enough`.
    pub(crate) async fn until(&self, enough: impl Fn(&[HeldRequest]) -> bool) -> Vec<HeldRequest> {
        let mut changes = self.waiting.subscribe();
        let reached = changes.wait_for(|waiting| enough(&waiting.list())).await;
        // It fails only when the sender is gone, which `self` keeps.
        reached.map(|waiting| waiting.list()).unwrap_or_default()
    }

    /// Lets `id` go on, and waits until it is past its effect, answered, or held again. `false` when it is not held.
    pub(crate) async fn release(&self, id: u64) -> bool {
        let Some(entry) = self.leave(id) else { return false };
        let (released, past) = oneshot::channel();
        if entry.release.send(released).is_err() {
            return false;
        }
        // Nothing is ever sent: the drop is what counts.
        let _ = past.await;
        true
    }

    fn enter(&self, mut request: HeldRequest, release: oneshot::Sender<Released>) -> Place<'_> {
        let mut id = 0;
        self.waiting.send_modify(|waiting| {
            waiting.last_id = waiting.last_id.saturating_add(1);
            id = waiting.last_id;
            request.id = id;
            waiting.entries.insert(id, Entry { request, release });
        });
        Place { holds: self, id }
    }

    fn mark_gone(&self, id: u64) {
        self.waiting.send_modify(|waiting| {
            if let Some(entry) = waiting.entries.get_mut(&id) {
                entry.request.client_gone = true;
            }
        });
    }

    fn leave(&self, id: u64) -> Option<Entry> {
        let mut left = None;
        self.waiting.send_if_modified(|waiting| {
            left = waiting.entries.remove(&id);
            left.is_some()
        });
        left
    }
}

impl Waiting {
    fn list(&self) -> Vec<HeldRequest> {
        self.entries.values().map(|entry| entry.request.clone()).collect()
    }
}

/// A place in the list, given up with the hold, however that ends.
struct Place<'a> {
    holds: &'a Holds,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.holds.leave(self.id);
    }
}
