//! Runs the cases of a suite on a host.

use std::collections::BTreeMap;
use std::fmt;

use linkgate::cases::{
    Case, Departed, ExpectedCall, ExpectedSent, NamedCase, Observed, Origin, Record, Request,
    Scene, Sent, Suite, Trouble, compare,
};
use linkgate_policy::{Failure, trace_id};
use serde_json::Value;

use super::key_endpoint::{KeyEndpoint, now_s};
use super::message::{Message, comparable};
use super::recorder::{Recorder, Refusing};
use super::{Host, Policy, Running, client};

/// What came of a suite on one host: a row, and the stories of what failed.
pub struct Table {
    edition: &'static str,
    host: &'static str,
    run: usize,
    /// Cases that say what the host makes of them.
    exceptions: Vec<String>,
    /// The stories of the cases that do not hold.
    pub failures: Vec<String>,
}

/// Runs the cases whose name holds `filter`, config by config.
///
/// # Errors
/// The host does not start, or loopback cannot be listened on.
pub fn run(suite: &Suite, host: &dyn Host, filter: &str) -> Result<Table, Trouble> {
    let mut table = Table {
        edition: host.edition(),
        host: host.name(),
        run: 0,
        exceptions: Vec::new(),
        failures: Vec::new(),
    };
    let mut by_start: BTreeMap<Start<'_>, Vec<&NamedCase>> = BTreeMap::new();
    for named in suite.cases.iter().filter(|named| named.name.contains(filter)) {
        let refused = Scene::prepare(suite, &named.case).is_ok_and(|scene| not_reached(&scene));
        let fetches = !named.case.keys.is_empty();
        let alone = fetches.then_some(named.name.as_str());
        by_start.entry((refused, &named.case.policy, alone)).or_default().push(named);
    }
    let peers = Peers::find()?;
    for ((refused, policy, _), cases) in by_start {
        let mut stage = Stage::set(suite, host, &peers, cases.first().copied(), refused)
            .map_err(|trouble| trouble.at(policy).at(host.name()))?;
        for named in cases {
            table.run += 1;
            if named.case.hosts.contains_key(host.name()) {
                table.exceptions.push(named.name.clone());
            }
            if let Some(story) = stage.play(suite, named) {
                table.failures.push(format!(
                    "{} on {}: {story}",
                    named.file.display(),
                    host.name()
                ));
            }
        }
    }
    Ok(table)
}

/// Cases with the same are run one after another on one host: whether the upstream refuses, the policy,
/// and the name of a case that has keys fetched, which is alone with them.
type Start<'s> = (bool, &'s str, Option<&'s str>);

/// Whether the upstream refuses the first request, and so any.
fn not_reached(scene: &Scene) -> bool {
    matches!(scene.answers().next(), Some(Err(Failure::NotSent)))
}

/// The upstreams there are. Each is there for all policies: a host may be built for an upstream once.
struct Peers {
    recorder: Recorder,
    refusing: Refusing,
}

impl Peers {
    fn find() -> Result<Self, Trouble> {
        let io = |error: std::io::Error| Trouble::new(error.to_string());
        let recorder = Recorder::start().map_err(io)?;
        Ok(Self { recorder, refusing: Refusing::bind().map_err(io)? })
    }
}

/// A host that runs, between a client and an upstream.
struct Stage<'p> {
    host: &'static str,
    frames_no_body: bool,
    running: Box<dyn Running>,
    recorder: &'p Recorder,
    keys: Option<KeyEndpoint>,
}

impl<'p> Stage<'p> {
    fn set(
        suite: &Suite,
        host: &dyn Host,
        peers: &'p Peers,
        case: Option<&NamedCase>,
        refused: bool,
    ) -> Result<Self, Trouble> {
        let case = case.ok_or_else(|| Trouble::new("no case"))?;
        let keys = KeyEndpoint::of(suite, &case.case)?;
        let place = keys.as_ref().map(|keys| keys.address);
        let scene = Scene::prepare_at(suite, &case.case, now_s()?, place)?;
        let policy = Policy { document: scene.document, secrets: scene.secrets };
        let upstream = if refused { peers.refusing.address } else { peers.recorder.address };
        let running = host.start(&policy, upstream)?;
        let frames_no_body = host.frames_no_body();
        Ok(Self { host: host.name(), frames_no_body, running, recorder: &peers.recorder, keys })
    }

    /// Runs a case. Says why it does not hold, if it does not.
    fn play(&mut self, suite: &Suite, named: &NamedCase) -> Option<String> {
        let mut case = named.case.clone();
        let exception = case.hosts.remove(self.host);
        let own_status = exception.as_ref().and_then(|exception| exception.status);
        if let Some(expect) = exception.and_then(|exception| exception.expect) {
            case.expect = expect;
        }
        let told = self.tell(suite, &case, own_status);
        told.err().map(|trouble| {
            let output = self.running.output();
            let tail: Vec<&str> = output.lines().rev().take(OUTPUT_LINES).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            format!("{}\n{trouble}\n  the host's last lines:\n{}", case.title, tail.join("\n"))
        })
    }

    /// Runs a case that stands at the edge of a second again when the second ended meanwhile.
    fn tell(&mut self, suite: &Suite, case: &Case, own_status: Option<u16>) -> Result<(), Trouble> {
        let mut told = Ok(());
        for _ in 0..2 {
            let began_s = now_s()?;
            let keys = self.keys.as_ref().map(|keys| keys.address);
            let scene = Scene::prepare_at(suite, case, began_s, keys)?;
            told = match own_status {
                Some(status) => self.refused(&scene, status),
                None => self.decided(scene),
            };
            if told.is_ok() || began_s == now_s()? {
                return told;
            }
        }
        told
    }

    /// The host answers by itself, and nothing is sent.
    fn refused(&mut self, scene: &Scene, status: u16) -> Result<(), Trouble> {
        self.recorder.expect(Vec::new());
        let reply = client::exchange(self.running.address(), &scene.request);
        if status == HANGS_UP {
            // The gate was asked, and its record is in the way of the next case's.
            let recorded = self.running.record().is_some();
            let sent = self.recorder.recorded().len();
            return match reply {
                Err(_) if recorded && sent == 0 => Ok(()),
                Ok(_) | Err(_) => Err(Trouble::new(format!(
                    "expected no reply, a record and nothing sent, found {} replies and {sent} sent",
                    u8::from(reply.is_ok())
                ))),
            };
        }
        let reply = reply.map_err(no_reply)?;
        let sent = self.recorder.recorded().len();
        if reply.status == status && sent == 0 {
            return Ok(());
        }
        Err(Trouble::new(format!(
            "expected the host's own {status} and nothing sent, found {} and {sent} sent",
            reply.status
        )))
    }

    /// The gate decides.
    fn decided(&mut self, mut scene: Scene) -> Result<(), Trouble> {
        self.recorder.expect(scene.answers().map(|answer| answer.clone().ok()).collect());
        let reply = client::exchange(self.running.address(), &scene.request).map_err(no_reply)?;
        let mut record = self.running.record().ok_or_else(|| {
            Trouble::new(format!("no decision record; the reply was {}", reply.status))
        })?;
        // A log tells of `traceparent` the trace id alone, so that is compared on every host.
        if let Some(told) = &mut record.traceparent {
            *told = trace_id(told).unwrap_or(told).to_owned();
        }
        if let Some(Value::String(told)) = scene.expected.decision.get_mut("traceparent") {
            *told = trace_id(told).unwrap_or(told).to_owned();
        }
        let sent = self.recorder.recorded();
        let mut sent: Vec<Departed> =
            sent.iter().map(|message| departed(message, &scene)).collect();
        if self.frames_no_body {
            sent.iter_mut().for_each(without_empty_body);
        }
        if not_reached(&scene) && sent.is_empty() {
            // It was told to send and found nobody to send to: nothing to compare with.
            sent.extend(in_vain(&scene, &record));
        }
        if let Ok(answer) = &mut scene.upstream {
            answer.headers = comparable(&answer.headers);
        }
        if let ExpectedSent::Request(expected) = &mut scene.expected.upstream {
            expected.headers = comparable(&expected.headers);
            if self.frames_no_body {
                unframed(expected);
            }
        }
        for call in &mut scene.expected.calls {
            let ExpectedCall::Call(expected) = call else { continue };
            expected.headers = comparable(&expected.headers);
            if self.frames_no_body {
                unframed(expected);
            }
        }
        let origin = origin(&record);
        let told = self.running.told(&scene.expected.told);
        let observed = Observed { reply: Some(reply), origin, sent, record, told };
        // RFC 9110 section 9.3.2: over a socket an answer to HEAD has no body to look into.
        let is_bodiless = scene.request.method == "HEAD";
        let of_body = |what: &str| what.starts_with("reply.body") || what.starts_with("law: `");
        let differences: Vec<String> = compare(&scene, &observed)
            .iter()
            .filter(|difference| !(is_bodiless && of_body(&difference.what)))
            .map(ToString::to_string)
            .collect();
        if differences.is_empty() { Ok(()) } else { Err(Trouble::new(differences.join("\n"))) }
    }
}

/// The `status` of a host that hangs up on such a client.
const HANGS_UP: u16 = 0;

/// Lines of a host's output that are shown with a failure.
const OUTPUT_LINES: usize = 8;

fn no_reply(error: std::io::Error) -> Trouble {
    Trouble::new(format!("no reply: {error}"))
}

/// The gate may have an answer of its own in place of the upstream's: the link was found, or nobody knows.
fn origin(record: &Record) -> Origin {
    let is_own = record.outcome == "failed" || record.cause == "link-found";
    if record.upstream_status.is_some() && !is_own { Origin::Upstream } else { Origin::Gate }
}

/// What the upstream got: the client's own request, when it is that to the byte.
fn departed(message: &Message, scene: &Scene) -> Departed {
    let mut words = message.start.split(' ');
    let sent = Sent {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        headers: comparable(&message.headers),
        // A host may say of what has no body that it is empty.
        body: message.body.clone().filter(|body| !body.is_empty()),
    };
    if is_own(&sent, &scene.request) && scene.expected.upstream == ExpectedSent::Untouched {
        return Departed::Untouched;
    }
    // A link is the one POST of a merging exchange.
    if scene.expected.calls.is_empty() || sent.method == "POST" {
        return Departed::Request(sent);
    }
    Departed::Call(sent)
}

fn without_empty_body(departed: &mut Departed) {
    match departed {
        Departed::Request(sent) | Departed::Call(sent) => unframed(sent),
        Departed::Untouched => {}
    }
}

fn unframed(sent: &mut Sent) {
    sent.body = sent.body.take().filter(|body| !body.is_empty());
}

fn is_own(sent: &Sent, request: &Request) -> bool {
    sent.method == request.method
        && sent.path.as_bytes() == request.target
        && sent.headers == comparable(&request.headers)
        && sent.body.as_deref().unwrap_or_default() == request.body
}

/// What was to be sent, when nobody was there to get it.
fn in_vain(scene: &Scene, record: &Record) -> Option<Departed> {
    let on_the_wire = |sent: &Sent| Sent { headers: comparable(&sent.headers), ..sent.clone() };
    let calls = record.metadata.as_ref().and_then(|metadata| metadata.get("calls"));
    match (&scene.expected.upstream, scene.expected.calls.first()) {
        (_, Some(ExpectedCall::Call(sent))) if calls == Some(&1.into()) => {
            Some(Departed::Call(on_the_wire(sent)))
        }
        (ExpectedSent::Untouched, _) if record.upstream_called => Some(Departed::Untouched),
        (ExpectedSent::Request(sent), _) if record.upstream_called => {
            Some(Departed::Request(on_the_wire(sent)))
        }
        (ExpectedSent::Nothing | ExpectedSent::Untouched | ExpectedSent::Request(_), _) => None,
    }
}

impl Table {
    /// The head of the table that these are rows of.
    #[must_use]
    pub fn head() -> String {
        format!(
            "{:<10} {:<16} {:>6} {:>7} {:>7} {:>11}",
            "edition", "host", "cases", "passed", "failed", "exceptions"
        )
    }
}

impl fmt::Display for Table {
    /// The stories of what failed, then this host's row, then the cases it is an exception in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for story in &self.failures {
            writeln!(f, "{story}\n")?;
        }
        let Self { edition, host, run, exceptions, failures } = self;
        let (failed, excepted) = (failures.len(), exceptions.len());
        writeln!(
            f,
            "{edition:<10} {host:<16} {run:>6} {:>7} {failed:>7} {excepted:>11}",
            run - failed
        )?;
        for name in exceptions {
            writeln!(f, "  exception: {name}")?;
        }
        Ok(())
    }
}
