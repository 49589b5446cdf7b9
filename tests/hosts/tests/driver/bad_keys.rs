//! Endpoints of keys that are broken, slow or strange: what the client is answered, and what is logged.

use std::time::{Duration, Instant};

use linkgate_tenant::faults::{Amendment, Drip, Fault, FaultRule, Point};
use linkgate_tenant::{Answer, Operation};
use linkgate_tests::hosts::Refusing;
use serde_json::{Value, json};

use crate::tenant::{FRESH, World};

/// Memory of an instance, in bytes. A key set of 10 MB does not fit into it.
const MEMORY: &str = "max-memory-size=4194304";

/// What is allowed for a fetch, and what is far too long for an answer to it.
const TIMEOUT: &str = "500ms";
const FAR_TOO_LONG: Duration = Duration::from_secs(8);

fn by_url(origin: &str) -> Value {
    json!({ "jwks_uri": format!("{origin}/.well-known/jwks.json"), "timeout": TIMEOUT })
}

fn somebody_else(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let mut answer = Answer::json(status, &json!({}));
    answer.headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    answer.body = body.as_bytes().to_vec();
    Fault::Status { at: Point::BeforeEffect, answer }
}

/// Each is one fetch and no more, a clear line, and a client that is asked to come again.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_brings_no_keys_is_told_with_issuer_and_cause() {
    let mut world = World::begin(by_url, &[FRESH, &["-W", MEMORY]].concat()).await;
    let token = world.issuer.token();
    let elsewhere = format!("{}/elsewhere", world.issuer.origin);
    let html = "<!doctype html><title>Sign in</title>";
    let every = Duration::from_millis(20);
    for (row, fault, why) in [
        (
            "10 MB",
            Fault::Amend(Amendment::default().padded_to(10 << 20)),
            "expected at most 262144 bytes, found more",
        ),
        (
            "HTML with status 200",
            somebody_else(200, &[("content-type", "text/html")], html),
            "expected JSON, found something else",
        ),
        (
            "a redirect",
            somebody_else(302, &[("location", &elsewhere)], ""),
            "expected status 200, found 302",
        ),
        ("an error", somebody_else(500, &[], ""), "expected status 200, found 500"),
        (
            "cut off",
            Fault::CutBody { after_bytes: Some(20) },
            "expected the whole body, found it cut off",
        ),
        ("a reset", Fault::Reset { at: Point::BeforeEffect }, "expected an answer, found none: "),
        (
            "silent",
            Fault::Hold { at: Point::BeforeEffect },
            "expected an answer within 500 ms, found none",
        ),
        (
            "creeping",
            Fault::Drip(Drip { bytes: 1, every }),
            "expected the whole body within 500 ms, found a part",
        ),
    ] {
        world.issuer.fault(fault);
        let (asked, began) = (world.issuer.fetches(), Instant::now());
        put_off(&mut world, row, &token).await;
        assert!(began.elapsed() < FAR_TOO_LONG, "{row}: it took {:?}", began.elapsed());
        assert_eq!(world.issuer.fetches(), asked + 1, "{row}: asked once");
        let issuer = &world.issuer.origin;
        let line = format!("linkgate: keys of {issuer}/: {issuer}/.well-known/jwks.json: {why}");
        world.logged(row, &line);
        world.issuer.tenant.clear_faults();
    }
    assert_eq!(world.issuer.tenant.arrived(Operation::Unrouted), 0, "no redirect is followed");
    assert_eq!(world.issuer.tenant.arrived(Operation::ReadUser), 0, "nothing went upstream");
    assert_eq!(world.read(&token).await.status, 200, "and then it is well again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_connections_is_told_too() {
    let refusing = Refusing::bind().expect("an address");
    let url = format!("http://{}/keys", refusing.address);
    let mut world = World::begin(|_| json!({ "jwks_uri": url }), FRESH).await;
    let token = world.issuer.token();
    put_off(&mut world, "refused", &token).await;
    let issuer = &world.issuer.origin;
    let line = format!("linkgate: keys of {issuer}/: {url}: expected a connection, found none: ");
    world.logged("refused", &line);
}

/// Who answers for another issuer has no say in where the keys are.
#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_document_that_is_not_the_issuers_leads_nowhere() {
    let mut world = World::begin(|_| json!({ "discovery": true }), FRESH).await;
    let token = world.issuer.token();
    let keys = format!("{}/.well-known/jwks.json", world.issuer.origin);
    let body = json!({ "issuer": "http://127.0.0.1/", "jwks_uri": keys }).to_string();
    let fault = somebody_else(200, &[("content-type", "application/json")], &body);
    world.issuer.tenant.add_fault(FaultRule::new(Operation::Discovery, fault));
    put_off(&mut world, "another issuer", &token).await;
    assert_eq!((world.issuer.tenant.arrived(Operation::Discovery), world.issuer.fetches()), (1, 0));
    let issuer = &world.issuer.origin;
    let line = format!(
        "linkgate: keys of {issuer}/: {issuer}/.well-known/openid-configuration: expected `{issuer}/` as `issuer`, found `http://127.0.0.1/`"
    );
    world.logged("another issuer", &line);
}

/// The client is asked to come again, and is not called unauthorised.
async fn put_off(world: &mut World, row: &str, token: &str) {
    let read = world.read(token).await;
    assert_eq!(
        (read.status, read.record.cause.as_str()),
        (503, "keys-unavailable"),
        "{row}: {read:?}\n{}",
        world.said().join("\n")
    );
    assert!(read.retry_after_s.is_some(), "{row}: {read:?}");
}
