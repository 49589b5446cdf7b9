//! Keys by URL: how often they are fetched, and when. Counts are the tenant's.

use std::collections::BTreeSet;

use linkgate_tenant::Operation;
use linkgate_tenant::faults::{Amendment, Fault, FaultRule, Point};
use linkgate_tests::hosts::{PATIENCE, Stream};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::stage::{IS_CHAIN, Stage};
use crate::tenant::{FRESH, KEPT, World};

fn by_url(origin: &str) -> Value {
    json!({ "jwks_uri": format!("{origin}/.well-known/jwks.json"), "refresh_min": "1s" })
}

fn by_discovery(_: &str) -> Value {
    json!({ "discovery": true })
}

/// What is said of instances, by those that fetch keys.
const FETCHES: &str = "linkgate: a new instance fetches keys anew";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_is_kept_fetches_once_for_all_its_requests() {
    fetched_once("by URL", by_url, 0).await;
    fetched_once("by discovery", by_discovery, 1).await;
}

async fn fetched_once(row: &str, keys: fn(&str) -> Value, documents: u64) {
    const REQUESTS: u64 = 30;
    let mut world = World::begin(keys, KEPT).await;
    let token = world.issuer.token();
    for _ in 0..REQUESTS {
        let read = world.read(&token).await;
        assert_eq!(read.status, 200, "{row}: {read:?}");
    }
    // A host whose instance is not quite done with one exchange begins the next in another.
    let instances = world.instances.len() as u64;
    assert!(instances < REQUESTS / 2, "{row}: {:?}", world.instances);
    assert_eq!(world.issuer.fetches(), instances, "{row}: a fetch an instance");
    assert_eq!(world.issuer.tenant.arrived(Operation::Discovery), documents * instances, "{row}");
    world.logged(row, FETCHES);
    let logged = world.said().iter().filter(|line| line.starts_with(FETCHES)).count() as u64;
    assert!(logged <= instances, "{row}: once an instance:\n{:#?}", world.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_fetches_once_and_for_a_guarded_request_alone() {
    let mut world = World::begin(by_url, FRESH).await;
    let token = world.issuer.token();
    for expected in 1..=3 {
        assert_eq!(world.read(&token).await.status, 200);
        assert_eq!(world.issuer.fetches(), expected);
    }
    assert_eq!(world.instances.len(), 3, "{:?}", world.instances);

    let unknown = world.issuer.unknown_token();
    let read = world.read(&unknown).await;
    assert_eq!((read.status, read.record.cause.as_str()), (401, "bearer-key-unknown"));
    assert_eq!(world.issuer.fetches(), 4, "one fetch, and what is not in it there is not");

    let read = world.read("no-token").await;
    assert_eq!(read.status, 401, "{read:?}");
    assert_eq!(world.issuer.fetches(), 4, "garbage has nothing fetched");
}

#[tokio::test]
async fn an_instance_with_inline_keys_does_not_speak_of_fetches() {
    let mut stage = Stage::set();
    for _ in 0..3 {
        let mut client = stage.client().await;
        client.send("GET /nowhere HTTP/1.1\r\nhost: gate\r\n\r\n").await;
        client.message().await;
        stage.record();
    }
    let said = stage.serving.process.said_on(Stream::Err);
    assert!(!said.iter().any(|line| line.contains("fetches keys")), "{said:#?}");
}

/// Within a cooldown of the last fetch the answer says when to come again, and is never 401. Then one
/// fetch brings the new key.
#[tokio::test(flavor = "multi_thread")]
async fn rotation_without_overlap_costs_one_more_fetch() {
    let mut world = World::begin(|origin| with(by_url(origin), "cooldown", "1s"), KEPT).await;
    let token = world.issuer.token();
    let first = world.read(&token).await;
    assert_eq!((first.status, world.issuer.fetches()), (200, 1));
    world.issuer.rotate();
    let token = world.issuer.token();
    let mut knowing = BTreeSet::new();
    let comes = async {
        while !knowing.contains(&first.instance) {
            let read = world.read(&token).await;
            if read.status == 200 {
                knowing.insert(read.instance);
            } else {
                assert_eq!((read.status, read.retry_after_s), (503, Some(1)), "{read:?}");
                assert_eq!(read.record.cause, "key-undecided");
            }
        }
    };
    timeout(PATIENCE, comes).await.expect("the new key never came");
    for _ in 0..20 {
        let read = world.read(&token).await;
        assert_eq!(read.status, 200, "{read:?}");
        knowing.insert(read.instance);
    }
    assert_eq!(world.issuer.fetches(), 1 + knowing.len() as u64, "{knowing:?}");
}

/// The fetch is held for as long as the test likes, and no client waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_refreshed_ahead_and_no_client_waits() {
    let mut world = World::begin(|origin| with(by_url(origin), "timeout", "30s"), KEPT).await;
    world.issuer.fault(fresh_for_a_second());
    let token = world.issuer.token();
    let mut client = world.client().await;
    let first = world.read_on(&mut client, &token).await;
    assert_eq!((first.status, world.issuer.fetches()), (200, 1));
    let hold = Fault::Hold { at: Point::BeforeEffect };
    world.issuer.tenant.add_fault(FaultRule::new(Operation::Jwks, hold).times(1));
    // Any exchange will do, and one that needs no key has none fetched by another instance.
    let refreshed = async {
        while world.issuer.tenant.held().is_empty() {
            world.ask_for_nothing(&mut client).await;
        }
    };
    let refreshed = timeout(PATIENCE, refreshed).await;
    assert!(
        refreshed.is_ok(),
        "keys were never refreshed: {} fetches by {} instances, which said {:#?}",
        world.issuer.fetches(),
        world.instances.len(),
        world.said()
    );
    let read = world.read_on(&mut client, &token).await;
    assert_eq!(read.status, 200);
    if IS_CHAIN {
        // It serves others meanwhile.
        assert_eq!(read.instance, first.instance);
    } else {
        // That instance is occupied: the client, on the same connection, is served by another.
        assert_ne!(read.instance, first.instance);
    }
    assert_eq!(world.issuer.tenant.release_all().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_endpoint_refuses_nobody_where_keys_are_at_hand() {
    let mut world = World::begin(by_url, KEPT).await;
    world.issuer.fault(fresh_for_a_second());
    let token = world.issuer.token();
    let first = world.read(&token).await;
    assert_eq!(first.status, 200);
    world.issuer.tenant.clear_faults();
    world.issuer.fault(Fault::Reset { at: Point::BeforeEffect });
    let at_hand = |world: &World| {
        world.said().iter().any(|line| line.contains("; the keys at hand are used for "))
    };
    let asked_again = async {
        while !at_hand(&world) {
            let read = world.read(&token).await;
            // Another instance, begun meanwhile, has none.
            let expected = if read.instance == first.instance { 200 } else { 503 };
            assert_eq!(read.status, expected, "{read:?}");
        }
    };
    timeout(PATIENCE, asked_again).await.expect("keys were never asked for again");
}

/// What a set says of its freshness. The policy takes it for at least `refresh_min`.
fn fresh_for_a_second() -> Fault {
    Fault::Amend(Amendment::default().with_header("cache-control", "max-age=1"))
}

fn with(mut keys: Value, name: &str, value: &str) -> Value {
    keys[name] = json!(value);
    keys
}
