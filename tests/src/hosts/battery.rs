//! Runs the cases of a suite on a host.

use std::collections::BTreeMap;
use std::fmt;

use linkgate_cases::{
    Case, Departed, ExpectedCall, ExpectedSent, HostForm, NamedCase, Observed, Origin, Request,
    Scene, Sent, Suite, Trouble, compare,
};
use linkgate_policy::{Failure, LogLine, Outcome};
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
    /// Requests whose signatures were verified, by who did it: `host`, `component` or `both`.
    pub verified: BTreeMap<String, usize>,
    /// The stories of the cases that failed.
    pub failures: Vec<String>,
}

/// Who verifies signatures, where the policy of a case does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// The host if it can: the default.
    HostIfAble,
    /// The component.
    Component,
}

/// Runs the cases whose name holds `filter`, config by config.
///
/// # Errors
/// The host does not start, or loopback cannot be listened on.
pub fn run(
    suite: &Suite,
    host: &dyn Host,
    verifier: Verifier,
    filter: &str,
) -> Result<Table, Trouble> {
    let mut table = Table {
        edition: host.edition(),
        host: host.name(),
        run: 0,
        exceptions: Vec::new(),
        verified: BTreeMap::new(),
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
        let first = cases.first().copied();
        let mut stage = match Stage::set(suite, host, verifier, &peers, first, refused) {
            Ok(stage) => Ok(stage),
            Err(why) if cases.iter().all(|named| refused_policy(host, named).is_some()) => Err(why),
            Err(why) => return Err(why.at(policy).at(host.name())),
        };
        for named in cases {
            table.run += 1;
            if exception(host, &named.case).is_some() {
                table.exceptions.push(named.name.clone());
            }
            let story = match &mut stage {
                Ok(stage) => stage.play(suite, named),
                Err(why) => unsaid(host, named, &why.to_string()),
            };
            if let Some(story) = story {
                let file = named.file.display();
                table.failures.push(format!("{file} on {}: {story}", host.name()));
            }
        }
        for by in stage.into_iter().flat_map(|stage| stage.verified) {
            *table.verified.entry(by).or_default() += 1;
        }
    }
    Ok(table)
}

/// What the host says of the policy of a case that it does not take.
fn refused_policy<'c>(host: &dyn Host, named: &'c NamedCase) -> Option<&'c str> {
    exception(host, &named.case)?.refuses_policy.as_deref()
}

/// What is different on a host: by its own name, or by that of the edition that it runs.
fn exception<'c>(host: &dyn Host, case: &'c Case) -> Option<&'c HostForm> {
    case.hosts.get(host.name()).or_else(|| case.hosts.get(host.edition()))
}

/// What is wrong with how the host refused a policy, if anything is.
fn unsaid(host: &dyn Host, named: &NamedCase, said: &str) -> Option<String> {
    let phrase = refused_policy(host, named).unwrap_or_default();
    let is_said = said.contains(phrase);
    (!is_said).then(|| format!("expected it to refuse the policy with `{phrase}`, found: {said}"))
}

/// Cases with the same are run one after another on one host: whether the upstream refuses, the policy,
/// and the name of a case that has keys fetched, which is alone with them.
type Start<'s> = (bool, &'s str, Option<&'s str>);

/// The document, with its `verification` if it has none.
fn verified(document: String, by: Verifier) -> Result<String, Trouble> {
    if by == Verifier::HostIfAble {
        return Ok(document);
    }
    let mut whole: Value =
        serde_json::from_str(&document).map_err(|error| Trouble::new(error.to_string()))?;
    if let Some(members) = whole.as_object_mut() {
        members.entry("verification").or_insert_with(|| "component".into());
    }
    Ok(whole.to_string())
}

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
    host: &'p dyn Host,
    frames_no_body: bool,
    adds: &'static [&'static str],
    running: Box<dyn Running>,
    recorder: &'p Recorder,
    keys: Option<KeyEndpoint>,
    /// Who verified the signatures of each request that had any.
    verified: Vec<String>,
}

impl<'p> Stage<'p> {
    fn set(
        suite: &Suite,
        host: &'p dyn Host,
        verifier: Verifier,
        peers: &'p Peers,
        case: Option<&NamedCase>,
        refused: bool,
    ) -> Result<Self, Trouble> {
        let case = case.ok_or_else(|| Trouble::new("no case"))?;
        let keys = KeyEndpoint::of(suite, &case.case)?;
        let place = keys.as_ref().map(|keys| keys.address);
        let scene = Scene::prepare_at(suite, &case.case, now_s()?, place)?;
        let policy =
            Policy { document: verified(scene.document, verifier)?, secrets: scene.secrets };
        let upstream = if refused { peers.refusing.address } else { peers.recorder.address };
        let running = host.start(&policy, upstream)?;
        Ok(Self {
            host,
            frames_no_body: host.frames_no_body(),
            adds: host.adds(),
            running,
            recorder: &peers.recorder,
            keys,
            verified: Vec::new(),
        })
    }

    /// Runs a case. Says why it failed, if it did.
    fn play(&mut self, suite: &Suite, named: &NamedCase) -> Option<String> {
        let mut case = named.case.clone();
        let exception = exception(self.host, &named.case).cloned();
        if let Some(expect) = exception.as_ref().and_then(|exception| exception.expect.clone()) {
            case.expect = expect;
        }
        let notices = self.tell(suite, &case, exception.as_ref());
        notices.err().map(|trouble| {
            let output = self.running.output();
            let tail: Vec<&str> = output.lines().rev().take(OUTPUT_LINES).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            format!("{}\n{trouble}\n  the host's last lines:\n{}", case.title, tail.join("\n"))
        })
    }

    /// Runs a case at the edge of a second again when the second ended meanwhile.
    fn tell(
        &mut self,
        suite: &Suite,
        case: &Case,
        exception: Option<&HostForm>,
    ) -> Result<(), Trouble> {
        let mut notices = Ok(());
        for _ in 0..2 {
            let began_s = now_s()?;
            let keys = self.keys.as_ref().map(|keys| keys.address);
            let scene = Scene::prepare_at(suite, case, began_s, keys)?;
            notices = match exception {
                Some(HostForm { status: Some(status), .. }) => self.refused(&scene, *status),
                Some(HostForm { hangs_up: true, .. }) => self.hung_up(&scene),
                Some(HostForm { refuses_policy: Some(phrase), .. }) => Err(Trouble::new(format!(
                    "expected the policy refused with `{phrase}`, found it taken"
                ))),
                Some(_) | None => self.decided(scene),
            };
            if notices.is_ok() || began_s == now_s()? {
                return notices;
            }
        }
        notices
    }

    /// The host answers by itself, and nothing is sent.
    fn refused(&mut self, scene: &Scene, status: u16) -> Result<(), Trouble> {
        self.recorder.expect(Vec::new());
        let reply = client::exchange(self.running.address(), &scene.request).map_err(no_reply)?;
        let sent = self.recorder.recorded().len();
        if reply.status == status && sent == 0 {
            return Ok(());
        }
        Err(Trouble::new(format!(
            "expected the host's own {status} and nothing sent, found {} and {sent} sent",
            reply.status
        )))
    }

    /// The host may hang up on the client before it has its reply, whatever was decided. The record tells
    /// what was, or that it came to no decision.
    fn hung_up(&mut self, scene: &Scene) -> Result<(), Trouble> {
        self.recorder.expect(Vec::new());
        let reply = client::exchange(self.running.address(), &scene.request);
        let record = self.running.record().ok_or_else(|| Trouble::new("no decision record"))?;
        let sent = self.recorder.recorded().len();
        let is_decided =
            [scene.expected.cause.as_str(), UNFINISHED].contains(&record.cause.as_str());
        let is_told = reply.as_ref().is_ok_and(|reply| Some(reply.status) == record.status);
        if is_decided && sent == 0 && (reply.is_err() || is_told) {
            return Ok(());
        }
        let status = reply.map_or("no reply".to_owned(), |reply| reply.status.to_string());
        Err(Trouble::new(format!(
            "expected `{}`, its reply or none, and nothing sent, found `{}`, {status} and {sent} sent",
            scene.expected.cause, record.cause
        )))
    }

    /// The gate decides.
    fn decided(&mut self, mut scene: Scene) -> Result<(), Trouble> {
        self.recorder.expect(scene.answers().map(|answer| answer.clone().ok()).collect());
        let reply = client::exchange(self.running.address(), &scene.request).map_err(no_reply)?;
        let record = self.running.record().ok_or_else(|| {
            Trouble::new(format!("no decision record; the reply was {}", reply.status))
        })?;
        let sent = self.recorder.recorded();
        let mut sent: Vec<Departed> =
            sent.iter().map(|message| departed(message, &scene, self.adds)).collect();
        if self.frames_no_body {
            sent.iter_mut().for_each(without_empty_body);
        }
        if (not_reached(&scene) || scene.request.body_breaks_off) && sent.is_empty() {
            // It was to send, and there was no upstream, or no whole body to send: nothing to compare with.
            sent.extend(in_vain(&scene, &record, self.adds));
        }
        if let Ok(answer) = &mut scene.upstream {
            answer.headers = comparable(&answer.headers, &[]);
        }
        if let ExpectedSent::Request(expected) = &mut scene.expected.upstream {
            expected.headers = comparable(&expected.headers, self.adds);
            if self.frames_no_body {
                unframed(expected);
            }
        }
        for call in &mut scene.expected.calls {
            let ExpectedCall::Call(expected) = call else { continue };
            expected.headers = comparable(&expected.headers, self.adds);
            if self.frames_no_body {
                unframed(expected);
            }
        }
        self.verified.extend(record.verification.clone());
        let origin = origin(&record);
        let notices = self.running.notices(&scene.expected.notices);
        let observed = Observed { reply: Some(reply), origin, sent, record, notices };
        // RFC 9110 section 9.3.2: over a socket an answer to HEAD has no body to look into.
        let is_bodiless = scene.request.method == "HEAD";
        let of_body =
            |what: &str| what.starts_with("reply.body") || what.starts_with("invariant: `");
        let differences: Vec<String> = compare(&scene, &observed)
            .iter()
            .filter(|difference| !(is_bodiless && of_body(&difference.what)))
            .map(ToString::to_string)
            .collect();
        if differences.is_empty() { Ok(()) } else { Err(Trouble::new(differences.join("\n"))) }
    }
}

/// The cause of an exchange whose client left before it was decided.
const UNFINISHED: &str = "unfinished";

/// Lines of a host's output that are shown with a failure.
const OUTPUT_LINES: usize = 8;

fn no_reply(error: std::io::Error) -> Trouble {
    Trouble::new(format!("no reply: {error}"))
}

/// The gate may have an answer of its own in place of the upstream's: the link was found, or its outcome is unknown.
fn origin(record: &LogLine) -> Origin {
    let is_own = record.outcome == Outcome::Failed || record.cause == "link-found";
    if record.upstream_status.is_some() && !is_own { Origin::Upstream } else { Origin::Gate }
}

/// What the upstream got: the client's own request, when it is that to the byte.
fn departed(message: &Message, scene: &Scene, adds: &[&str]) -> Departed {
    let mut words = message.start.split(' ');
    let sent = Sent {
        method: words.next().unwrap_or_default().to_owned(),
        path: words.next().unwrap_or_default().to_owned(),
        headers: comparable(&message.headers, adds),
        body: message.body.clone(),
    };
    if is_own(&sent, &scene.request, adds) && scene.expected.upstream == ExpectedSent::Untouched {
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

fn is_own(sent: &Sent, request: &Request, adds: &[&str]) -> bool {
    sent.method == request.method
        && sent.path.as_bytes() == request.target
        && sent.headers == comparable(&request.headers, &[adds, &OF_THE_OFFER].concat())
        && sent.body.as_deref().unwrap_or_default() == request.body
}

/// An offer of another protocol goes no further than the gate, on whatever host.
const OF_THE_OFFER: [&str; 2] = ["upgrade", "http2-settings"];

/// What was to be sent, when no server was there to get it.
fn in_vain(scene: &Scene, record: &LogLine, adds: &[&str]) -> Option<Departed> {
    let on_the_wire =
        |sent: &Sent| Sent { headers: comparable(&sent.headers, adds), ..sent.clone() };
    let calls = record.metadata.as_ref().map(|metadata| metadata.calls);
    match (&scene.expected.upstream, scene.expected.calls.first()) {
        (_, Some(ExpectedCall::Call(sent))) if calls == Some(1) => {
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
        let Self { edition, host, run, exceptions, verified, failures } = self;
        let (failed, excepted) = (failures.len(), exceptions.len());
        writeln!(
            f,
            "{edition:<10} {host:<16} {run:>6} {:>7} {failed:>7} {excepted:>11}",
            run - failed
        )?;
        for name in exceptions {
            writeln!(f, "  exception: {name}")?;
        }
        for (by, requests) in verified {
            writeln!(f, "  verified by {by}: {requests}")?;
        }
        Ok(())
    }
}
