//! What the workers tell each other: who fetches what, and what came of it.
//!
//! Each worker thread has an instance with a memory of its own. A fetch that waits in all of them is
//! made by the one that writes its name on the board first; the others take what it found.
//!
//! ```text
//!  board    source ─▶ fetched until, asked at    one entry, changed by compare-and-swap
//!  outcome  source ─▶ answer or failure          an entry each, written before the board tells of it
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use linkgate_policy::{Answer, Header};
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Times that a change of the board is tried while others change it. There are as many as workers that
/// write in the same microseconds; raised, one that never gets its turn is noticed later.
const TRIES: u32 = 100;

/// Milliseconds by which a lease outlives its fetch. Raised, what a worker that is gone had begun waits
/// longer for another.
const LEASE_MARGIN_MS: u64 = 1_000;

/// The board, as one instance sees it.
pub(crate) struct Board {
    /// What all its entries are called after: two configurations share nothing.
    name: String,
    /// The version that was read last.
    seen: Cell<Option<u32>>,
    /// When the outcome that this instance took of each source was asked for.
    taken: RefCell<BTreeMap<String, u64>>,
}

/// What the board says of a source. Wall clock, milliseconds: the one clock that instances share.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
struct Row {
    leased_until: u64,
    asked: u64,
}

/// What an instance that wants a source does.
pub(crate) enum Turn {
    /// It fetches: its name is on the board.
    Fetch,
    /// Another fetches, at the latest until this wall clock.
    Follow { until_unix_ms: u64 },
}

/// An outcome as it was found, asked at this wall clock.
pub(crate) struct News {
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

impl Board {
    /// The board of a configuration. The first instance, which Envoy configures before there is another,
    /// sets it up: there is no compare-and-swap with nothing.
    pub(crate) fn of(configuration: &[u8]) -> Self {
        // Who shares it is believed: another configuration must not come to the same name.
        let digest = Sha256::digest(configuration);
        let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let name = format!("linkgate.{hex}");
        let board = Self { name, seen: Cell::default(), taken: RefCell::default() };
        if let Ok((None, _)) = hostcalls::get_shared_data(&board.name) {
            let _ = hostcalls::set_shared_data(&board.name, Some(b"{}"), None);
        }
        board
    }

    /// Whose turn it is to fetch a source. What another has found since this instance took news is
    /// followed as if it were still under way: the next tick takes it.
    pub(crate) fn turn(&self, source: &str, now_unix_ms: u64, timeout_ms: u32) -> Turn {
        let until = now_unix_ms.saturating_add(timeout_ms.into()).saturating_add(LEASE_MARGIN_MS);
        let taken = self.taken.borrow().get(source).copied().unwrap_or_default();
        let changed = self.change(source, |row| {
            if row.asked > taken {
                return Err(until);
            }
            if row.leased_until > now_unix_ms {
                return Err(row.leased_until);
            }
            Ok(Row { leased_until: until, ..row })
        });
        match changed {
            Ok(()) => Turn::Fetch,
            Err(until_unix_ms) => Turn::Follow { until_unix_ms },
        }
    }

    /// Tells the others what was found.
    pub(crate) fn publish(&self, news: &News) {
        let News { source, outcome, asked_unix_ms } = news;
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
        let _ = self.change(source, |row| {
            Ok(Row { leased_until: 0, asked: (*asked_unix_ms).max(row.asked) })
        });
    }

    /// What others found since this was asked last.
    pub(crate) fn news(&self) -> Vec<News> {
        let Ok((Some(text), version)) = hostcalls::get_shared_data(&self.name) else {
            return Vec::new();
        };
        if self.seen.replace(version) == version {
            return Vec::new();
        }
        let mut taken = self.taken.borrow_mut();
        let is_new = |(source, row): &(String, Row)| {
            row.asked > taken.get(source).copied().unwrap_or_default()
        };
        let rows: Vec<(String, Row)> = rows(&text).into_iter().filter(is_new).collect();
        let news = rows.into_iter().filter_map(|(source, row)| {
            taken.insert(source.clone(), row.asked);
            let outcome = self.outcome(&source)?;
            Some(News { source, outcome, asked_unix_ms: row.asked })
        });
        news.collect()
    }

    fn outcome(&self, source: &str) -> Option<Result<Answer, String>> {
        let (entry, _) = hostcalls::get_shared_data(&self.entry(source)).ok()?;
        read(&entry?)
    }

    fn entry(&self, source: &str) -> String {
        format!("{}.{source}", self.name)
    }

    /// Changes the row of a source. An error is the change's own; a board that cannot be written leaves
    /// each instance to itself.
    fn change(&self, source: &str, change: impl Fn(Row) -> Result<Row, u64>) -> Result<(), u64> {
        for _ in 0..TRIES {
            let Ok((text, version)) = hostcalls::get_shared_data(&self.name) else { return Ok(()) };
            let mut rows = rows(&text.unwrap_or_default());
            let row = rows.get(source).copied().unwrap_or_default();
            rows.insert(source.to_owned(), change(row)?);
            let text = serde_json::to_vec(&rows).unwrap_or_default();
            match hostcalls::set_shared_data(&self.name, Some(&text), version) {
                Err(Status::CasMismatch) => {}
                Ok(()) | Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

fn rows(text: &[u8]) -> BTreeMap<String, Row> {
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
