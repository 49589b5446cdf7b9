//! The middlebox: HTTP/1.1 towards the gateways, and behind it the network of the walk.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use linkgate_policy::{CallFailure, Header};
use linkgate_tenant::faults::Dice;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::edit::Edit;
use crate::ending::{Effect, Ending, Kind, More, Refusal};
use crate::gate::Sent;
use crate::gateway::Gateway;
use crate::history::Violation;
use crate::network::{Network, Outcome};
use crate::party::Party;
use crate::world::World;

/// How long a request is held back at most, for others to come before it.
const MOMENT: Duration = Duration::from_millis(15);

/// One fault of so many is a kill. Lowered, most of the time goes by while gateways start.
const KILLED: usize = 12;

/// What is between the gateways and the accounts.
pub(crate) struct Middlebox {
    pub(crate) world: &'static World,
    pub(crate) net: RefCell<Network<'static>>,
    pub(crate) dice: RefCell<Dice>,
    /// Exchanges, by the trace that their requests carry.
    pub(crate) parties: RefCell<BTreeMap<String, Party>>,
    pub(crate) gateways: [RefCell<Option<Gateway>>; 2],
    /// What may still go wrong, and be edited.
    pub(crate) faults: Cell<u32>,
    pub(crate) edits: Cell<u32>,
    pub(crate) unlinked: Cell<bool>,
    pub(crate) kills: Cell<u64>,
    /// What was done, in order.
    pub(crate) story: RefCell<Vec<String>>,
    pub(crate) broken: RefCell<Option<Violation>>,
    arrived: Notify,
}

impl Middlebox {
    pub(crate) fn new(world: &'static World) -> Rc<Self> {
        Rc::new(Self {
            world,
            net: RefCell::new(Network::new(world)),
            dice: RefCell::new(Dice::new(0)),
            parties: RefCell::default(),
            gateways: [RefCell::default(), RefCell::default()],
            faults: Cell::new(0),
            edits: Cell::new(0),
            unlinked: Cell::new(false),
            kills: Cell::new(0),
            story: RefCell::default(),
            broken: RefCell::default(),
            arrived: Notify::new(),
        })
    }

    /// Serves one of the gateways, for as long as the test runs.
    pub(crate) async fn serve(self: Rc<Self>, listener: TcpListener, gateway: usize) {
        while let Ok((socket, _)) = listener.accept().await {
            let middlebox = Rc::clone(&self);
            tokio::task::spawn_local(async move { middlebox.connection(socket, gateway).await });
        }
    }

    /// One request after another, for as long as the gateway keeps it and each is answered.
    async fn connection(&self, mut socket: TcpStream, gateway: usize) {
        while let Some((trace, sent)) = request(&mut socket).await {
            let is_held = self.faults.get() > 0 && self.dice.borrow_mut().one_in(3);
            if is_held {
                // Until another request has come by, or none does.
                let _ = timeout(MOMENT, self.arrived.notified()).await;
            }
            let outcome = self.pass(&trace, &Rc::new(sent), gateway);
            self.arrived.notify_waiters();
            let Some(Sending { bytes, is_last }) = outcome.and_then(sending) else { return };
            if socket.write_all(&bytes).await.is_err() || is_last {
                let _gone = socket.shutdown().await;
                return;
            }
        }
    }

    /// Lets a request through, or does something else with it; nothing when its gateway is killed.
    fn pass(&self, trace: &str, sent: &Rc<Sent>, gateway: usize) -> Outcome {
        self.meanwhile();
        // A request of an earlier history, of a gateway that was killed: it comes too late for this one.
        let mut party = self.parties.borrow().get(trace).cloned()?;
        let ending = self.ending(sent.kind());
        self.tell(format!(
            "{} {trace}: {} {} {}: {ending}",
            party.name, sent.method, sent.path, sent.body
        ));
        let checked = match sent.kind() {
            Kind::Read | Kind::Write => party.calls(sent, self.world),
            Kind::Link => party.links(sent, self.world),
        };
        let now_unix_s = self.world.now_unix_s;
        let outcome = checked
            .and_then(|()| self.net.borrow_mut().request(&mut party, sent, ending, now_unix_s));
        self.tell(format!("        {}", self.net.borrow().place.text.replace('\n', "\n        ")));
        self.parties.borrow_mut().insert(trace.to_owned(), party);
        let outcome = self.noted(outcome)?;
        if outcome.is_none()
            && let Some(killed) = self.gateways[gateway].borrow_mut().take()
        {
            killed.kill();
            self.kills.set(self.kills.get() + 1);
        }
        outcome
    }

    /// What others do before a request.
    fn meanwhile(&self) {
        let mut dice = self.dice.borrow_mut();
        let late = self.net.borrow().late.len();
        if late > 0 && dice.one_in(3) {
            self.tell("a late effect comes".to_owned());
            let landed = self.net.borrow_mut().land(dice.below(late));
            self.noted(landed);
        }
        if self.edits.get() > 0 && dice.one_in(6) {
            let is_edit = |edit: &Edit| !matches!(edit, Edit::SameLink | Edit::ThirdLink);
            let place = Rc::clone(&self.net.borrow().place);
            let edits: Vec<Edit> = place.edits.iter().copied().filter(is_edit).collect();
            if let Some(edit) = dice.of(&edits) {
                self.edits.set(self.edits.get() - 1);
                self.unlinked.set(self.unlinked.get() || edit == Edit::Unlink);
                self.tell(edit.to_string());
                self.net.borrow_mut().edit(edit, self.parties.borrow_mut().values_mut());
            }
        }
    }

    /// How a request ends.
    fn ending(&self, kind: Kind) -> Ending {
        let mut dice = self.dice.borrow_mut();
        if self.faults.get() == 0 || !dice.one_in(4) {
            return Ending::Answered;
        }
        self.faults.set(self.faults.get() - 1);
        if dice.one_in(KILLED) {
            return Ending::Died(if dice.one_in(2) { Effect::None } else { Effect::Now });
        }
        let endings: Vec<Ending> =
            Ending::faults(kind).iter().copied().filter(|ending| is_possible(*ending)).collect();
        dice.of(&endings).unwrap_or(Ending::Answered)
    }

    /// Keeps what was broken first.
    pub(crate) fn noted<T>(&self, found: Result<T, Violation>) -> Option<T> {
        match found {
            Ok(found) => Some(found),
            Err(violation) => {
                self.broken.borrow_mut().get_or_insert(violation);
                None
            }
        }
    }

    pub(crate) fn tell(&self, line: String) {
        self.story.borrow_mut().push(line);
    }
}

/// What can happen on the way, in no more than a moment: a 429 with a time is waited out in earnest.
fn is_possible(ending: Ending) -> bool {
    match ending {
        Ending::NotSent | Ending::ClientLeft | Ending::Died(_) => false,
        Ending::Status(_, Refusal { status, more }) => {
            status != 429 || matches!(more, More::RetryAfter(3600))
        }
        Ending::Answered
        | Ending::Lost(_)
        | Ending::Garbage(_)
        | Ending::NoBody(..)
        | Ending::Stale
        | Ending::Twice
        | Ending::OldState => true,
    }
}

/// Reads a request: the trace it belongs to, and what was sent. The lines of the way itself are left out.
async fn request(socket: &mut TcpStream) -> Option<(String, Sent)> {
    let mut read = Vec::new();
    let (head, body) = loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = line(head, "content-length").map_or(Some(0), |text| text.parse().ok())?;
            if body.len() >= length {
                break (head.to_owned(), body.to_owned());
            }
        }
        if socket.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let mut first = head.lines().next()?.split(' ');
    let (method, path) = (first.next()?, first.next()?);
    let trace = line(&head, "traceparent")?.split('-').nth(1)?.to_owned();
    let headers: Vec<Header> = ["authorization", "content-type", "accept"]
        .iter()
        .filter_map(|name| Some(Header::new(name, line(&head, name)?)))
        .collect();
    let sent = Sent::new(method, path.to_owned(), &headers, Some(body.into_bytes()), 0);
    Some((trace, Rc::unwrap_or_clone(sent)))
}

fn line<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// An answer as it is sent.
struct Sending {
    bytes: Vec<u8>,
    /// Whether the connection ends with it.
    is_last: bool,
}

/// Nothing where the connection is dropped.
fn sending(outcome: Result<Rc<linkgate_policy::Answer>, CallFailure>) -> Option<Sending> {
    match outcome {
        Ok(answer) => {
            let mut head = format!("HTTP/1.1 {} X\r\n", answer.status);
            for header in answer.headers.iter().filter(|header| header.name != "content-length") {
                let _ =
                    write!(head, "{}: {}\r\n", header.name, String::from_utf8_lossy(&header.value));
            }
            let _ = write!(head, "content-length: {}\r\n\r\n", answer.body.len());
            Some(Sending { bytes: [head.as_bytes(), &answer.body].concat(), is_last: false })
        }
        Err(CallFailure::NoBody { status }) => {
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 100\r\n\r\n");
            Some(Sending { bytes: head.into_bytes(), is_last: true })
        }
        Err(CallFailure::NotSent | CallFailure::Unknown) => None,
    }
}
