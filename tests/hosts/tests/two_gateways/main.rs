//! Two gateways beside each other, a middlebox between them and the accounts, and kills: what the walk plays without
//! sockets (tests/tests/metadata), as processes and over TCP, by chance. The network's tricks and the judge are the
//! walk's own.
//!
//! ```text
//!  client ─▶ linkgate serve ─┐               ┌─ repeats, delays, loses, falsifies, answers what was before
//!                            ├─▶ middlebox ──┤
//!  client ─▶ linkgate serve ─┘               └─ the accounts, edited by outsiders meanwhile ─▶ judge
//!               ✗ killed, and started again
//! ```
//!
//! In the end nothing fails any more, and a last link has to find everything where it belongs.
#![cfg(test)]
#![expect(
    dead_code,
    clippy::match_same_arms,
    clippy::needless_pass_by_value,
    clippy::redundant_closure_for_method_calls,
    clippy::struct_excessive_bools,
    clippy::unused_self,
    clippy::wildcard_enum_match_arm,
    reason = "modules of the walk are shared: each has more than is used here, and its crate has lints of its own"
)]

#[path = "../../../tests/metadata/edit.rs"]
mod edit;
#[path = "../../../tests/metadata/ending.rs"]
mod ending;
#[path = "../../../tests/metadata/gate.rs"]
mod gate;
#[path = "../../../tests/metadata/history.rs"]
mod history;
#[path = "../../../tests/metadata/ledger.rs"]
mod ledger;
#[path = "../../../tests/metadata/network.rs"]
mod network;
#[path = "../../../tests/metadata/party.rs"]
mod party;
#[path = "../../../tests/metadata/pieces.rs"]
mod pieces;
#[path = "../../../tests/metadata/place.rs"]
mod place;
#[path = "../../../tests/metadata/setup.rs"]
mod setup;
#[path = "../../../tests/metadata/world.rs"]
mod world;

mod client;
mod gateway;
mod middlebox;
mod stage;

use std::io::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::setup::{Mode, Rule, Setup};
use crate::stage::{Figures, Stage};

/// Histories of a run. `LINKGATE_SOCKET_HISTORIES` asks for another number.
const HISTORIES: u64 = 200;

/// Histories between two lines that say how far a long run is.
const PROGRESS_EVERY: u64 = 100;

/// The policies: each rule, and a rolling restart from one to another.
fn setups() -> [Setup; 5] {
    let setup = |rule, deep, mode, other| Setup { rule, deep, mode, serialised: true, other };
    [
        setup(Rule::Primary, false, Mode::Service, None),
        setup(Rule::Secondary, true, Mode::Caller, None),
        setup(Rule::KeepBoth, true, Mode::Service, None),
        setup(Rule::Refuse, false, Mode::Service, None),
        setup(Rule::Primary, false, Mode::Service, Some(Rule::Secondary)),
    ]
}

/// `LINKGATE_SEED` repeats a run, as far as processes and sockets can be repeated.
#[tokio::test]
async fn nothing_is_lost_beside_another_gateway() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect(name));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let seed = number("LINKGATE_SEED").unwrap_or(now.as_secs());
    let histories: u64 = number("LINKGATE_SOCKET_HISTORIES").unwrap_or(HISTORIES);
    let began = Instant::now();
    let mut figures = Figures::default();
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let setups = setups();
            let each = histories.div_ceil(setups.len() as u64);
            for (setup, nth) in setups.into_iter().zip(0..) {
                let stage = Stage::set(setup, now.as_secs()).await;
                for history in 0..each {
                    let seed = seed.wrapping_add(nth * 1_000_000 + history);
                    stage.history(seed, &mut figures).await;
                    if figures.histories % PROGRESS_EVERY == 0 {
                        show(&format!("{} of {histories} histories\n", figures.histories));
                    }
                }
            }
        })
        .await;
    show(&format!("\n{figures}in {} s, LINKGATE_SEED={seed}\n", began.elapsed().as_secs()));
    assert!(figures.histories >= histories && figures.linked > 0, "{figures}");
}

/// Shows it past the test runner, which shows nothing of a test that passes.
fn show(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
