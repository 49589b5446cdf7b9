//! Effects that come after a failure was reported to the client.

use linkgate_tenant::faults::{Fault, FaultRule};
use linkgate_tenant::{NO_ANSWER, Operation};
use serde_json::json;

use crate::wire::*;
use crate::world::*;

#[tokio::test]
async fn the_client_is_reset_and_the_effect_comes_when_it_is_released() {
    let served = Served::new().await;
    served.on_link(Fault::HangUp);
    served.on_link(Fault::Hold { at: BEFORE });
    assert!(within(served.send(served.link())).await.unwrap().is_reset());
    let held =
        within(served.handle.until_held(|held| held.len() == 1 && held[0].client_gone)).await;
    assert!(!served.is_linked(), "nothing has happened yet");
    assert_eq!((served.handle.received(), served.handle.arrived(Operation::Link)), (0, 1));

    assert!(within(served.handle.release(held[0].id)).await);
    assert!(served.is_linked(), "it happens behind the client's back");
    assert_eq!(served.handle.requests()[0].status, 201, "the log has the answer that was lost");
}

#[tokio::test]
async fn the_client_is_reset_and_the_effect_comes_by_itself() {
    let served = Served::new().await;
    served.on_link(Fault::HangUp);
    served.on_link(Fault::Delay { at: BEFORE, ms: 50 });
    served.on_link(Fault::Hold { at: AFTER });
    assert!(within(served.send(served.link())).await.unwrap().is_reset());
    let held = within(served.handle.until_held(|held| !held.is_empty())).await;
    assert!(served.is_linked() && held[0].client_gone, "held where its effect is done");
}

#[tokio::test]
async fn a_reset_before_the_effect_prevents_it_behind_a_hang_up_too() {
    let served = Served::new().await;
    served.on_link(Fault::HangUp);
    served.on_link(Fault::Reset { at: BEFORE });
    let (done, mut recorded) = tokio::sync::mpsc::unbounded_channel();
    served.handle.watch(move |seen| done.send(seen.status).unwrap_or_default());
    assert!(within(served.send(served.link())).await.unwrap().is_reset());
    assert_eq!(within(recorded.recv()).await, Some(NO_ANSWER));
    assert!(!served.is_linked());
}

/// Every operation, so that a test can stop a gateway at any of its calls.
#[tokio::test]
async fn every_operation_can_be_held_before_and_after_its_effect() {
    for operation in Operation::ALL {
        for at in [BEFORE, AFTER] {
            let served = Served::new().await;
            served.handle.add_fault(FaultRule::new(operation, Fault::Hold { at }).on_occurrence(1));
            let client = served.send(request_for(&served, operation));
            let held = within(served.handle.until_held(|held| !held.is_empty())).await;
            assert_eq!((held[0].operation, held[0].at), (operation, at));
            assert!(!client.is_finished(), "{operation:?} {at:?}");
            assert!(within(served.handle.release(held[0].id)).await, "{operation:?} {at:?}");
            let received = client.await.unwrap();
            let expected = if operation == Operation::Unrouted { 404 } else { 200 };
            let expected = if operation == Operation::Link { 201 } else { expected };
            assert_eq!(received.status(), expected, "{operation:?} {at:?}: {}", received.text);
        }
    }
}

/// A request that the operation grants.
fn request_for(served: &Served, operation: Operation) -> String {
    let machine = || {
        let tenant = served.handle.tenant();
        let scopes = ["read:users", "update:users"];
        tenant.mint_machine_token("machine", &scopes, hour_from_now()).unwrap()
    };
    match operation {
        Operation::Discovery => sent("GET", "/.well-known/openid-configuration", "", ""),
        Operation::Jwks => JWKS.to_owned(),
        Operation::SignIn => {
            let body = json!({
                "grant_type": "client_credentials", "client_id": "machine",
                "client_secret": "machine-secret", "audience": format!("{ISSUER}api/v2/"),
            });
            sent("POST", "/oauth/token", "", &body.to_string())
        }
        Operation::ReadUser => sent("GET", &path(ALICE), &machine(), ""),
        Operation::UpdateUser => {
            sent("PATCH", &path(ALICE), &machine(), r#"{"user_metadata": {"a": 1}}"#)
        }
        Operation::Link => served.link(),
        Operation::Unlink => {
            let twitter = format!("{}/identities/twitter/2244994945", path(CAROL));
            sent("DELETE", &twitter, &machine(), "")
        }
        Operation::Login => sent("GET", "/user/ssodata", "", ""),
        Operation::Unrouted => sent("GET", "/nowhere", "", ""),
    }
}

fn sent(method: &str, target: &str, bearer: &str, body: &str) -> String {
    let authorization = if bearer.is_empty() {
        String::new()
    } else {
        format!("Authorization: Bearer {bearer}\r\n")
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
