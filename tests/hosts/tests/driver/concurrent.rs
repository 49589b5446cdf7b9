//! Many first requests on one instance at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use linkgate_policy::LogLine;
use linkgate_tenant::Operation;
use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tests::hosts::{PATIENCE, Running as _};
use linkgate_tests::peer::Peer;
use serde_json::json;
use tokio::time::timeout;

use crate::tenant::World;

/// Requests beside the one that begins the fetch.
const FOLLOWERS: usize = 99;

/// Room for one instance of the chain, which has two memories, and for all requests in it.
const ONE_INSTANCE: &[&str] = &[
    "-S",
    "cli",
    "-O",
    "pooling-allocator=y",
    "-O",
    "pooling-total-memories=2",
    "--max-instance-reuse-count",
    "1000000",
    "--max-instance-concurrent-reuse-count",
    "1000",
    "--idle-instance-timeout",
    "60s",
];

/// The fetch is held until all wait for it, and the client whose request began it has gone by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_first_requests_cost_one_fetch_whoever_leaves() {
    let keys = |origin: &str| json!({ "jwks_uri": format!("{origin}/.well-known/jwks.json"), "timeout": "30s" });
    let mut world = World::begin(keys, ONE_INSTANCE).await;
    let hold = Fault::Hold { at: Point::BeforeEffect };
    world.issuer.tenant.add_fault(FaultRule::new(Operation::Jwks, hold).times(1));
    let (token, address) = (world.issuer.token(), world.serving.address());

    let mut leader = Peer::connect(address).await;
    leader.send(ask(&token, 0)).await;
    let begun = async {
        while world.issuer.tenant.held().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, begun).await.expect("a fetch");
    let mut waiting = Vec::new();
    for number in 1..=FOLLOWERS {
        waiting.push((number, taken_in(address, &token, number).await));
    }
    assert_eq!(world.issuer.fetches(), 1, "all wait for the fetch of the first");
    leader.reset();
    assert_eq!(world.issuer.tenant.release_all().await.len(), 1);

    for (number, mut client) in waiting {
        let reply = client.message().await;
        let expected = if is_own(number) { "HTTP/1.1 200 " } else { "HTTP/1.1 403 " };
        assert!(reply.starts_with(expected), "{number}: {reply}");
    }
    let records = records(&mut world, FOLLOWERS + 1);
    for number in 0..=FOLLOWERS {
        let (cause, subject) = &records[&trace_id(number)];
        let expected = if is_own(number) { "granted" } else { "subject-mismatch" };
        assert_eq!(cause, expected, "{number}");
        assert_eq!(subject.as_deref(), Some("auth0|alice-5f7c8ec7"), "{number}");
    }
    assert_eq!(world.issuer.fetches(), 1);
}

/// A client whose request is in the instance. The host has room for no second one: a request that
/// arrives while the first is not ready for it gets the host's 500, and is sent again. What is sent
/// later is taken in later, so once a second request has its answer the first is in.
async fn taken_in(address: SocketAddr, token: &str, number: usize) -> Peer {
    let all = async {
        loop {
            let mut client = Peer::connect(address).await;
            client.send(ask(token, number)).await;
            while !probe(address).await {}
            if !is_answered(&client).await {
                return client;
            }
        }
    };
    timeout(PATIENCE, all).await.expect("room in the instance")
}

/// What was written to a socket of this machine before another was read from is there by then.
const SOON: Duration = Duration::from_millis(5);

async fn is_answered(client: &Peer) -> bool {
    timeout(SOON, client.socket.peek(&mut [0])).await.is_ok()
}

/// Whether the instance took a request and refused it.
async fn probe(address: SocketAddr) -> bool {
    let mut client = Peer::connect(address).await;
    client.send("GET /nowhere HTTP/1.1\r\nhost: gate\r\n\r\n").await;
    client.message().await.starts_with("HTTP/1.1 404 ")
}

/// Half of them ask for what is another's.
fn is_own(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn ask(token: &str, number: usize) -> String {
    let user = if is_own(number) { "alice-5f7c8ec7".to_owned() } else { format!("bob-{number}") };
    format!(
        "GET /api/v2/users/auth0%7C{user} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {token}\r\n\
         traceparent: 00-{}-b7ad6b7169203331-01\r\n\r\n",
        trace_id(number)
    )
}

fn trace_id(number: usize) -> String {
    format!("{:032x}", number + 1)
}

/// The records of the numbered requests by their trace id: cause and subject.
fn records(world: &mut World, many: usize) -> BTreeMap<String, (String, Option<String>)> {
    let mut records = BTreeMap::new();
    while records.len() < many {
        let record = world.serving.process.line(PATIENCE, |line| {
            let record = LogLine::read(line.strip_prefix("stdout [0] :: ")?.as_bytes())?;
            Some((record.trace_id, (record.cause, record.subject)))
        });
        let Some((trace_id, decided)) = record else {
            panic!("{} records. The host said:\n{}", records.len(), world.serving.output())
        };
        // The probes have no trace id.
        if let Some(trace_id) = trace_id {
            assert!(records.insert(trace_id, decided).is_none(), "two records of one request");
        }
    }
    records
}
