//! One client: it asks, waits for the answer, judges it, and asks again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::{Client, Seen, Spoken};
use crate::dice::Dice;

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
    /// Whether the gateway has been told to stop.
    pub(super) stopping: AtomicBool,
}

/// A request and what became of it.
pub(super) struct Exchange {
    pub(super) tag: Tag,
    pub(super) fate: Fate,
    /// Of the answer, if one began.
    pub(super) status: Option<u16>,
    /// Whether bytes came that could have been an answer.
    pub(super) begun: bool,
    /// Whether the gateway had been told to stop before this ended.
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
    let mut before = String::from("nothing");
    loop {
        let kind = chosen(&mut dice);
        let number = run.number.fetch_add(1, Ordering::Relaxed) + 1;
        let tag = Tag { kind, number };
        let Some(barred) = run.people.barred.get(dice.below(run.people.barred.len())) else {
            return witness;
        };
        let call = call(tag, &run.people, &member, barred);
        let began = Instant::now();
        let seen = client.exchange(&call).await;
        let took = began.elapsed();
        let stopping = run.stopping.load(Ordering::SeqCst);
        let verdict = judge(kind, &run.people, &member, standing, &seen);
        standing = verdict.standing;
        let why = verdict.why;
        witness.complain(tag, &seen, stopping, why, &before);
        witness.note_max_age(kind, &seen);
        witness.exchanges.push(exchange(tag, verdict.fate, &seen, stopping, took));
        before = format!("{} {:?}", kind.name(), verdict.fate);
        if verdict.fate == Fate::NotConnected {
            return witness;
        }
        if dice.below(HANG_UP_AFTER) == 0 {
            before.push_str(" and hung up");
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

fn exchange(tag: Tag, fate: Fate, seen: &Seen, stopping: bool, took: Duration) -> Exchange {
    let (status, begun) = match seen {
        Seen::Whole(reply) | Seen::Cut(reply) => (Some(reply.status), true),
        Seen::Nothing { begun, .. } => (None, *begun),
        Seen::Reset => (None, true),
        Seen::NotConnected(_) => (None, false),
    };
    Exchange { tag, fate, status, begun, stopping, took }
}

impl Witness {
    fn complain(
        &mut self,
        tag: Tag,
        seen: &Seen,
        stopping: bool,
        why: Option<String>,
        before: &str,
    ) {
        let why = why.or_else(|| match seen {
            Seen::Nothing { why, .. } | Seen::NotConnected(why) if !stopping => {
                Some(format!("no answer: {why}"))
            }
            _ => None,
        });
        if let Some(why) = why
            && self.complaints.len() < KEPT_COMPLAINTS
        {
            self.complaints.push(format!(
                "{} (request {}): {why}; on its connection came before: {before}",
                tag.kind.name(),
                tag.number
            ));
        }
    }

    fn note_max_age(&mut self, kind: Kind, seen: &Seen) {
        let Seen::Whole(reply) = seen else { return };
        if kind != Kind::Preflight {
            return;
        }
        let max_age = reply.headers.get("access-control-max-age").map(|value| value.as_bytes());
        let [first, second] = &mut self.max_ages;
        *(if max_age == Some(b"600") { first } else { second }) += 1;
    }
}
