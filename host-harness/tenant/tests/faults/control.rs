//! The endpoint: off unless asked for, strict, and enough for another process.

use linkgate_tenant::faults::Fault;
use linkgate_tenant::{Operation, ServeOptions};
use serde_json::{Value, json};

use crate::wire::*;

const HOLD: &str = r#"{"faults": [{"operation": "link", "occurrence": 1, "fault": {"hold": {"at": "before_effect"}}}]}"#;

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let served = Served::with(ServeOptions::default()).await;
    let unknown = served.ask("GET", "/nowhere", "").await;
    assert_eq!(unknown.0, 404);
    for (method, path) in [
        ("GET", "/__faults"),
        ("POST", "/__faults"),
        ("DELETE", "/__faults"),
        ("POST", "/__faults/release"),
    ] {
        assert_eq!(served.ask(method, path, HOLD).await, unknown, "{method} {path}");
    }
    assert_eq!(served.handle.fault_counts(), []);
    assert_eq!(served.handle.count(Operation::Unrouted), 5, "they are requests like any other");
}

#[tokio::test]
async fn another_process_holds_sees_and_releases() {
    let served = Served::new().await;
    assert_eq!(served.ask("POST", "/__faults", HOLD).await, (201, json!({"ids": [1]})));
    let client = served.open(served.link()).await;
    let (status, report) = within(served.ask("GET", "/__faults?held=1", "")).await;
    assert_eq!(status, 200);
    assert_eq!(
        report["faults"],
        json!([{"id": 1, "operation": "link", "occurrence": 1, "seen": 1, "fired": 1,
                "fault": {"hold": {"at": "before_effect"}}}])
    );
    assert_eq!((&report["held"][0]["id"], &report["received"]), (&json!(1), &json!({})));
    drop(client);
    let (_, report) = within(served.ask("GET", "/__faults?gone=1", "")).await;
    assert_eq!(report["held"][0]["client_gone"], json!(true));

    let release = r#"{"id": 1}"#;
    let released = within(served.ask("POST", "/__faults/release", release)).await;
    assert_eq!(released, (200, json!({"released": [1]})));
    assert!(served.is_linked());
    assert_eq!(served.ask("POST", "/__faults/release", release).await.0, 404);
    let all = served.ask("POST", "/__faults/release", r#"{"all": true}"#).await;
    assert_eq!(all, (200, json!({"released": []})));
    assert_eq!(served.ask("DELETE", "/__faults", "").await, (200, json!({"cleared": 1})));
    let (_, report) = served.ask("GET", "/__faults", "").await;
    assert_eq!(report, json!({"faults": [], "held": [], "received": {"link": 1}}));
}

#[tokio::test]
async fn a_plan_is_shown_in_the_form_it_was_given_in() {
    let served = Served::new().await;
    let faults = json!([
        {"operation": "sign_in", "fault": {"delay": {"at": "after_effect", "ms": 5}}, "times": 2},
        {"operation": "unrouted", "fault": {"reset": {"at": "before_effect"}}, "probability": 0.5, "seed": 1},
        {"operation": "jwks", "fault": {"cut_body": {"after_bytes": 3}}},
        {"operation": "jwks", "fault": {"drip": {"bytes": 3, "every_ms": 10}}},
        {"operation": "jwks", "fault": {"amend": {"headers": {"cache-control": null, "x-a": "b"}, "pad_to_bytes": 9}}},
        {"operation": "jwks", "fault": {"amend": {}}},
        {"operation": "link", "fault": {"hang_up": {}}},
        {"operation": "discovery", "fault": {"cut_body": {}}},
        {"operation": "read_user", "fault": {"status": {"at": "before_effect", "status": 502,
            "headers": {"content-type": "text/html"}, "body": "<h1>502</h1>"}}},
    ]);
    let document = json!({ "faults": faults }).to_string();
    assert_eq!(served.ask("POST", "/__faults", &document).await.0, 201);
    let (_, mut report) = served.ask("GET", "/__faults", "").await;
    for shown in report["faults"].as_array_mut().unwrap() {
        for added in ["id", "seen", "fired"] {
            shown.as_object_mut().unwrap().remove(added).unwrap();
        }
    }
    assert_eq!(report["faults"], faults);
}

#[tokio::test]
async fn a_status_without_a_body_has_the_shape_of_the_api() {
    let served = Served::new().await;
    let document = r#"{"faults": [{"operation": "jwks", "fault": {"status": {"at": "before_effect", "status": 503}}}]}"#;
    served.ask("POST", "/__faults", document).await;
    let received = served.send(JWKS).await.unwrap();
    let body: Value = serde_json::from_str(received.body().1).unwrap();
    assert_eq!((received.status(), &body["statusCode"]), (503, &json!(503)));
    assert_eq!(body["error"], json!("Service Unavailable"));
}

#[tokio::test]
async fn what_the_endpoint_does_not_know_is_refused() {
    let served = Served::new().await;
    served.on_link(Fault::Hold { at: BEFORE });
    let rows = [
        ("PUT", "/__faults", "{}", 405),
        ("GET", "/__faults/release", "", 405),
        ("GET", "/__faults?held=one", "", 400),
        ("GET", "/__faults?released=1", "", 400),
        ("POST", "/__faults/release", "{}", 400),
        ("POST", "/__faults/release", r#"{"all": false}"#, 400),
        ("POST", "/__faults/release", r#"{"id": 1, "all": true}"#, 400),
        ("POST", "/__faults/release", r#"{"ids": [1]}"#, 400),
        ("GET", "/__faults/", "", 404),
        ("GET", "/__faultsx", "", 404),
    ];
    for (method, path, body, status) in rows {
        let (found, answer) = served.ask(method, path, body).await;
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
    }
    let form = "POST /__faults HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(served.send(form).await.unwrap().status(), 415, "what a page could send unasked");
    assert_eq!(served.handle.fault_counts().len(), 1);
}
