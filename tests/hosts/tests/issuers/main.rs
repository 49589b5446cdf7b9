//! Tokens of an identity provider that other people wrote, on every host: npm's `oidc-provider`, which is certified.
//!
//! ```text
//!  oidc-provider ══ discovery, keys ══▶ host (edition) ══▶ recorder
//!        │                                ▲
//!        └── access token, ID token ──▶ client
//! ```
//!
//! Access tokens follow RFC 9068 and name one audience (RFC 8707), ID tokens are those of the authorization code
//! flow. Each algorithm has clients of its own.
#![cfg(test)]

mod app;
mod provider;

use std::path::Path;
use std::time::{Duration, Instant};

use linkgate_tests::component;
use linkgate_tests::hosts::{Envoy, Host, PATIENCE, Reference, WasmtimeServe};

use crate::app::{App, Seen};
use crate::provider::Provider;

const ALICE: &str = "auth0|alice";
const BOB: &str = "sms|bob";

/// As the provider names them in `alg`.
const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256", "EdDSA"];

#[test]
fn on_the_reference_gateway() {
    each_algorithm_on(&Reference::new(component("linkgate-evaluator.wasm")));
}

#[test]
fn on_wasmtime_serve() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    each_algorithm_on(
        &WasmtimeServe::prepare(binary, &component("linkgate-proxy.wasm"), folder).unwrap(),
    );
}

#[test]
fn on_wasmtime_serve_with_a_chain() {
    let binary = Path::new(env!("CARGO_BIN_EXE_linkgate-wasmtime-serve"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (middleware, next) =
        (component("linkgate-middleware.wasm"), component("linkgate-next-handler.wasm"));
    each_algorithm_on(&WasmtimeServe::prepare_chain(binary, &middleware, &next, folder).unwrap());
}

#[test]
fn on_envoy() {
    if let Some(host) = Envoy::of_suite(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        each_algorithm_on(&host);
    }
}

fn each_algorithm_on(host: &dyn Host) {
    let Some(provider) = Provider::start() else { return };
    for algorithm in ALGORITHMS {
        let row = format!("{algorithm} on {}", host.name());
        let mut app = App::serve(host, &provider, algorithm);
        links_and_unlinks(&mut app, &provider, &row);
        takes_nothing_else_for_proof(&mut app, &provider, &row);
        follows_a_rotation(&mut app, &provider, &row);
    }
}

fn links_and_unlinks(app: &mut App<'_>, provider: &Provider, row: &str) {
    let alice = provider.sign_in(ALICE, "spa", app.algorithm);
    let bob = provider.sign_in(BOB, "spa", app.algorithm);
    assert_eq!(app.link(ALICE, &alice.access, &bob.id), Seen::sent(201), "{row}");
    assert_eq!(app.unlink(ALICE, &alice.access), Seen::sent(200), "{row}");
    // Either account may be the primary.
    assert_eq!(app.link(BOB, &bob.access, &alice.id), Seen::sent(201), "{row}");
}

fn takes_nothing_else_for_proof(app: &mut App<'_>, provider: &Provider, row: &str) {
    let alice = provider.sign_in(ALICE, "spa", app.algorithm);
    let bob = provider.sign_in(BOB, "spa", app.algorithm);
    let elsewhere = provider.sign_in(BOB, "other", app.algorithm);
    for (what, user, bearer, link_with, expected) in [
        ("somebody else's account", ALICE, &bob.access, &bob.id, (403, "subject-mismatch")),
        ("an access token as proof", ALICE, &alice.access, &bob.access, (400, "secondary-")),
        ("an ID token as bearer", ALICE, &alice.id, &bob.id, (401, "bearer-")),
        ("another app's proof", ALICE, &alice.access, &elsewhere.id, (400, "secondary-")),
        ("the account itself", ALICE, &alice.access, &alice.id, (400, "same-account")),
    ] {
        let seen = app.link(user, bearer, link_with);
        assert!(seen.is_refused(expected.0, expected.1), "{row}, {what}: {seen:?}");
    }
}

/// First with keys that overlap, then at once. The gate may answer 503 until its cooldown allows another fetch,
/// and never 401.
fn follows_a_rotation(app: &mut App<'_>, provider: &Provider, row: &str) {
    for overlap in [true, false] {
        let before = provider.sign_in(ALICE, "spa", app.algorithm);
        provider.rotate(overlap);
        let after = provider.sign_in(ALICE, "spa", app.algorithm);
        until_granted(app, &after.access, row);
        if overlap {
            assert_eq!(app.unlink(ALICE, &before.access), Seen::sent(200), "{row}: published");
        }
    }
}

fn until_granted(app: &mut App<'_>, bearer: &str, row: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = app.unlink(ALICE, bearer);
        if seen == Seen::sent(200) {
            return;
        }
        assert!(seen.is_refused(503, "key"), "{row}, after a rotation: {seen:?}");
        assert!(Instant::now() < until, "{row}: the new key is never fetched");
        // That the cooldown passes is what is waited for.
        std::thread::sleep(Duration::from_millis(100));
    }
}
