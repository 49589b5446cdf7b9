//! Every case over real sockets, on the hosts that are here: `wasmtime serve` with the proxy
//! edition and with the middleware edition in front of a handler, Envoy with the Envoy edition, and
//! the reference gateway with the evaluator edition.
//!
//! Hosts that verify signatures run them a second time, with the component's own verifier.
//!
//! `LINKGATE_CASE=part-of-a-name` runs the ones whose name holds it.

#![expect(clippy::panic, reason = "tests")]

use std::io::Write as _;
use std::path::Path;

use linkgate_cases::Suite;
use linkgate_tests::component;
use linkgate_tests::hosts::{Envoy, Host, Reference, Table, Verifier, WasmtimeServe, run};

use Verifier::{Component, HostIfAble};

#[test]
fn every_case_holds_on_wasmtime_serve() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let host = WasmtimeServe::prepare(binary, &component("linkgate-proxy.wasm"), folder);
    let host = host.unwrap_or_else(|trouble| panic!("{trouble}"));
    every_case_holds_on(&host, HostIfAble, By::Component);
}

#[test]
fn every_case_holds_on_wasmtime_serve_with_a_chain() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let middleware = component("linkgate-middleware.wasm");
    let next = component("linkgate-next-handler.wasm");
    let host = WasmtimeServe::prepare_chain(binary, &middleware, &next, folder);
    let host = host.unwrap_or_else(|trouble| panic!("{trouble}"));
    every_case_holds_on(&host, HostIfAble, By::Component);
}

#[test]
fn every_case_holds_on_envoy() {
    if let Some(host) = Envoy::of_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        every_case_holds_on(&host, HostIfAble, By::Host);
    }
}

#[test]
fn every_case_holds_on_envoy_with_the_components_verifier() {
    if let Some(host) = Envoy::of_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        every_case_holds_on(&host, Component, By::Component);
    }
}

#[test]
fn every_case_holds_on_the_reference_gateway() {
    let host = Reference::new(component("linkgate-evaluator.wasm"));
    every_case_holds_on(&host, HostIfAble, By::Host);
}

#[test]
fn every_case_holds_on_the_reference_gateway_with_the_components_verifier() {
    let host = Reference::new(component("linkgate-evaluator.wasm"));
    every_case_holds_on(&host, Component, By::Component);
}

/// Who has to have verified most signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Host,
    Component,
}

impl By {
    /// The name in the record.
    fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Component => "component",
        }
    }
}

fn filter() -> String {
    std::env::var("LINKGATE_CASE").unwrap_or_default()
}

fn every_case_holds_on(host: &dyn Host, verifier: Verifier, by: By) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let suite = Suite::load(&cases).unwrap_or_else(|trouble| panic!("{trouble}"));
    let table = run(&suite, host, verifier, &filter());
    let table = table.unwrap_or_else(|trouble| panic!("{trouble}"));
    // Straight to stderr: libtest hides what `println!` says of a test that passes.
    let _ = write!(std::io::stderr().lock(), "\n{}\n{table}", Table::head());
    assert!(table.failures.is_empty(), "{} cases failed on {}", table.failures.len(), host.name());
    if filter().is_empty() {
        let counts = &table.verified;
        assert!(counts.get(by.name()).is_some_and(|requests| *requests > 100), "{counts:?}");
        assert!(by == By::Host || !counts.contains_key("host"), "{counts:?}");
    }
}
