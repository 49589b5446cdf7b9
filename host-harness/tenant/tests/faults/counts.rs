//! How often each operation was asked for, from within and from without.

use linkgate_tenant::faults::{Fault, FaultRule};
use linkgate_tenant::{Operation, ServeOptions};
use serde_json::json;

use crate::wire::*;

const DISCOVERY: &str =
    "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
const TOKEN: &str =
    "POST /oauth/token HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn every_operation_is_counted_even_one_that_is_never_answered() {
    let served = Served::new().await;
    let nothing = json!({"discovery": 0, "jwks": 0, "sign_in": 0, "login": 0, "read_user": 0, "update_user": 0,
                         "link": 0, "unlink": 0, "unrouted": 0});
    let expected = json!({"arrived": nothing, "received": nothing});
    assert_eq!(served.ask("GET", "/__requests", "").await, (200, expected.clone()));

    served.handle.add_fault(FaultRule::new(Operation::Jwks, Fault::Hold { at: BEFORE }));
    let held = served.send(JWKS);
    for request in [DISCOVERY, DISCOVERY, TOKEN] {
        served.send(request).await.unwrap();
    }
    within(served.handle.until_arrived(Operation::Jwks, 1)).await;
    let (_, counts) = served.ask("GET", "/__requests", "").await;
    for (operation, arrived, received) in [("discovery", 2, 2), ("jwks", 1, 0), ("sign_in", 1, 1)] {
        let found = (&counts["arrived"][operation], &counts["received"][operation]);
        assert_eq!(found, (&json!(arrived), &json!(received)), "{operation}");
    }
    assert_eq!(served.handle.arrived(Operation::Jwks), 1);
    assert_eq!(served.handle.count(Operation::Jwks), 0, "it has had no effect yet");

    within(served.handle.release_all()).await;
    held.await.unwrap();
    assert_eq!(served.handle.count(Operation::Jwks), 1);
    assert_eq!(served.ask("DELETE", "/__requests", "").await, (200, expected));
}

#[tokio::test]
async fn another_process_waits_for_a_count() {
    let served = Served::new().await;
    let waiting = served.ask("GET", "/__requests?jwks=2&discovery=1", "");
    let asked = async {
        for request in [JWKS, DISCOVERY, JWKS] {
            served.send(request).await.unwrap();
        }
    };
    let ((status, counts), ()) = within(async { tokio::join!(waiting, asked) }).await;
    let found = (&counts["arrived"]["jwks"], &counts["arrived"]["discovery"]);
    assert_eq!((status, found), (200, (&json!(2), &json!(1))));
}

#[tokio::test]
async fn what_it_does_not_know_is_refused_and_it_is_there_only_with_another() {
    let served = Served::new().await;
    for (method, path, status) in [
        ("GET", "/__requests?keys=1", 400),
        ("GET", "/__requests?jwks=many", 400),
        ("POST", "/__requests", 405),
        ("GET", "/__requests/jwks", 404),
    ] {
        assert_eq!(served.ask(method, path, "{}").await.0, status, "{method} {path}");
    }
    for (name, options, status) in [
        ("nothing", ServeOptions::default(), 404),
        ("faults", ServeOptions { fault_control: true, ..ServeOptions::default() }, 200),
        ("keys", ServeOptions { key_control: true, ..ServeOptions::default() }, 200),
    ] {
        let served = Served::with(options).await;
        assert_eq!(served.ask("GET", "/__requests", "").await.0, status, "with {name}");
    }
}
