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

use linkgate_tenant::Operation;
use linkgate_tenant::faults::{Fault, FaultRule, Point};

use crate::host::{Host, Hosts};
use crate::world::{Accounts, Rule, World};

/// How conflicts are settled: with the last two, something is staged.
const RULES: [Rule; 3] = [
    Rule { conflicts: "primary", deep: false },
    Rule { conflicts: "secondary", deep: true },
    Rule { conflicts: "keep-both", deep: true },
];

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
    let hosts = [Hosts::Gateway, Hosts::WasmtimeServe, Hosts::Chain, Hosts::Envoy];
    for hosts in hosts.into_iter().filter(|hosts| hosts.is_there()) {
        let [rule, ..] = RULES;
        let world = World::begin().await;
        let host = hosts.start(&world, rule);
        let expected = undisturbed(&world, &host, rule).await;
        world.begin_anew();
        let hold = Fault::Hold { at: Point::AfterEffect };
        world.tenant.add_fault(FaultRule::new(Operation::UpdateUser, hold));
        let client = tokio::spawn(world.clone().client(host.address));
        world.until_held(&host).await;
        client.abort();
        assert!(client.await.is_err_and(|ended| ended.is_cancelled()), "it has left");
        world.tenant.release_all().await;
        world.until_linked(&host).await;
        assert_eq!(world.accounts(), expected, "{hosts:?}");
    }
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
    // Three reads, a write and the link, twice each; with staging a read and a write more.
    assert_eq!(kills, 10 + 14 + 14);
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
    assert_eq!(client.await.expect("a client"), None, "{row}: nobody is left to answer");
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
