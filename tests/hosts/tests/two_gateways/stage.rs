//! One policy or two, two gateways, and histories one after another.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;

use linkgate_tenant::faults::Dice;
use tokio::net::TcpListener;

use crate::client::{self, Answered};
use crate::gateway::Gateway;
use crate::history::Violation;
use crate::ledger::Excuse;
use crate::middlebox::Middlebox;
use crate::network::Network;
use crate::party::Party;
use crate::setup::Setup;
use crate::world::{Holdings, PRIMARY, SECONDARY, THIRD, World};

/// Two gateways, each with a port of the middlebox as its upstream.
pub(crate) struct Stage {
    world: &'static World,
    middlebox: Rc<Middlebox>,
    upstreams: [SocketAddr; 2],
    exchanges: Cell<u64>,
    /// Numbers of exchanges, never used twice: a request of a killed gateway may come late.
    last: Cell<u64>,
}

/// What came of all histories.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) histories: u64,
    pub(crate) linked: u64,
    exchanges: u64,
    kills: u64,
    excused: BTreeMap<Excuse, u64>,
}

/// Times that a client sends its link.
const ATTEMPTS: u32 = 3;

impl Stage {
    pub(crate) async fn set(setup: Setup, now_unix_s: u64) -> Self {
        let world: &'static World =
            Box::leak(Box::new(World::at(now_unix_s, setup, &Holdings::of(setup))));
        let middlebox = Middlebox::new(world);
        let mut upstreams = Vec::new();
        for gateway in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            upstreams.push(listener.local_addr().expect("an address"));
            tokio::task::spawn_local(Rc::clone(&middlebox).serve(listener, gateway));
        }
        let upstreams = [upstreams[0], upstreams[1]];
        Self { world, middlebox, upstreams, exchanges: Cell::new(0), last: Cell::new(0) }
    }

    /// Plays one history, and fails with its whole story where something is not as it has to be.
    pub(crate) async fn history(&self, seed: u64, figures: &mut Figures) {
        let middlebox = &self.middlebox;
        *middlebox.net.borrow_mut() = Network::new(self.world);
        *middlebox.dice.borrow_mut() = Dice::new(seed);
        middlebox.parties.borrow_mut().clear();
        middlebox.story.borrow_mut().clear();
        middlebox.unlinked.set(false);
        let (faults, edits, other) = {
            let mut dice = middlebox.dice.borrow_mut();
            let other = if dice.one_in(2) { SECONDARY } else { THIRD };
            (dice.below(4), dice.below(3), other)
        };
        middlebox.faults.set(u32::try_from(faults).expect("few"));
        middlebox.edits.set(u32::try_from(edits).expect("few"));
        tokio::join!(self.client(0, SECONDARY), self.client(1, other));
        self.converges(SECONDARY).await;
        if other == THIRD {
            self.converges(THIRD).await;
        }
        if let Some(violation) = middlebox.broken.borrow().as_ref() {
            let story = middlebox.story.borrow().join("\n");
            panic!("{violation}\nunder: {}, seed {seed}\n{story}", self.world.setup);
        }
        figures.histories += 1;
        figures.exchanges += self.exchanges.take();
        figures.kills += middlebox.kills.take();
        let net = middlebox.net.borrow();
        figures.linked += u64::from(net.place.is_linked(SECONDARY));
        for excuse in net.ledger.excused.keys() {
            *figures.excused.entry(*excuse).or_default() += 1;
        }
    }

    /// A client that tries until it knows.
    async fn client(&self, gateway: usize, secondary: &'static str) {
        for _ in 0..ATTEMPTS {
            let answered = self.exchange(gateway, secondary).await;
            if answered.is_some_and(|answered| answered.status == 201) {
                return;
            }
        }
    }

    /// Nothing fails any more: what is on its way arrives, and a last link has to find its end.
    async fn converges(&self, secondary: &'static str) {
        let middlebox = &self.middlebox;
        middlebox.faults.set(0);
        middlebox.edits.set(0);
        while !middlebox.net.borrow().late.is_empty() {
            let landed = middlebox.net.borrow_mut().land(0);
            middlebox.noted(landed);
        }
        let answered = self.exchange(0, secondary).await;
        let net = middlebox.net.borrow();
        let fine = answered.as_ref().is_some_and(|Answered { status, reason }| match status {
            201 => net.place.is_linked(secondary),
            409 => {
                ["primary-gone", "metadata-conflict", "secondary-gone"].contains(&reason.as_str())
            }
            _ => false,
        });
        let rule = "without faults a retry comes to an end";
        middlebox.noted(Violation::unless(fine, rule, format_args!("{answered:?}")));
        let waits = answered.is_some_and(|answered| answered.status == 201)
            && net.place.has_staged(secondary);
        let rule = "a last retry leaves nothing staged";
        middlebox.noted(Violation::unless(!waits, rule, "something"));
    }

    /// One link through a gateway, which is started where it is not running; its answer is held against what the
    /// exchange knew.
    async fn exchange(&self, gateway: usize, secondary: &'static str) -> Option<Answered> {
        let middlebox = &self.middlebox;
        let running = middlebox.gateways[gateway].borrow().as_ref().map(|running| running.address);
        let address = if let Some(address) = running {
            address
        } else {
            let started = Gateway::start(self.world, gateway, self.upstreams[gateway]).await;
            middlebox.gateways[gateway].borrow_mut().insert(started).address
        };
        self.exchanges.set(self.exchanges.get() + 1);
        self.last.set(self.last.get() + 1);
        let trace = format!("{:032x}", self.last.get());
        let name = if gateway == 0 { "one gateway" } else { "the other gateway" };
        middlebox.parties.borrow_mut().insert(trace.clone(), Party::new(name, secondary));
        let answered = client::link(self.world, address, secondary, &trace).await;
        middlebox.tell(format!("{name} {trace} answers {answered:?}"));
        let party = middlebox.parties.borrow_mut().remove(&trace)?;
        let answered = answered?;
        let what = format_args!("{answered:?} after {:?}", party.link);
        let fine = party.may_be_answered(answered.status);
        middlebox.noted(Violation::unless(fine, "the answer says what is known of the link", what));
        let net = middlebox.net.borrow();
        let is_so = answered.status != 201
            || net.place.is_linked(secondary)
            || middlebox.unlinked.get()
            || net.place.metadata(PRIMARY).is_none()
            || party.is_primary_stale;
        middlebox.noted(Violation::unless(is_so, "a 201 is a link", what));
        Some(answered)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>10} histories over sockets, two gateways, none lost, none untrue",
            self.histories
        )?;
        writeln!(f, "{:>10} exchanges", self.exchanges)?;
        writeln!(f, "{:>10} gateways killed", self.kills)?;
        writeln!(f, "{:>10} histories that end linked", self.linked)?;
        for excuse in Excuse::ALL {
            let count = self.excused.get(&excuse).copied().unwrap_or(0);
            writeln!(f, "{count:>10} in which {}", excuse.name())?;
        }
        Ok(())
    }
}
