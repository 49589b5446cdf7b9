//! Hosts that are killed (SIGKILL) in the midst of a merging link, and started again: the client
//! retries, and every value that stood before is where it belongs.
//!
//! ```text
//!  client ─▶ host ─▶ tenant: holds the nth read, write or link, before or after its effect
//!              ✗ killed, then the tenant goes on with what it held
//!  client ─▶ host, started again ─▶ tenant
//!                                     └─▶ the accounts are what an undisturbed link makes of them
//! ```
#![cfg(test)]

mod host;
mod world;

use std::time::Instant;

use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tenant::{Operation, Settings};

use crate::host::{Host, Hosts};
use crate::world::{Accounts, Rule, World};

/// How conflicts are settled: the last two have values beside each other.
const RULES: [Rule; 3] = [
    Rule { conflicts: "primary", deep: false },
    Rule { conflicts: "secondary", deep: true },
    Rule { conflicts: "keep-both", deep: true },
];

/// The hosts whose clients leave.
const EVERYWHERE: [Hosts; 4] = [Hosts::Gateway, Hosts::WasmtimeServe, Hosts::Chain, Hosts::Envoy];

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_may_be_killed_at_any_point_of_a_merging_link() {
    killed_at_every_point(Hosts::Gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_edition_may_be_killed_at_any_point_of_a_merging_link() {
    killed_at_every_point(Hosts::WasmtimeServe).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_middleware_edition_may_be_killed_at_any_point_of_a_merging_link() {
    killed_at_every_point(Hosts::Chain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_may_be_killed_at_any_point_of_a_merging_link() {
    killed_at_every_point(Hosts::Envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_after_the_write_is_linked_all_the_same() {
    let [rule, ..] = RULES;
    for hosts in EVERYWHERE.into_iter().filter(|hosts| hosts.is_there()) {
        left_at(hosts, rule, Operation::UpdateUser).await;
    }
}

/// Where the host takes the link back with its client, as Envoy does, its outcome is asked for; and what
/// was staged for after the link is applied.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_the_link_is_under_way_has_it_settled() {
    let [.., rule] = RULES;
    for hosts in EVERYWHERE.into_iter().filter(|hosts| hosts.is_there()) {
        left_at(hosts, rule, Operation::Link).await;
    }
}

/// The accounts are as they were before the write, and no link went out.
#[tokio::test(flavor = "multi_thread")]
async fn in_front_of_an_upstream_that_replaces_nothing_is_linked_and_nothing_lost() {
    let [rule, ..] = RULES;
    let replacing = |origin: &str| {
        let mut settings = Settings::new(origin);
        settings.patch_replaces = true;
        settings
    };
    let world = World::begin_with(replacing).await;
    let host = Hosts::Gateway.start(&world, rule);
    let before = world.accounts();
    let status = world.link(host.address).await;
    let said = host.said();
    assert_eq!(status, Some(502), "the host said:\n{said}");
    assert_eq!(world.accounts(), before, "the host said:\n{said}");
    // The write, and what is written back.
    assert_eq!(world.tenant.arrived(Operation::UpdateUser), 2);
    assert_eq!(world.tenant.arrived(Operation::Link), 0);
}

/// A client leaves when this was done and not yet answered: the accounts end as they do for one that
/// stays.
async fn left_at(hosts: Hosts, rule: Rule, operation: Operation) {
    let world = World::begin().await;
    let host = hosts.start(&world, rule);
    let expected = undisturbed(&world, &host, rule).await;
    world.begin_anew();
    let hold = Fault::Hold { at: Point::AfterEffect };
    world.tenant.add_fault(FaultRule::new(operation, hold).on_occurrence(1));
    let client = tokio::spawn(world.clone().client(host.address));
    world.until_held(&host).await;
    client.abort();
    assert!(client.await.is_err_and(|ended| ended.is_cancelled()), "it has left");
    world.tenant.release_all().await;
    let settled = async {
        while world.accounts() != expected {
            tokio::task::yield_now().await;
        }
    };
    let settled = tokio::time::timeout(world::PATIENCE, settled).await;
    let found = world.accounts();
    assert!(settled.is_ok(), "{hosts:?}: {found:?}. The host said:\n{}", host.said());
}

async fn killed_at_every_point(hosts: Hosts) {
    if !hosts.is_there() {
        return;
    }
    let began = Instant::now();
    let mut kills = 0;
    for rule in RULES {
        let world = World::begin().await;
        let mut host = hosts.start(&world, rule);
        let expected = undisturbed(&world, &host, rule).await;
        for (operation, nth) in points(&world) {
            for at in [Point::BeforeEffect, Point::AfterEffect] {
                let row = format!("{}: {operation:?} {nth}, {at:?}", rule.conflicts);
                world.begin_anew();
                killed_at(&world, host, &row, operation, nth, at).await;
                host = hosts.start(&world, rule);
                retried(&world, &host, &row, &expected).await;
                kills += 1;
            }
        }
    }
    println!("{hosts:?}: {kills} times killed, in {} s", began.elapsed().as_secs());
    // Four reads, two writes and the link, twice each.
    assert_eq!(kills, 14 + 14 + 14);
}

/// What a link makes of the accounts when nothing happens to it.
async fn undisturbed(world: &World, host: &Host, rule: Rule) -> Accounts {
    let before = world.accounts();
    world.tenant.forget_requests();
    let status = world.link(host.address).await;
    assert_eq!(status, Some(201), "{rule:?}: undisturbed. The host said:\n{}", host.said());
    let after = world.accounts();
    assert_ne!(after, before);
    after
}

/// Every request of a link, as it was counted the last time: the nth of its operation.
fn points(world: &World) -> Vec<(Operation, u64)> {
    [Operation::ReadUser, Operation::UpdateUser, Operation::Link]
        .into_iter()
        .flat_map(|operation| {
            (1..=world.tenant.arrived(operation)).map(move |nth| (operation, nth))
        })
        .collect()
}

async fn killed_at(
    world: &World,
    host: Host,
    row: &str,
    operation: Operation,
    nth: u64,
    at: Point,
) {
    let rule = FaultRule::new(operation, Fault::Hold { at }).on_occurrence(nth);
    world.tenant.add_fault(rule);
    let client = tokio::spawn(world.clone().client(host.address));
    let held =
        tokio::time::timeout(world::PATIENCE, world.tenant.until_held(|held| !held.is_empty()));
    assert!(held.await.is_ok(), "{row}: nothing is held. The host said:\n{}", host.said());
    host.kill();
    assert_eq!(client.await.expect("a client"), None, "{row}: no process is left to answer");
    world.tenant.release_all().await;
    world.tenant.clear_faults();
}

/// The client sends its link again, and the end is the same.
async fn retried(world: &World, host: &Host, row: &str, expected: &Accounts) {
    let status = world.link(host.address).await;
    let said = || format!("{row}: the host said:\n{}", host.said());
    assert_eq!(status, Some(201), "{}", said());
    assert_eq!(world.accounts(), *expected, "{}", said());
}
