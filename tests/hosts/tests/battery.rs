//! Every case over real sockets, on the hosts that are here: `wasmtime serve` with the proxy
//! edition and with the middleware edition in front of a handler, Envoy with the Envoy edition, and
//! the reference gateway with the evaluator edition.
//!
//! `LINKGATE_CASE=part-of-a-name` runs the ones whose name holds it. `LINKGATE_VERIFICATION=component` has the
//! components verify signatures on hosts that would otherwise.

#![expect(clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use linkgate_cases::Suite;
use linkgate_tests::component;
use linkgate_tests::hosts::{Envoy, Host, Reference, Table, WasmtimeServe, run};

#[test]
fn every_case_holds_on_wasmtime_serve() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let host = WasmtimeServe::prepare(binary, &component("linkgate-proxy.wasm"), folder);
    let verified = every_case_holds_on(&host.unwrap_or_else(|trouble| panic!("{trouble}")));
    assert!(!verified.contains_key("host"), "{verified:?}");
}

#[test]
fn every_case_holds_on_envoy() {
    if let Some(host) = Envoy::of_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        let verified = every_case_holds_on(&host);
        assert_host_verifies(&verified);
    }
}

#[test]
fn every_case_holds_on_wasmtime_serve_with_a_chain() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let middleware = component("linkgate-middleware.wasm");
    let next = component("linkgate-next-handler.wasm");
    let host = WasmtimeServe::prepare_chain(binary, &middleware, &next, folder);
    let verified = every_case_holds_on(&host.unwrap_or_else(|trouble| panic!("{trouble}")));
    assert!(!verified.contains_key("host"), "{verified:?}");
}

#[test]
fn every_case_holds_on_the_reference_gateway() {
    let verified = every_case_holds_on(&Reference::new(component("linkgate-evaluator.wasm")));
    assert_host_verifies(&verified);
}

/// Requests whose signatures were verified, by who did it.
type Verified = BTreeMap<String, usize>;

/// The host was asked, and not the component alone.
fn assert_host_verifies(verified: &Verified) {
    if filter().is_empty() {
        assert!(verified.get("host").is_some_and(|requests| *requests > 100), "{verified:?}");
    }
}

fn filter() -> String {
    std::env::var("LINKGATE_CASE").unwrap_or_default()
}

fn every_case_holds_on(host: &dyn Host) -> Verified {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let suite = Suite::load(&cases).unwrap_or_else(|trouble| panic!("{trouble}"));
    let table = run(&suite, host, &filter()).unwrap_or_else(|trouble| panic!("{trouble}"));
    // Straight to stderr: libtest hides what `println!` says of a test that passes.
    let _ = write!(std::io::stderr().lock(), "\n{}\n{table}", Table::head());
    assert!(table.failures.is_empty(), "{} cases failed on {}", table.failures.len(), host.name());
    table.verified
}
