//! A gateway whose steps come from a script.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use linkgate_gateway::{
    Acquire, Call, ClientTls, Decision, DecisionSink, Dropped, End, Evaluator, Event, Fault,
    Forward, Gateway, Head, Header, HeaderEdits, Keys, Limits, Now, Outcome, Pass, ReadBody,
    Readiness, Reply, StartError, Step, Timings, Trap, Turn, Upstream as Address,
    UpstreamConnections,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::wire::{Peer, Upstream, last, nobody, say, soon};

/// The next step, from the head and the events so far.
pub(crate) trait Steps: Fn(&Head, &[Event]) -> Step + Send + Sync + 'static {}
impl<F: Fn(&Head, &[Event]) -> Step + Send + Sync + 'static> Steps for F {}

/// The same, or the end of the instance.
pub(crate) trait Play:
    Fn(&Head, &[Event]) -> Result<Step, Trap> + Send + Sync + 'static
{
}
impl<F: Fn(&Head, &[Event]) -> Result<Step, Trap> + Send + Sync + 'static> Play for F {}

/// What a test hears of, in the order in which it happened.
#[derive(Debug, PartialEq)]
pub(crate) enum Note {
    Made,
    Opened(Head),
    Event(Event),
    /// Its client is gone: is it to go on?
    MustFinish,
    Closed(End),
    Decided(String),
    Fault(String),
}

/// An evaluator that plays a script.
pub(crate) struct Script {
    play: Arc<dyn Play>,
    notes: UnboundedSender<Note>,
    let_go: Arc<Notify>,
    exchanges: HashMap<u32, Scene>,
    opened: u32,
}

/// An exchange of a script.
struct Scene {
    head: Head,
    events: Vec<Event>,
    /// Whether it has written: from then on it is to be seen through.
    wrote: bool,
}

impl Keys for Script {}

impl Evaluator for Script {
    type Exchange = u32;

    fn wanted_headers(&self) -> Vec<String> {
        ["authorization", "x-wanted", "connection", "upgrade", "x-original-*"]
            .map(str::to_owned)
            .to_vec()
    }

    async fn open(&mut self, head: Head, _now: Now) -> Result<(u32, Turn), Trap> {
        self.notes.send(Note::Opened(head.clone())).ok();
        if head.target == STUCK {
            self.let_go.notified().await;
        }
        let step = (self.play)(&head, &[])?;
        self.opened += 1;
        let wrote = is_write(&step);
        self.exchanges.insert(self.opened, Scene { head, events: Vec::new(), wrote });
        Ok((self.opened, Turn { sequence: 0, step }))
    }

    async fn resume(
        &mut self,
        exchange: &u32,
        sequence: u32,
        event: Event,
        _now: Now,
    ) -> Result<Turn, Trap> {
        self.notes.send(Note::Event(event.clone())).ok();
        let scene = self.exchanges.get_mut(exchange).expect("resume without open");
        assert_eq!(sequence as usize, scene.events.len(), "the event belongs to another step");
        scene.events.push(event);
        let step = (self.play)(&scene.head, &scene.events)?;
        scene.wrote |= is_write(&step);
        Ok(Turn { sequence: sequence + 1, step })
    }

    async fn must_finish(&mut self, exchange: &u32) -> Result<bool, Trap> {
        self.notes.send(Note::MustFinish).ok();
        Ok(self.exchanges.get(exchange).expect("a question without open").wrote)
    }

    async fn close(&mut self, exchange: u32, end: End, _now: Now) -> Result<Decision, Trap> {
        self.notes.send(Note::Closed(end)).ok();
        let scene = self.exchanges.remove(&exchange).expect("closed twice");
        Ok(decision(&scene.head, end))
    }
}

fn is_write(step: &Step) -> bool {
    matches!(step, Step::Call(call) if call.method == "PATCH")
}

/// The target that an instance is stuck with until [`Stage::let_go`].
pub(crate) const STUCK: &[u8] = b"/stuck";

/// The path whose decision the sink of a test cannot bear.
pub(crate) const UNBEARABLE: &str = "/unbearable";

/// The sink of a test: it tells all it hears.
struct Ear {
    notes: UnboundedSender<Note>,
    timings: UnboundedSender<Timings>,
}

impl DecisionSink for Ear {
    fn decided(&self, decision: Decision, timings: &Timings) {
        self.timings.send(*timings).ok();
        self.notes.send(Note::Decided(decision.path.clone())).ok();
        assert_ne!(decision.path, UNBEARABLE, "a sink that panics, on purpose");
    }

    fn fault(&self, fault: &Fault) {
        self.notes.send(Note::Fault(format!("{fault:?}"))).ok();
    }
}

/// A gateway that listens on a port of its own and plays a script.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) readiness: Readiness,
    notes: UnboundedReceiver<Note>,
    timings: UnboundedReceiver<Timings>,
    barren: Arc<AtomicBool>,
    let_go: Arc<Notify>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<usize>,
}

impl Stage {
    /// One instance, which plays `play`, in front of `upstream`. A connection that was kept is never too old: on a
    /// busy machine a moment may be long.
    pub(crate) async fn open(upstream: SocketAddr, play: impl Steps) -> Self {
        let long = Duration::from_mins(1);
        let limits = Limits { upstream_idle: long, upstream_recent: long, ..Limits::default() };
        Self::with(upstream, limits, play).await
    }

    pub(crate) async fn with(upstream: SocketAddr, limits: Limits, play: impl Steps) -> Self {
        Self::trapping(upstream, limits, move |head: &Head, events: &[Event]| {
            Ok(play(head, events))
        })
        .await
    }

    /// One instance, in which `play` may trap.
    pub(crate) async fn trapping(upstream: SocketAddr, limits: Limits, play: impl Play) -> Self {
        let upstream = format!("http://{upstream}").parse().expect("an upstream");
        Self::of(NonZeroUsize::MIN, upstream, limits, play).await
    }

    /// `instances` instances in front of an upstream of any kind.
    pub(crate) async fn of(
        instances: NonZeroUsize,
        upstream: Address,
        limits: Limits,
        play: impl Play,
    ) -> Self {
        Self::begin(instances, upstream, limits, None, play).await
    }

    /// One instance, which plays `play` and speaks TLS with its clients. It has no upstream.
    pub(crate) async fn over_tls(tls: Arc<ClientTls>, limits: Limits, play: impl Steps) -> Self {
        let upstream = format!("http://{}", nobody().await).parse().expect("an upstream");
        let play = move |head: &Head, events: &[Event]| Ok(play(head, events));
        Self::begin(NonZeroUsize::MIN, upstream, limits, Some(tls), play).await
    }

    async fn begin(
        instances: NonZeroUsize,
        upstream: Address,
        limits: Limits,
        tls: Option<Arc<ClientTls>>,
        play: impl Play,
    ) -> Self {
        let (sender, notes) = unbounded_channel();
        let (told, timings) = unbounded_channel();
        let ear = Ear { notes: sender.clone(), timings: told };
        let play: Arc<dyn Play> = Arc::new(play);
        let barren = Arc::new(AtomicBool::new(false));
        let bears_none = Arc::clone(&barren);
        let let_go = Arc::new(Notify::new());
        let is_let_go = Arc::clone(&let_go);
        let make = move || -> Result<Script, StartError> {
            if bears_none.load(Ordering::Acquire) {
                return Err(StartError::Host("none, on purpose".to_owned()));
            }
            sender.send(Note::Made).ok();
            Ok(Script {
                play: Arc::clone(&play),
                notes: sender.clone(),
                let_go: Arc::clone(&is_let_go),
                exchanges: HashMap::new(),
                opened: 0,
            })
        };
        let gateway =
            Gateway::with_evaluators(make, instances, upstream, limits, ear).expect("a gateway");
        let readiness = gateway.readiness();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            stopped.await.ok();
        };
        let server = match tls {
            Some(tls) => tokio::spawn(gateway.serve_tls(listener, tls, shutdown)),
            None => tokio::spawn(gateway.serve(listener, shutdown)),
        };
        let mut stage = Self { address, readiness, notes, timings, barren, let_go, stop, server };
        for _ in 0..instances.get() {
            assert_eq!(stage.note().await, Note::Made);
        }
        stage
    }

    /// Has one request answered, whatever its step, and gives the connection to the upstream that it was sent on:
    /// it is kept, and idle.
    pub(crate) async fn warm(&mut self, upstream: &Upstream) -> Peer {
        let kept = self.answered(upstream).await;
        self.idle(1).await;
        kept
    }

    /// Has one request answered, likewise.
    pub(crate) async fn answered(&mut self, upstream: &Upstream) -> Peer {
        let answering = async {
            let mut kept = upstream.accept().await;
            kept.request().await.expect("a request");
            kept.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            kept
        };
        let (_answer, kept) = tokio::join!(say(self.address, last("POST", "/warm")), answering);
        while self.note().await != Note::Decided("/warm".to_owned()) {}
        kept
    }

    /// Waits until so many connections to the upstream are idle.
    pub(crate) async fn idle(&self, expected: usize) {
        self.connected("idle", |kind| kind.idle, expected).await;
    }

    /// Waits until so many connections to the upstream have a request on them.
    pub(crate) async fn in_use(&self, expected: usize) {
        self.connected("in use", |kind| kind.in_use, expected).await;
    }

    async fn connected(&self, state: &str, of: fn(&UpstreamConnections) -> usize, expected: usize) {
        let settled = async {
            while self.readiness.upstream_connections().iter().map(of).sum::<usize>() != expected {
                tokio::task::yield_now().await;
            }
        };
        soon(&format!("{expected} connections {state}"), settled).await;
    }

    /// How many connections to the upstream ended for this reason.
    pub(crate) fn dropped(&self, why: Dropped) -> u64 {
        let kinds = self.readiness.upstream_connections();
        let all = kinds.iter().flat_map(|kind| &kind.dropped);
        all.filter(|(found, _)| *found == why).map(|(_, count)| count).sum()
    }

    /// What has happened already, if anything.
    pub(crate) fn heard(&mut self) -> Option<Note> {
        self.notes.try_recv().ok()
    }

    /// The next thing that happens.
    pub(crate) async fn note(&mut self) -> Note {
        soon("a note", self.notes.recv()).await.expect("the gateway is gone")
    }

    /// How long the next exchange that is recorded took.
    pub(crate) async fn timings(&mut self) -> Timings {
        soon("timings", self.timings.recv()).await.expect("the gateway is gone")
    }

    /// From now on no instance can be made, or can again.
    pub(crate) fn bears_none(&self, none: bool) {
        self.barren.store(none, Ordering::Release);
    }

    /// The next thing that happens must be `expected`.
    pub(crate) async fn hears(&mut self, expected: Note) {
        assert_eq!(self.note().await, expected);
    }

    /// A request was lost and its instance replaced, in whichever order. The record is the host's: it has
    /// no path, which was the policy's to show.
    pub(crate) async fn loses_and_replaces(&mut self) {
        let lost = Note::Fault("ExchangeLost".to_owned());
        let notes = [self.note().await, self.note().await, self.note().await];
        for expected in [lost, Note::Made, Note::Decided(String::new())] {
            assert!(notes.contains(&expected), "{expected:?} is not in {notes:?}");
        }
    }

    /// Lets an instance go on that is stuck.
    pub(crate) fn let_go(&self) {
        self.let_go.notify_one();
    }

    /// The next thing that happens must be a request.
    pub(crate) async fn head(&mut self) -> Head {
        let note = self.note().await;
        let Note::Opened(head) = note else { panic!("expected a head, found {note:?}") };
        head
    }

    /// The next thing that happens must be an event.
    pub(crate) async fn event(&mut self) -> Event {
        let note = self.note().await;
        let Note::Event(event) = note else { panic!("expected an event, found {note:?}") };
        event
    }

    /// The exchange ends, and its record is written.
    pub(crate) async fn ends(&mut self, end: End, path: &str) {
        self.hears(Note::Closed(end)).await;
        self.hears(Note::Decided(path.to_owned())).await;
    }

    /// Stops accepting.
    pub(crate) fn stop(self) -> Stopping {
        self.stop.send(()).expect("already stopped");
        Stopping { notes: self.notes, server: self.server }
    }
}

/// A gateway that was asked to stop.
pub(crate) struct Stopping {
    notes: UnboundedReceiver<Note>,
    server: JoinHandle<usize>,
}

impl Stopping {
    /// Waits for the server's end and gives everything that was not read yet.
    pub(crate) async fn rest(self) -> Vec<Note> {
        self.end().await.0
    }

    /// The same, and how many exchanges the server says that it broke off.
    pub(crate) async fn end(mut self) -> (Vec<Note>, usize) {
        let broken_off =
            soon("the end of the server", self.server).await.expect("the server panicked");
        let mut rest = Vec::new();
        while let Ok(note) = self.notes.try_recv() {
            rest.push(note);
        }
        (rest, broken_off)
    }
}

/// `respond` with `status`, a header that proves it is ours, and the status as text.
pub(crate) fn reply(status: u16) -> Step {
    let headers = vec![line("x-script", "reply")];
    Step::Respond(Reply { status, headers, body: format!("said {status}").into_bytes() })
}

/// `relay` without edits.
pub(crate) fn relay() -> Step {
    Step::Relay(no_edits())
}

/// A message that goes on as it is.
pub(crate) fn no_edits() -> HeaderEdits {
    HeaderEdits { remove: vec![], append: vec![] }
}

/// `pass` within ten seconds.
pub(crate) fn pass() -> Step {
    Step::Pass(Pass { edits: no_edits(), timeout_ms: 10_000 })
}

/// Forward, then relay what came or reply 502.
pub(crate) fn forward_then_relay(_: &Head, events: &[Event]) -> Step {
    relay_after(forward(10_000), events)
}

/// Pass, then relay what came or reply 502.
pub(crate) fn pass_then_relay(_: &Head, events: &[Event]) -> Step {
    relay_after(pass(), events)
}

fn relay_after(first: Step, events: &[Event]) -> Step {
    match events.last() {
        None => first,
        Some(Event::Forwarded(Ok(_))) => relay(),
        Some(_) => reply(502),
    }
}

/// Read up to 1000 bytes of body, then reply.
pub(crate) fn read_then_reply(_: &Head, events: &[Event]) -> Step {
    let step = ReadBody { max_bytes: 1000, timeout_ms: 10_000 };
    if events.is_empty() { Step::ReadBody(step) } else { reply(200) }
}

/// `forward` of a link request within `timeout_ms`.
pub(crate) fn forward(timeout_ms: u32) -> Step {
    Step::Forward(Forward {
        method: "POST".to_owned(),
        path: "/api/v2/users/auth0%7C1/identities".to_owned(),
        headers: vec![
            line("authorization", "Bearer mine"),
            line("content-type", "application/json"),
            line("x-twice", "1"),
            line("x-twice", "2"),
        ],
        body: Some(br#"{"link_with":"theirs"}"#.to_vec()),
        timeout_ms,
    })
}

/// `call` of a read, or of a write when there is a body.
pub(crate) fn call(body: Option<&str>, timeout_ms: u32) -> Step {
    Step::Call(Call {
        method: if body.is_some() { "PATCH" } else { "GET" }.to_owned(),
        path: "/api/v2/users/auth0%7C1?fields=user_id".to_owned(),
        headers: vec![line("authorization", "Bearer ours"), line("accept", "application/json")],
        body: body.map(|body| body.as_bytes().to_vec()),
        timeout_ms,
        max_answer_bytes: 10,
    })
}

/// `acquire` of two accounts.
pub(crate) fn acquire(one: &str, other: &str, timeout_ms: u32) -> Step {
    Step::Acquire(Acquire { accounts: (one.to_owned(), other.to_owned()), timeout_ms })
}

pub(crate) fn line(name: &str, value: &str) -> Header {
    Header { name: name.to_owned(), value: value.as_bytes().to_vec() }
}

pub(crate) fn decision(head: &Head, end: End) -> Decision {
    Decision {
        outcome: Outcome::Allowed,
        cause: "scripted".to_owned(),
        detail: None,
        reason: "scripted".to_owned(),
        route: "none".to_owned(),
        method: head.method.clone(),
        path: String::from_utf8_lossy(&head.target).into_owned(),
        status: None,
        upstream_called: false,
        upstream_status: None,
        subject: None,
        secondary: None,
        issuer: None,
        client: None,
        actor: None,
        secondary_actor: None,
        client_address: None,
        request_id: None,
        traceparent: None,
        unverified: None,
        verification: None,
        metadata: None,
        shadow: None,
        missed: Vec::new(),
        claims: None,
        warnings: Vec::new(),
        hold_ms: if head.target.starts_with(b"/linger") { 10_000 } else { 0 },
        evicted: 0,
        end,
        elapsed_ms: 0,
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stage({})", self.address)
    }
}
