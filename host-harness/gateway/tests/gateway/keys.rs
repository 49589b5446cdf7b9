//! Fetches for all instances: each once, its outcome to all, and what an instance that comes later gets.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use std::sync::atomic::{AtomicUsize, Ordering};

use linkgate_gateway::{
    Answer, Decision, DecisionSink, End, Evaluator, Event, Fetch, Gateway, Head, KeySource, Keys,
    Limits, Now, StartError, Step, Timings, Trap, Turn,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::script::{decision, reply};
use crate::wire::{Upstream, last, nobody, say, soon};

/// An instance that wants one thing fetched until it has it, and has requests wait for it. A request for
/// `/trap` is the end of it.
struct Keyed {
    number: usize,
    url: String,
    notes: UnboundedSender<String>,
    asked: bool,
    has: bool,
}

impl Keyed {
    fn note(&self, what: &str) {
        self.notes.send(format!("{} {what}", self.number)).ok();
    }
}

impl Keys for Keyed {
    fn warm(&mut self) -> Result<(), Trap> {
        self.note("warm");
        Ok(())
    }

    fn due(&mut self, _now: Now) -> Result<Option<Fetch>, Trap> {
        let wanted = !self.has && !std::mem::replace(&mut self.asked, true);
        Ok(wanted.then(|| Fetch {
            source: "the keys".to_owned(),
            method: "GET".to_owned(),
            url: self.url.clone(),
            headers: vec![],
            body: None,
            timeout_ms: 20_000,
            max_answer_bytes: 100,
        }))
    }

    fn fetched(
        &mut self,
        source: &str,
        outcome: &Result<Answer, String>,
        _asked: u64,
        _now: Now,
    ) -> Result<Vec<String>, Trap> {
        self.has = true;
        let outcome = outcome.as_ref().map(|answer| answer.status);
        self.note(&format!("fetched {source}: {outcome:?}"));
        Ok(vec![format!("notice of {}", self.number)])
    }

    fn key_sources(&mut self, _now: Now) -> Result<Vec<KeySource>, Trap> {
        Ok(Vec::new())
    }

    fn kept_keys(&mut self) -> Result<String, Trap> {
        Ok(format!("kept by {}", self.number))
    }

    fn restore_keys(&mut self, kept: &str, _now: Now) -> Result<(), Trap> {
        self.has |= !kept.is_empty();
        self.note(&format!("restores `{kept}`"));
        Ok(())
    }
}

impl Evaluator for Keyed {
    type Exchange = Head;

    fn wanted_headers(&self) -> Vec<String> {
        Vec::new()
    }

    async fn open(&mut self, head: Head, now: Now) -> Result<(Head, Turn), Trap> {
        if head.target == b"/trap" {
            return Err(Trap::new("on purpose"));
        }
        let wait = Step::Wait(now.mono_ms + 20_000);
        let step = if self.has { reply(200) } else { wait };
        Ok((head, Turn { sequence: 0, step }))
    }

    async fn resume(&mut self, _: &Head, _: u32, event: Event, _: Now) -> Result<Turn, Trap> {
        assert_eq!(event, Event::Woken);
        Ok(Turn { sequence: 1, step: reply(if self.has { 200 } else { 503 }) })
    }

    async fn must_finish(&mut self, _: &Self::Exchange) -> Result<bool, Trap> {
        Ok(false)
    }

    async fn close(&mut self, head: Head, end: End, _now: Now) -> Result<Decision, Trap> {
        Ok(decision(&head, end))
    }
}

/// Hears what is logged of keys, and of fetches.
struct Ear(UnboundedSender<String>);

impl DecisionSink for Ear {
    fn decided(&self, _: Decision, _: &Timings) {}

    fn notice(&self, notice: &str) {
        self.0.send(notice.to_owned()).ok();
    }

    fn fetched(&self, outcome: Result<u16, &str>) {
        self.0.send(format!("over: {outcome:?}")).ok();
    }
}

/// A gateway of `instances` that fetch from `endpoint`, and all that they note.
async fn serve(instances: usize, endpoint: SocketAddr) -> (SocketAddr, UnboundedReceiver<String>) {
    let (notes, heard) = unbounded_channel();
    let (count, told) = (AtomicUsize::new(0), notes.clone());
    let make = move || -> Result<Keyed, StartError> {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let url = format!("http://{endpoint}/keys");
        Ok(Keyed { number, url, notes: notes.clone(), asked: false, has: false })
    };
    let instances = NonZeroUsize::new(instances).expect("an instance");
    let upstream = format!("http://{}", nobody().await).parse().expect("an upstream");
    let gateway = Gateway::with_evaluators(make, instances, upstream, Limits::default(), Ear(told))
        .expect("a gateway");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(gateway.serve(listener, std::future::pending()));
    (address, heard)
}

/// The notes up to and including one.
async fn until(heard: &mut UnboundedReceiver<String>, last: &str) -> Vec<String> {
    let mut notes = Vec::new();
    while notes.last().is_none_or(|note| note != last) {
        notes.push(soon(last, heard.recv()).await.expect("the gateway is gone"));
    }
    notes
}

const KEYS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_want_the_same_cost_one_fetch_and_all_hear_of_it() {
    let endpoint = Upstream::bind().await;
    let (address, mut heard) = serve(3, endpoint.address).await;
    let mut peer = endpoint.accept().await;
    peer.head().await;
    let waiting: Vec<_> = (0..6).map(|_| tokio::spawn(say(address, last("GET", "/a")))).collect();
    peer.send(KEYS).await;
    for answer in waiting {
        let answer = answer.await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "woken when the keys are there: {answer}");
    }
    assert!(endpoint.is_left_alone(), "one fetch for three instances");
    let mut fetched = Vec::new();
    let mut notices = Vec::new();
    while fetched.len() < 3 || notices.is_empty() {
        let note = soon("a note", heard.recv()).await.expect("the gateway is gone");
        if note.contains(" fetched ") {
            fetched.push(note);
        } else if note.starts_with("notice ") {
            notices.push(note);
        }
    }
    fetched.sort();
    let all = [0, 1, 2].map(|number| format!("{number} fetched the keys: Ok(200)"));
    assert_eq!(fetched, all);
    assert_eq!(notices, ["notice of 0"], "one instance speaks for all");
    assert!(heard.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_replaces_another_is_told_before_it_asks() {
    let endpoint = Upstream::bind().await;
    let (address, mut heard) = serve(1, endpoint.address).await;
    let mut peer = endpoint.accept().await;
    peer.head().await;
    peer.send(KEYS).await;
    until(&mut heard, "notice of 0").await;
    let answer = say(address, last("GET", "/trap")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = say(address, last("GET", "/a")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let notes = until(&mut heard, "1 warm").await;
    assert_eq!(notes, ["1 restores `kept by 0`", "1 warm"]);
    assert!(endpoint.is_left_alone(), "no fetch for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_wakes_who_waits_and_says_why() {
    let (address, mut heard) = serve(2, nobody().await).await;
    let answer = say(address, last("GET", "/a")).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 "),
        "it had the keys, and had no need to wait: {answer}"
    );
    let notes = until(&mut heard, "notice of 0").await;
    let said = notes.iter().find(|note| note.starts_with("over: ")).expect("the end of a fetch");
    assert!(said.starts_with("over: Err(\"expected a connection, found none: "), "{said}");
}
