//! The story: who asks for what, and how it has to end.

use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tenant::{Answer, Operation};
use serde_json::{Value, json};

use super::Stage;
use super::calls::{disguised, get, json_call, link_form, link_json, sign_in, unlink};
use super::tokens::Tokens;
use crate::client::Call;

/// A request, and how it has to end.
pub(crate) struct Scene {
    pub(crate) title: &'static str,
    /// What is made so before it.
    pub(crate) before: Vec<Before>,
    pub(crate) call: Call,
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) upstream_called: bool,
    /// What has to become of metadata, where it is merged.
    pub(crate) metadata: Option<&'static str>,
}

/// What is made so before a scene.
pub(crate) enum Before {
    /// All accounts are as they were at the beginning.
    AccountsAnew,
    /// The gateway gets a policy with this `metadata`.
    Merging(Value),
    /// Something goes wrong at the tenant.
    Fault(FaultRule),
}

impl Scene {
    fn new(
        title: &'static str,
        call: Call,
        status: u16,
        reason: &'static str,
        upstream_called: bool,
    ) -> Self {
        Self { title, before: vec![], call, status, reason, upstream_called, metadata: None }
    }
}

pub(crate) const ALICE: &str = "auth0|alice-5f7c8ec7";
pub(crate) const ALICE_ELSEWHERE: &str = "google-oauth2|115015401343387192604";
pub(crate) const BOB: &str = "auth0|bob-60d1f2a4";
pub(crate) const CAROL: &str = "auth0|carol-61aa03bc";

/// The application that everybody signs in to.
pub(crate) const CLIENT: &str = "spa";
pub(crate) const LINKING: [&str; 1] = ["update:current_user_identities"];

/// All scenes, in the order in which they build on each other.
///
/// # Errors
///
/// A sign-in or a token did not work.
pub(crate) async fn scenes(stage: &Stage) -> Result<Vec<Scene>, String> {
    let tokens = Tokens::of(stage).await?;
    let mut scenes = sign_ins(stage);
    scenes.extend(own_account(&tokens));
    scenes.extend(refused(&tokens));
    scenes.extend(taken_off(&tokens));
    scenes.extend(merged(&tokens));
    Ok(scenes)
}

/// Sign-ins are nothing to the gate: they pass.
fn sign_ins(stage: &Stage) -> Vec<Scene> {
    let passed = |title, username, password| {
        Scene::new(title, sign_in(stage, username, password), 200, "passed", true)
    };
    vec![
        passed("Alice signs in", ALICE, "alice-pw"),
        passed("… and to her second account", ALICE_ELSEWHERE, "alice-google-pw"),
    ]
}

/// What Alice may do.
fn own_account(tokens: &Tokens) -> Vec<Scene> {
    let granted = |title, call, status| Scene::new(title, call, status, "granted", true);
    vec![
        granted(
            "she links it, as a form",
            link_form(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            201,
        ),
        granted("she reads her identities", get(ALICE, &tokens.alice), 200),
        granted(
            "she unlinks it",
            unlink(ALICE, &tokens.alice, "google-oauth2/115015401343387192604"),
            200,
        ),
        granted(
            "she links it, as JSON",
            link_json(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            201,
        ),
        granted(
            "… once more: upstream objects",
            link_json(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            409,
        ),
    ]
}

/// What no caller may do.
fn refused(tokens: &Tokens) -> Vec<Scene> {
    let denied = |title, call, status, reason| Scene::new(title, call, status, reason, false);
    let alice = Some(&tokens.alice);
    vec![
        denied(
            "Bob links to Alice's account",
            link_json(ALICE, Some(&tokens.bob), &tokens.elsewhere),
            403,
            "subject-mismatch",
        ),
        denied(
            "Bob unlinks from Alice's",
            unlink(ALICE, &tokens.bob, "google-oauth2/115015401343387192604"),
            403,
            "subject-mismatch",
        ),
        denied("no token", link_json(ALICE, None, &tokens.elsewhere), 401, "bearer-missing"),
        denied(
            "an expired token",
            link_json(ALICE, Some(&tokens.expired), &tokens.elsewhere),
            401,
            "bearer-invalid",
        ),
        denied(
            "a forged token",
            link_json(ALICE, Some(&tokens.forged), &tokens.elsewhere),
            401,
            "bearer-invalid",
        ),
        denied(
            "a machine's token",
            link_json(ALICE, Some(&tokens.machine), &tokens.elsewhere),
            403,
            "bearer-of-machine",
        ),
        denied(
            "link_with from another app",
            link_json(ALICE, alice, &tokens.other_client),
            400,
            "link-with-invalid",
        ),
        denied(
            "link_with of the same account",
            link_json(ALICE, alice, &tokens.same_account),
            400,
            "same-account",
        ),
        denied(
            "second account by user_id",
            json_call(ALICE, alice, &json!({ "provider": "auth0", "user_id": BOB })),
            400,
            "link-by-user-id-refused",
        ),
        denied("a disguised path", disguised(&tokens.alice), 400, "path-refused"),
        denied(
            "another user endpoint",
            get("auth0%7Calice-5f7c8ec7/roles", &tokens.alice),
            403,
            "route-refused",
        ),
    ]
}

/// Unlinking, to the end.
fn taken_off(tokens: &Tokens) -> Vec<Scene> {
    let granted = |title, call, status| Scene::new(title, call, status, "granted", true);
    vec![
        granted(
            "Alice unlinks it again",
            unlink(ALICE, &tokens.alice, "google-oauth2/115015401343387192604"),
            200,
        ),
        granted(
            "… and the primary: upstream objects",
            unlink(ALICE, &tokens.alice, "auth0/alice-5f7c8ec7"),
            400,
        ),
    ]
}

/// Metadata, carried over before the link destroys it: from here on the accounts are new each time.
fn merged(tokens: &Tokens) -> Vec<Scene> {
    let link = |title, status, reason, metadata, before| Scene {
        before,
        metadata: Some(metadata),
        ..Scene::new(
            title,
            link_json(ALICE, Some(&tokens.alice), &tokens.elsewhere),
            status,
            reason,
            true,
        )
    };
    let refuses = || {
        let body = json!({
            "statusCode": 403, "error": "Forbidden", "message": "refused, on purpose",
        });
        let answer = Answer::json(403, &body);
        let fault = Fault::Status { at: Point::BeforeEffect, answer };
        Before::Fault(FaultRule::new(Operation::Link, fault).times(1))
    };
    let lost = |operation, nth| {
        let fault = Fault::Reset { at: Point::AfterEffect };
        Before::Fault(FaultRule::new(operation, fault).on_occurrence(nth))
    };
    vec![
        link(
            "Alice links, both colors are kept",
            201,
            "granted",
            "merged",
            vec![Before::AccountsAnew, Before::Merging(metadata())],
        ),
        link(
            "upstream refuses: the entry stays",
            403,
            "granted",
            "kept",
            vec![Before::AccountsAnew, refuses()],
        ),
        link("… the client tries again", 201, "granted", "merged", vec![]),
        link(
            "the link's answer is lost",
            504,
            "link-outcome-unknown",
            "kept",
            vec![Before::AccountsAnew, lost(Operation::Link, 1), lost(Operation::ReadUser, 4)],
        ),
        link("… tried again: it is found linked", 201, "link-found", "merged", vec![]),
    ]
}

/// How the story merges: with a token that the gate asks for.
pub(super) fn metadata() -> Value {
    json!({
        "credentials": "service",
        "service": { "client_id": "machine", "client_secret": "MACHINE" },
        "include": "*",
        "conflicts": "keep-both",
        "depth": "deep",
        "arrays": "union",
    })
}
