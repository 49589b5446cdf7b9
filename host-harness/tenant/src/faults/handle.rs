//! Faults from within the process: what tests that have the tenant's handle call.

use crate::handle::TenantHandle;

use super::held::HeldRequest;
use super::plan::FaultCount;
use super::rule::FaultRule;

impl TenantHandle {
    /// Adds a rule after those that are there, and gives its number. It counts from now.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        self.plan().add(rule)
    }

    /// The rules in the order in which they were added, and how often each came to bear.
    #[must_use]
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.plan().counts()
    }

    /// Drops every rule and says how many there were. What is held or delayed by them stays so.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn clear_faults(&self) -> usize {
        self.plan().clear()
    }

    /// The requests that are held, in the order in which they came.
    #[must_use]
    pub fn held(&self) -> Vec<HeldRequest> {
        self.holds().list()
    }

    /// Waits until what is held is `enough`, and gives it. It may wait for ever: put a time limit around it.
    ///
    /// `tenant.until_held(|held| held.iter().any(|request| request.client_gone))` waits for a client to give up.
    pub async fn until_held(&self, enough: impl Fn(&[HeldRequest]) -> bool) -> Vec<HeldRequest> {
        self.holds().until(enough).await
    }

    /// Lets a held request go on, and waits until it has had its effect, was reset or answered, or is held again.
    /// `false` when nothing is held under that number.
    pub async fn release(&self, id: u64) -> bool {
        self.holds().release(id).await
    }

    /// Releases what is held now, one after the other in the order in which it came, and gives the numbers.
    pub async fn release_all(&self) -> Vec<u64> {
        let mut released = Vec::new();
        for request in self.held() {
            if self.release(request.id).await {
                released.push(request.id);
            }
        }
        released
    }
}
