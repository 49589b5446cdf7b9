//! Components with a policy baked in: made by `linkgate bake`, run by real hosts, over real sockets.
//!
//! ```text
//!  tenant ─▶ linkgate bake --keys ─▶ component ─▶ wasmtime compile ─▶ host ═══ tenant
//!                                                                      ▲
//!                                                             client ══╝
//! ```
#![cfg(test)]

mod host;
mod world;

use linkgate_tenant::Operation;
use serde_json::json;

use crate::host::Baked;
use crate::world::{ALICE, Answer, GOOGLE, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_evaluator_decides_by_what_is_baked_in() {
    decides_by_what_is_baked_in("evaluator").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_edition_decides_by_what_is_baked_in() {
    decides_by_what_is_baked_in("proxy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_middleware_edition_decides_by_what_is_baked_in() {
    decides_by_what_is_baked_in("middleware").await;
}

/// Nothing in the file moves, so a chain takes a policy as the edition in it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_decides_by_what_is_baked_into_it() {
    let world = World::begin().await;
    decides(&world, Baked::chained(&world.policy(), &["--keys"])).await;
}

async fn decides_by_what_is_baked_in(edition: &str) {
    let world = World::begin().await;
    decides(&world, Baked::new(edition, &world.policy(), &["--keys"])).await;
}

/// A link is allowed, a stranger is not; a new key of the issuer's is not fetched.
async fn decides(world: &World, baked: Baked) {
    let asked = || [Operation::Discovery, Operation::Jwks].map(|what| world.tenant.arrived(what));
    assert_eq!(asked(), [1, 1], "each once, by `bake`");
    let host = baked.serve(world, &[]);

    let stranger = world.link(&host, GOOGLE, &world.bearer(ALICE)).await;
    assert_eq!(stranger, Answer::new(403, "subject-mismatch"));
    let linked = world.link(&host, ALICE, &world.bearer(ALICE)).await;
    assert_eq!(linked, Answer::new(201, ""));
    let ids = world.tenant.tenant().user(ALICE).map(linkgate_tenant::User::linked_ids);
    assert_eq!(ids.unwrap_or_default(), [GOOGLE]);

    let forged = world.forged(ALICE);
    world.rotate();
    for (row, bearer) in [("rotated", world.bearer(ALICE)), ("forged", forged)] {
        let answer = world.link(&host, ALICE, &bearer).await;
        assert_eq!(answer, Answer::new(503, "keys-unavailable"), "{row}: no key here decides");
    }
    assert_eq!(asked(), [1, 1], "nothing is fetched:\n{}", host.said());
    assert_eq!(world.tenant.count(Operation::Link), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_past_its_end_date_answers_503() {
    for edition in ["evaluator", "proxy", "middleware"] {
        let world = World::begin().await;
        let until = ["--keys", "--until", "2026-01-01T00:00:00Z"];
        let mut host = Baked::new(edition, &world.policy(), &until).serve(&world, &[]);
        let answer = world.link(&host, ALICE, &world.bearer(ALICE)).await;
        assert_eq!(answer, Answer::new(503, "keys-unavailable"), "{edition}:\n{}", host.said());
        // What is decided without a key is decided all the same.
        let answer = world.link(&host, ALICE, "garbage").await;
        assert_eq!(answer, Answer::new(401, "bearer-invalid"), "{edition}");
        host.tells(if edition == "evaluator" { "ended at 2026-01-01" } else { "has passed" });
        assert_eq!(
            (world.tenant.arrived(Operation::Jwks), world.tenant.count(Operation::Link)),
            (1, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_was_edited_decides_nothing() {
    let line = "expected the policy that was baked into this component, found it damaged";
    for edition in ["proxy", "middleware"] {
        let world = World::begin().await;
        let baked = Baked::new(edition, &world.policy(), &["--keys"]);
        let mut host = baked.edited(&world.origin).serve(&world, &[]);
        let refused = world.link(&host, ALICE, &world.bearer(ALICE)).await;
        assert_eq!(refused, Answer::new(503, "gate-unavailable"), "{edition}:\n{}", host.said());
        host.tells(line);
        assert_eq!(world.tenant.count(Operation::Link), 0);
    }
    let world = World::begin().await;
    let edited = Baked::new("evaluator", &world.policy(), &["--keys"]).edited(&world.origin);
    edited.does_not_start(&world, &[], line);
}

/// The environment of a component must not change what was baked into it.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_beside_the_one_that_is_baked_in_is_refused() {
    let line = "expected no policy beside the one that is baked into this component, found one";
    let mut open = World::begin().await.policy();
    open["pass"] = json!(["/api/v2/clients"]);
    for edition in ["proxy", "middleware"] {
        let world = World::begin().await;
        let baked = Baked::new(edition, &world.policy(), &["--keys"]);
        let beside = [("LINKGATE_POLICY".to_owned(), open.to_string())];
        let mut host = baked.serve(&world, &beside);
        let refused = world.link(&host, ALICE, &world.bearer(ALICE)).await;
        assert_eq!(refused, Answer::new(503, "gate-unavailable"), "{edition}:\n{}", host.said());
        host.tells(line);
    }
    let world = World::begin().await;
    let baked = Baked::new("evaluator", &world.policy(), &["--keys"]);
    baked.does_not_start(&world, &["--config", &baked.policy_file()], line);
}

/// With the end date given as a moment, nothing that is baked in tells when that was done.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_policy_and_keys_make_the_same_bytes() {
    let world = World::begin().await;
    let made = |end: [&str; 2]| {
        Baked::new("evaluator", &world.policy(), &[&["--keys"][..], &end].concat()).bytes()
    };
    let until = ["--until", "2026-01-01T00:00:00Z"];
    assert!(made(until) == made(until), "the same in, another out");
    assert!(made(until) != made(["--until", "2026-01-01T00:00:01Z"]), "the end date is not in it");
}

/// The proxy edition can hold its upstream, too.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_is_baked_in_on_request() {
    let world = World::begin().await;
    let baked = Baked::new("proxy", &world.policy(), &["--keys", "--upstream", &world.origin]);
    let host = baked.serve_with(&[]);
    let linked = world.link(&host, ALICE, &world.bearer(ALICE)).await;
    assert_eq!(linked, Answer::new(201, ""));

    let mut host = baked.serve(&world, &[]);
    let refused = world.link(&host, ALICE, &world.bearer(ALICE)).await;
    assert_eq!(refused, Answer::new(503, "gate-unavailable"));
    host.tells("LINKGATE_UPSTREAM: expected no upstream beside the one that is baked");
}
