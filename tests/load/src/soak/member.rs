//! One client: it asks, waits for the answer, judges it, and asks again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use linkgate_tenant::faults::Dice;

use crate::client::{Client, Seen, Spoken};

use super::call::call;
use super::kind::Kind;
use super::people::{Member, People};
use super::tag::Tag;
use super::verdict::{Fate, Standing, judge};

/// What all clients of a run have in common.
pub(super) struct Run {
    pub(super) people: People,
    pub(super) gateway: SocketAddr,
    /// Of the last request.
    pub(super) number: AtomicU64,
    /// Whether the gateway has been asked to stop.
    pub(super) stopping: AtomicBool,
}

/// A request and how it ended.
pub(super) struct Exchange {
    pub(super) tag: Tag,
    pub(super) fate: Fate,
    /// Of the answer, if one began.
    pub(super) status: Option<u16>,
    /// Whether bytes came that could have been an answer.
    pub(super) begun: bool,
    /// Whether the gateway had been asked to stop before this ended.
    pub(super) stopping: bool,
    pub(super) took: Duration,
}

/// What one client saw.
#[derive(Default)]
pub(super) struct Witness {
    pub(super) exchanges: Vec<Exchange>,
    /// Why answers were wrong: the first few.
    pub(super) complaints: Vec<String>,
    /// Preflights that the one document answered, and the other.
    pub(super) max_ages: [u64; 2],
}

/// Complaints that are kept of a client.
const KEPT_COMPLAINTS: usize = 3;

/// Requests after which a client hangs up, on average.
const HANG_UP_AFTER: usize = 20;

/// Asks until the gateway is gone.
pub(super) async fn ask(run: Arc<Run>, member: Arc<Member>, spoken: Spoken, seed: u64) -> Witness {
    let mut client = Client::new(run.gateway, spoken);
    let mut dice = Dice::new(seed);
    let mut standing = Standing::Apart;
    let mut witness = Witness::default();
    loop {
        let kind = chosen(&mut dice);
        let number = run.number.fetch_add(1, Ordering::Relaxed) + 1;
        let tag = Tag { kind, number };
        let Some(barred) = run.people.barred.get(dice.below(run.people.barred.len())) else {
            return witness;
        };
        let call = call(tag, &run.people, &member, barred);
        let began = Instant::now();
        let answer = client.exchange(&call).await;
        let took = began.elapsed();
        let stopping = run.stopping.load(Ordering::SeqCst);
        let verdict = judge(kind, &run.people, &member, standing, &answer);
        standing = verdict.standing;
        witness.note(exchange(tag, verdict.fate, &answer, stopping, took), &answer, verdict.why);
        if verdict.fate == Fate::NotConnected {
            return witness;
        }
        if dice.below(HANG_UP_AFTER) == 0 {
            client.hang_up();
        }
    }
}

fn chosen(dice: &mut Dice) -> Kind {
    let mut left = dice.below(100);
    for kind in Kind::ALL {
        match left.checked_sub(kind.share()) {
            Some(rest) => left = rest,
            None => return kind,
        }
    }
    Kind::Link
}

fn exchange(tag: Tag, fate: Fate, answer: &Seen, stopping: bool, took: Duration) -> Exchange {
    let (status, begun) = match answer {
        Seen::Whole(reply) | Seen::Cut(reply) => (Some(reply.status), true),
        Seen::Nothing { begun, .. } => (None, *begun),
        Seen::Reset => (None, true),
        Seen::NotConnected(_) => (None, false),
    };
    Exchange { tag, fate, status, begun, stopping, took }
}

impl Witness {
    fn note(&mut self, exchange: Exchange, answer: &Seen, why: Option<String>) {
        let why = why.or_else(|| match answer {
            Seen::Nothing { why, .. } | Seen::NotConnected(why) if !exchange.stopping => {
                Some(format!("no answer: {why}"))
            }
            Seen::Nothing { .. }
            | Seen::NotConnected(_)
            | Seen::Whole(_)
            | Seen::Cut(_)
            | Seen::Reset => None,
        });
        if let Some(why) = why
            && self.complaints.len() < KEPT_COMPLAINTS
        {
            let Tag { kind, number } = exchange.tag;
            let before = self.exchanges.last().map(|before| (before.tag.kind, before.fate));
            let name = kind.name();
            self.complaints.push(format!("{name} (request {number}, after {before:?}): {why}"));
        }
        self.note_max_age(exchange.tag.kind, answer);
        self.exchanges.push(exchange);
    }

    fn note_max_age(&mut self, kind: Kind, answer: &Seen) {
        let Seen::Whole(reply) = answer else { return };
        if kind != Kind::Preflight {
            return;
        }
        let max_age = reply.headers.get("access-control-max-age");
        let [first, second] = &mut self.max_ages;
        *(if max_age.is_some_and(|max_age| max_age == "600") { first } else { second }) += 1;
    }
}
