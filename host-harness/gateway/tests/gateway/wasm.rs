//! Real components, written by hand: what the sandbox lets in, and what it survives.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::{Duration, Instant};

use linkgate_gateway::{
    ComponentSource, Decision, DecisionSink, End, Fault, Gateway, Limits, Outcome, Settings,
    StartError, Timings,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use crate::wire::{last, nobody, say, soon};

/// A guest of the contract. It says 204 to a method of three letters, and has a bug for others:
/// four letters trap, five loop, six take all memory. Its policy has a mistake when the document
/// is `bad`, and traps when it is empty.
const GUEST: &str = r#"
(module
  (import "[export]linkgate:policy/evaluator@0.2.0" "[resource-new]policy" (func $policy (param i32) (result i32)))
  (import "[export]linkgate:policy/evaluator@0.2.0" "[resource-new]exchange" (func $exchange (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (data (i32.const 2048) "/bad")
  (data (i32.const 2064) "found a mistake")
  (data (i32.const 2080) "mend it")

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  ;; result<own<policy>, list<mistake>> at 1024, the one mistake at 1040
  (func (export "linkgate:policy/evaluator@0.2.0#[static]policy.compile")
    (param $document i32) (param $length i32) (param i32 i32 i32 i32 i32 i32 i32 i64 i64 i64) (result i32)
    (if (i32.eqz (local.get $length)) (then unreachable))
    (if (i32.eq (local.get $length) (i32.const 3))
      (then
        (i32.store (i32.const 1024) (i32.const 1))
        (i32.store (i32.const 1028) (i32.const 1040))
        (i32.store (i32.const 1032) (i32.const 1))
        (i32.store (i32.const 1040) (i32.const 2048)) (i32.store (i32.const 1044) (i32.const 4))
        (i32.store (i32.const 1048) (i32.const 2064)) (i32.store (i32.const 1052) (i32.const 15))
        (i32.store (i32.const 1056) (i32.const 1))
        (i32.store (i32.const 1060) (i32.const 2080)) (i32.store (i32.const 1064) (i32.const 7)))
      (else
        (i32.store (i32.const 1028) (call $policy (i32.const 7)))))
    (i32.const 1024))
  ;; option<result<own<policy>, list<mistake>>> at 1024: nothing is baked in
  (func (export "linkgate:policy/evaluator@0.2.0#[static]policy.baked")
    (param i32 i32 i32 i32 i32 i64 i64 i64) (result i32)
    (i32.store (i32.const 1024) (i32.const 0))
    (i32.const 1024))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.wanted-headers") (param i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.probes") (param i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.probed") (param i32 i32 i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.shadow") (param i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.warm") (param i32))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.key-sources") (param i32 i64 i64) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.kept-keys") (param i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.restore-keys") (param i32 i32 i32 i64 i64))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.due") (param i32 i64 i64) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.next-due") (param i32) (result i32) (i32.const 0))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]policy.fetched")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64 i64) (result i32) (i32.const 0))

  ;; opened at 256: exchange, sequence at 264, step `respond` at 272, its status at 280
  (func (export "linkgate:policy/evaluator@0.2.0#[static]exchange.open")
    (param i32 i32) (param $method i32) (param i32 i32 i32 i32 i32 i32 i32 i64 i64) (result i32)
    (if (i32.eq (local.get $method) (i32.const 4)) (then unreachable))
    (if (i32.eq (local.get $method) (i32.const 5)) (then (loop (br 0))))
    (if (i32.eq (local.get $method) (i32.const 6)) (then (loop (drop (memory.grow (i32.const 64))) (br 0))))
    (i32.store (i32.const 256) (call $exchange (i32.const 9)))
    (i32.store (i32.const 272) (i32.const 8))
    (i32.store (i32.const 280) (i32.const 204))
    (i32.const 256))
  (func (export "linkgate:policy/evaluator@0.2.0#[method]exchange.resume")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i64 i64) (result i32) unreachable)
  (func (export "linkgate:policy/evaluator@0.2.0#[method]exchange.must-finish") (param i32) (result i32) (i32.const 0))
  ;; a decision of zeros: outcome `allowed`, empty texts
  (func (export "linkgate:policy/evaluator@0.2.0#[static]exchange.close") (param i32 i32 i64 i64) (result i32)
    (i32.const 512))
)"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_traps_loops_or_grows_is_a_503_and_the_next_request_is_served() {
    let (sender, mut heard) = unbounded_channel();
    let gateway = Gateway::build(settings(guest(), "good").await, Ear(sender)).expect("a gateway");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(gateway.serve(listener, std::future::pending()));

    for (method, cause) in [("POST", "unreachable"), ("PATCH", "interrupt"), ("DELETE", "memory")] {
        let answer = say(address, last(method, "/a")).await;
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"),
            "{method}: {answer}"
        );
        let fault = soon("a fault", heard.recv()).await.expect("a fault");
        assert!(fault.starts_with("InstanceLost") && fault.contains(cause), "{method}: {fault}");
        // In either order.
        let mut lost = [soon("a fault", heard.recv()).await, soon("a record", heard.recv()).await];
        lost.sort();
        assert_eq!(lost.map(Option::unwrap_or_default), ["ExchangeLost", "decided"]);

        let answer = say(address, last("GET", "/a")).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "after {method}: {answer}");
        assert_eq!(soon("a record", heard.recv()).await.as_deref(), Some("decided"));
    }
}

/// Another task of the one thread has its turns while a guest loops: many pauses between them, each of an epoch, and not
/// one of a second.
#[tokio::test]
async fn a_guest_that_loops_gives_the_thread_back() {
    let (sender, _heard) = unbounded_channel();
    let gateway = Gateway::build(settings(guest(), "good").await, Ear(sender)).expect("a gateway");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(gateway.serve(listener, std::future::pending()));

    let mut looping = pin!(say(address, last("PATCH", "/a")));
    let (mut pauses, mut before) = (0, Instant::now());
    let answer = loop {
        tokio::select! {
            answer = &mut looping => break answer,
            () = tokio::task::yield_now() => {}
        }
        pauses += usize::from(before.elapsed() > Duration::from_millis(10));
        before = Instant::now();
    };
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(pauses >= 5, "{pauses}");
}

/// Guests die on one side, and on the other everybody is answered: served, or asked to come back.
#[tokio::test(flavor = "multi_thread")]
async fn under_guests_that_die_the_others_serve_and_all_recover() {
    let (sender, _heard) = unbounded_channel();
    let mut settings = settings(guest(), "good").await;
    settings.instances = NonZeroUsize::new(3).expect("three");
    let gateway = Gateway::build(settings, Ear(sender)).expect("a gateway");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(gateway.serve(listener, std::future::pending()));

    let ask = |method: &str| {
        let request = last(method, "/a");
        tokio::spawn(async move { say(address, request).await })
    };
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for method in ["POST", "PATCH", "DELETE"] {
        bad.push(ask(method));
        good.extend((0..30).map(|_| ask("GET")));
    }
    for answer in bad {
        let answer = answer.await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    let mut served = 0;
    for answer in good {
        let answer = answer.await.expect("an answer");
        let fine = answer.starts_with("HTTP/1.1 204 ");
        assert!(fine || answer.starts_with("HTTP/1.1 503 "), "{answer}");
        served += usize::from(fine);
    }
    assert!(served > 60, "only {served} of 90 were served meanwhile");
    assert!(ask("GET").await.expect("an answer").starts_with("HTTP/1.1 204 "), "it has recovered");
}

#[tokio::test]
async fn a_policy_that_does_not_compile_is_told_before_anything_listens() {
    let error = build(settings(guest(), "bad").await);
    assert_eq!(
        error.to_string(),
        "the policy does not compile\n  `/bad`: found a mistake\n    help: mend it"
    );
    let StartError::Policy(mistakes) = error else { panic!("found {error:?}") };
    let [mistake] = mistakes.as_slice() else { panic!("found {mistakes:?}") };
    assert_eq!((mistake.pointer.as_str(), mistake.help.as_deref()), ("/bad", Some("mend it")));
}

#[tokio::test]
async fn only_a_component_of_the_contract_that_imports_nothing_starts() {
    let importing =
        wat::parse_str(r#"(component (import "reach-out" (func)) (import "and-more" (func)))"#)
            .expect("wat");
    let rows = [
        ("not wasm", b"nonsense".to_vec(), "not a usable WebAssembly component"),
        (
            "a module",
            wat::parse_str("(module)").expect("wat"),
            "not a usable WebAssembly component",
        ),
        (
            "imports",
            importing,
            "the component imports `reach-out`, `and-more`, but an evaluator may import nothing",
        ),
        (
            "another contract",
            wat::parse_str("(component)").expect("wat"),
            "the component does not export `linkgate:policy/evaluator`",
        ),
        (
            "another version of the contract",
            wat::parse_str(
                r#"(component (instance $i) (export "linkgate:policy/evaluator@0.1.0" (instance $i)))"#,
            )
            .expect("wat"),
            "expected a component with version 0.2.0 of `linkgate:policy/evaluator`, found version 0.1.0: take",
        ),
    ];
    for (name, component, expected) in rows {
        let error = build(settings(component, "good").await).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
    let error = build(settings(guest(), "").await).to_string();
    assert!(error.starts_with("the evaluator trapped while starting: "), "{error}");
    let missing = Settings {
        component: ComponentSource::File("/nowhere/a.wasm".into()),
        ..settings(guest(), "good").await
    };
    let error = build(missing).to_string();
    assert!(error.starts_with("cannot read the component `/nowhere/a.wasm`: "), "{error}");
    let unbaked = Settings { document: None, ..settings(guest(), "").await };
    let error = build(unbaked).to_string();
    assert!(error.starts_with("expected a policy in the component"), "{error}");
}

#[tokio::test]
async fn settings_do_not_show_secrets() {
    let mut settings = settings(vec![], "{}").await;
    settings.secrets = vec![("key".to_owned(), "hunter2".to_owned())];
    let shown = format!("{settings:?}");
    assert!(shown.contains("key") && !shown.contains("hunter2"), "{shown}");
}

/// A sink that tells in a word what it hears.
struct Ear(UnboundedSender<String>);

impl DecisionSink for Ear {
    fn decided(&self, decision: Decision, _: &Timings) {
        if decision.cause != "instance-lost" {
            assert_eq!((decision.outcome, decision.end), (Outcome::Allowed, End::Finished));
        }
        self.0.send("decided".to_owned()).ok();
    }

    fn fault(&self, fault: &Fault) {
        self.0.send(format!("{fault:?}")).ok();
    }
}

fn build(settings: Settings) -> StartError {
    match Gateway::build(settings, |_: Decision, _: &Timings| {}) {
        Ok(_) => panic!("a gateway was built"),
        Err(error) => error,
    }
}

async fn settings(component: Vec<u8>, document: &str) -> Settings {
    Settings {
        component: ComponentSource::Bytes(component),
        document: Some(document.to_owned()),
        secrets: vec![],
        seed: 1,
        upstream: format!("http://{}", nobody().await).parse().expect("an upstream"),
        instances: NonZeroUsize::MIN,
        limits: Limits::default(),
    }
}

/// The guest as a component of the contract.
fn guest() -> Vec<u8> {
    let mut module = wat::parse_str(GUEST).expect("wat");
    let mut resolve = Resolve::default();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");
    let (package, _) = resolve.push_dir(directory).expect("the contract");
    let world = resolve.select_world(&[package], Some("gate")).expect("the world");
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a contract");
    ComponentEncoder::default()
        .module(&module)
        .expect("a module")
        .validate(true)
        .encode()
        .expect("a component")
}
