//! What the workers share: which of them fetches what, and the outcome.
//!
//! Each worker thread has an instance with a memory of its own. A fetch that waits in all of them is
//! made by the one that writes its lease first; the others take what it found.
//!
//! ```text
//!  leases   source ─▶ fetched until, asked at    one entry, changed by compare-and-swap
//!  outcome  source ─▶ answer or failure          an entry each, written before its lease is
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use linkgate_policy::{Answer, Header};
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Times that a change of the leases is tried while others change it. There are as many as workers that
/// write in the same microseconds; raised, one that never gets its turn is noticed later.
const TRIES: u32 = 100;

/// Milliseconds by which a lease outlives its fetch. Raised, what a worker that is gone had begun waits
/// longer for another.
const LEASE_MARGIN_MS: u64 = 1_000;

/// The leases, as one instance sees them.
pub(crate) struct SharedLeases {
    /// What all its entries are called after: two configurations share nothing.
    name: String,
    /// The version that was read last.
    seen: Cell<Option<u32>>,
    /// When the outcome that this instance took of each source was asked for.
    taken: RefCell<BTreeMap<String, u64>>,
}

/// The lease of a source. Wall clock, milliseconds: the one clock that instances share.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
struct Lease {
    leased_until: u64,
    asked: u64,
}

/// What an instance that wants a source does.
pub(crate) enum Turn {
    /// It fetches: it has the lease.
    Fetch,
    /// Another fetches, at the latest until this wall clock.
    Follow { until_unix_ms: u64 },
}

/// An outcome as it was found, asked at this wall clock.
pub(crate) struct Found {
    pub(crate) source: String,
    pub(crate) outcome: Result<Answer, String>,
    pub(crate) asked_unix_ms: u64,
}

#[derive(Deserialize, Serialize)]
struct Head {
    failure: Option<String>,
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
}

impl SharedLeases {
    /// The leases of a configuration. The first instance, which Envoy configures before there is another,
    /// sets it up: there is no compare-and-swap with nothing.
    pub(crate) fn of(configuration: &[u8]) -> Self {
        // Who shares it is believed: another configuration must not come to the same name.
        let digest = Sha256::digest(configuration);
        let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let name = format!("linkgate.{hex}");
        let shared_leases = Self { name, seen: Cell::default(), taken: RefCell::default() };
        if let Ok((None, _)) = hostcalls::get_shared_data(&shared_leases.name) {
            let _ = hostcalls::set_shared_data(&shared_leases.name, Some(b"{}"), None);
        }
        shared_leases
    }

    /// Whose turn it is to fetch a source. What another has found since this instance last took an outcome is
    /// followed as if it were still under way: the next tick takes it.
    pub(crate) fn turn(&self, source: &str, now_unix_ms: u64, timeout_ms: u32) -> Turn {
        let until = now_unix_ms.saturating_add(timeout_ms.into()).saturating_add(LEASE_MARGIN_MS);
        let taken = self.taken.borrow().get(source).copied().unwrap_or_default();
        let changed = self.change(source, |lease| {
            if lease.asked > taken {
                return Err(until);
            }
            if lease.leased_until > now_unix_ms {
                return Err(lease.leased_until);
            }
            Ok(Lease { leased_until: until, ..lease })
        });
        match changed {
            Ok(()) => Turn::Fetch,
            Err(until_unix_ms) => Turn::Follow { until_unix_ms },
        }
    }

    /// Tells the others what was found.
    pub(crate) fn publish(&self, found: &Found) {
        let Found { source, outcome, asked_unix_ms } = found;
        let line = |line: &Header| (line.name.clone(), line.value.clone());
        let (head, body) = match outcome {
            Ok(Answer { status, headers, body }) => {
                let headers = headers.iter().map(line).collect();
                (Head { failure: None, status: *status, headers }, body.as_slice())
            }
            Err(failure) => {
                let failure = Some(failure.clone());
                (Head { failure, status: 0, headers: Vec::new() }, &[][..])
            }
        };
        let mut entry = serde_json::to_vec(&head).unwrap_or_default();
        entry.push(b'\n');
        entry.extend(body);
        let _ = hostcalls::set_shared_data(&self.entry(source), Some(&entry), None);
        self.taken.borrow_mut().insert(source.clone(), *asked_unix_ms);
        let _ = self.change(source, |lease| {
            Ok(Lease { leased_until: 0, asked: (*asked_unix_ms).max(lease.asked) })
        });
    }

    /// What others found since this was asked last.
    pub(crate) fn found(&self) -> Vec<Found> {
        let Ok((Some(text), version)) = hostcalls::get_shared_data(&self.name) else {
            return Vec::new();
        };
        if self.seen.replace(version) == version {
            return Vec::new();
        }
        let mut taken = self.taken.borrow_mut();
        let is_new = |(source, lease): &(String, Lease)| {
            lease.asked > taken.get(source).copied().unwrap_or_default()
        };
        let leases: Vec<(String, Lease)> = leases(&text).into_iter().filter(is_new).collect();
        let found = leases.into_iter().filter_map(|(source, lease)| {
            taken.insert(source.clone(), lease.asked);
            let outcome = self.outcome(&source)?;
            Some(Found { source, outcome, asked_unix_ms: lease.asked })
        });
        found.collect()
    }

    fn outcome(&self, source: &str) -> Option<Result<Answer, String>> {
        let (entry, _) = hostcalls::get_shared_data(&self.entry(source)).ok()?;
        read(&entry?)
    }

    fn entry(&self, source: &str) -> String {
        format!("{}.{source}", self.name)
    }

    /// Changes the lease of a source. An error is the change's own; leases that cannot be written leave
    /// each instance to itself.
    fn change(
        &self,
        source: &str,
        change: impl Fn(Lease) -> Result<Lease, u64>,
    ) -> Result<(), u64> {
        for _ in 0..TRIES {
            let Ok((text, version)) = hostcalls::get_shared_data(&self.name) else { return Ok(()) };
            let mut leases = leases(&text.unwrap_or_default());
            let lease = leases.get(source).copied().unwrap_or_default();
            leases.insert(source.to_owned(), change(lease)?);
            let text = serde_json::to_vec(&leases).unwrap_or_default();
            match hostcalls::set_shared_data(&self.name, Some(&text), version) {
                Err(Status::CasMismatch) => {}
                Ok(()) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

fn leases(text: &[u8]) -> BTreeMap<String, Lease> {
    serde_json::from_slice(text).unwrap_or_default()
}

fn read(entry: &[u8]) -> Option<Result<Answer, String>> {
    let end = entry.iter().position(|byte| *byte == b'\n')?;
    let (head, body) = entry.split_at_checked(end)?;
    let Head { failure, status, headers } = serde_json::from_slice(head).ok()?;
    let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
    let body = body.get(1..)?.to_vec();
    Some(failure.map_or(Ok(Answer { status, headers, body }), Err))
}
