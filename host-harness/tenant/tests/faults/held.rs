//! Requests that stand still: seen, released, late, and dropped with the server.

use linkgate_tenant::Operation;
use linkgate_tenant::faults::Fault;

use crate::wire::*;
use crate::world::*;

#[tokio::test]
async fn a_held_request_is_listed_and_goes_on_when_released() {
    for (at, linked_while_held) in [(BEFORE, false), (AFTER, true)] {
        let served = Served::new().await;
        let fault = served.on_link(Fault::Hold { at });
        let client = served.send(served.link());
        let held = within(served.handle.until_held(|held| !held.is_empty())).await;
        let [request] = held.as_slice() else { panic!("one request was sent: {held:?}") };
        assert_eq!(
            (request.fault, request.operation, request.at, request.client_gone),
            (fault, Operation::Link, at, false)
        );
        assert_eq!(request.target, format!("{}/identities", path(ALICE)));
        assert_eq!(served.is_linked(), linked_while_held, "{at:?}");
        assert!(!client.is_finished(), "{at:?}");

        assert!(within(served.handle.release(request.id)).await, "{at:?}");
        assert!(served.is_linked(), "{at:?}: release returns when the effect is there");
        let received = client.await.unwrap();
        assert_eq!((received.status(), received.end), (201, Ok(())), "{at:?}");
        assert_eq!(served.handle.held(), [], "{at:?}");
        assert!(!within(served.handle.release(request.id)).await, "{at:?}: once only");
    }
}

#[tokio::test]
async fn the_effect_comes_late_to_a_client_that_has_gone() {
    let served = Served::new().await;
    served.on_link(Fault::Hold { at: BEFORE });
    let client = served.open(served.link()).await;
    within(served.handle.until_held(|held| held.len() == 1)).await;
    drop(client);
    let held = within(served.handle.until_held(|held| held[0].client_gone)).await;
    assert!(!served.is_linked());
    assert!(within(served.handle.release(held[0].id)).await);
    assert!(served.is_linked());
    assert_eq!(served.handle.requests()[0].status, 201, "the log has the answer that was lost");
}

#[tokio::test]
async fn a_request_that_went_on_can_be_held_again() {
    let served = Served::new().await;
    served.on_link(Fault::Hold { at: BEFORE });
    served.on_link(Fault::Hold { at: BEFORE });
    served.on_link(Fault::Hold { at: AFTER });
    served.on_link(Fault::Reset { at: AFTER });
    let client = served.send(served.link());
    for (id, linked) in [(1, false), (2, false), (3, true)] {
        let held = within(served.handle.until_held(|held| !held.is_empty())).await;
        assert_eq!((held[0].id, held[0].fault, served.is_linked()), (id, id, linked));
        assert_eq!(within(served.handle.release_all()).await, [id]);
    }
    assert!(client.await.unwrap().is_reset());
}

#[tokio::test]
async fn clearing_the_plan_leaves_what_is_held() {
    let served = Served::new().await;
    served.on_link(Fault::Hold { at: BEFORE });
    let client = served.send(served.link());
    within(served.handle.until_held(|held| held.len() == 1)).await;
    assert_eq!(served.handle.clear_faults(), 1);
    assert_eq!(served.handle.held().len(), 1);
    assert_eq!(within(served.handle.release_all()).await, [1]);
    assert_eq!(client.await.unwrap().status(), 201);
}

#[tokio::test]
async fn what_is_held_ends_with_the_server() {
    let served = Served::new().await;
    served.on_link(Fault::Hold { at: BEFORE });
    let client = served.send(served.link());
    within(served.handle.until_held(|held| held.len() == 1)).await;
    served.stop.send(()).unwrap();
    assert!(client.await.unwrap().is_reset());
    within(served.server).await.unwrap();
    within(served.handle.until_held(<[_]>::is_empty)).await;
    let tenant = served.handle.tenant();
    assert!(tenant.user(ALICE).unwrap().linked_ids().is_empty(), "it never had its effect");
}
