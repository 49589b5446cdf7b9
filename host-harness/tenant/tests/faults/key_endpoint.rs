//! What a key endpoint and a discovery document do wrong, each asked for over the control endpoint.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::wire::*;

/// The operations, and how each is asked for.
const DOCUMENTS: [(&str, &str); 2] =
    [("jwks", "/.well-known/jwks.json"), ("discovery", "/.well-known/openid-configuration")];

/// The request for a document after it was set to fail in this way.
async fn fetched(served: &Served, operation: &str, path: &str, faults: &[Value]) -> Received {
    let faults: Vec<Value> =
        faults.iter().map(|fault| json!({"operation": operation, "fault": fault})).collect();
    let document = json!({ "faults": faults }).to_string();
    let (status, answer) = served.ask("POST", "/__faults", &document).await;
    assert_eq!(status, 201, "{answer}");
    let request = format!("GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    let received = served.send(request).await.unwrap();
    served.handle.clear_faults();
    received
}

fn answered(status: u16, headers: &Value, body: &Value) -> Value {
    json!({"status": {"at": "before_effect", "status": status, "headers": headers, "body": body}})
}

#[tokio::test]
async fn a_document_is_replaced_by_whatever_was_asked_for() {
    let served = Served::new().await;
    for (operation, path) in DOCUMENTS {
        let elsewhere = json!({"Location": "http://127.0.0.1:1/keys"});
        let html = json!({"Content-Type": "text/html"});
        let retry = json!({"Retry-After": "7", "X-RateLimit-Reset": "1750000060"});
        let other = json!({"issuer": "http://other/", "jwks_uri": "http://other/keys"});
        let rows = [
            (
                "redirect",
                answered(302, &elsewhere, &json!("")),
                302,
                "location: http://127.0.0.1:1/keys\r\n",
            ),
            (
                "HTML",
                answered(200, &html, &json!("<!doctype html>")),
                200,
                "content-type: text/html\r\n",
            ),
            (
                "no JSON",
                answered(200, &json!({}), &json!("{\"keys\": [")),
                200,
                "\r\n\r\n{\"keys\": [",
            ),
            ("other JSON", answered(200, &json!({}), &other), 200, "http://other/keys"),
            ("status", answered(503, &json!({}), &Value::Null), 503, "\"statusCode\":503"),
            ("limit", answered(429, &retry, &Value::Null), 429, "retry-after: 7\r\n"),
            (
                "reset time",
                answered(429, &retry, &Value::Null),
                429,
                "x-ratelimit-reset: 1750000060\r\n",
            ),
        ];
        for (name, fault, status, part) in rows {
            let received = fetched(&served, operation, path, &[fault]).await;
            assert_eq!((received.status(), received.end), (status, Ok(())), "{operation}, {name}");
            assert!(received.text.contains(part), "{operation}, {name}: {}", received.text);
        }
    }
}

#[tokio::test]
async fn a_documents_headers_are_changed_and_its_content_kept() {
    let served = Served::new().await;
    for (operation, path) in DOCUMENTS {
        let plain = fetched(&served, operation, path, &[]).await;
        assert!(
            plain.text.contains("\r\ncache-control: public, max-age=15, "),
            "as Auth0 sends it"
        );
        let set = |headers: Value| json!({"amend": {"headers": headers}});
        let rows = [
            ("set", set(json!({"Cache-Control": "max-age=600"})), Some("max-age=600")),
            ("absent", set(json!({"Cache-Control": null})), None),
        ];
        for (name, fault, expected) in rows {
            let received = fetched(&served, operation, path, &[fault]).await;
            let mut lines =
                received.text.lines().filter_map(|line| line.strip_prefix("cache-control: "));
            assert_eq!((lines.next(), lines.next()), (expected, None), "{operation}, {name}");
            assert_eq!(received.body(), plain.body(), "{operation}, {name}");
        }
        let twice = [set(json!({"x-a": "1"})), set(json!({"x-a": "2", "x-b": "3"}))];
        let received = fetched(&served, operation, path, &twice).await;
        assert!(
            received.text.contains("x-a: 2\r\n") && !received.text.contains("x-a: 1"),
            "the last wins"
        );
    }
}

#[tokio::test]
async fn a_document_of_ten_megabytes_is_still_itself() {
    const BYTES: usize = 10 * 1024 * 1024;
    let served = Served::new().await;
    for (operation, path) in DOCUMENTS {
        let plain = fetched(&served, operation, path, &[]).await;
        let padded = json!({"amend": {"pad_to_bytes": BYTES}});
        let received = fetched(&served, operation, path, std::slice::from_ref(&padded)).await;
        let (announced, body) = received.body();
        assert_eq!((announced, body.len(), body.trim_end()), (BYTES, BYTES, plain.body().1));

        let garbage = answered(200, &json!({}), &json!("x"));
        let received = fetched(&served, operation, path, &[garbage, padded.clone()]).await;
        assert_eq!((received.body().0, received.body().1.trim_end()), (BYTES, "x"), "{operation}");
        let cut = json!({"cut_body": {"after_bytes": 1_000_000}});
        let received = fetched(&served, operation, path, &[cut, padded]).await;
        assert_eq!((received.body().0, received.body().1.len()), (BYTES, 1_000_000), "{operation}");
    }
}

#[tokio::test]
async fn a_document_comes_piece_by_piece() {
    let served = Served::new().await;
    for (operation, path) in DOCUMENTS {
        let plain = fetched(&served, operation, path, &[]).await;
        let bytes = plain.body().0.div_ceil(4);
        let started = Instant::now();
        let drip = json!({"drip": {"bytes": bytes, "every_ms": 40}});
        let received = fetched(&served, operation, path, &[drip]).await;
        assert!(
            started.elapsed() >= Duration::from_millis(120),
            "three pauses between four pieces"
        );
        assert_eq!((received.body(), received.end), (plain.body(), Ok(())), "{operation}");
    }
}

#[tokio::test]
async fn a_head_arrives_long_before_a_dripping_body() {
    let served = Served::new().await;
    let document = json!({"faults": [{"operation": "jwks", "fault": {"drip": {"bytes": 8, "every_ms": 3_600_000}}}]});
    assert_eq!(served.ask("POST", "/__faults", &document.to_string()).await.0, 201);
    let mut stream = served.open(JWKS).await;
    let begun = tokio::task::spawn_blocking(move || {
        use std::io::Read;
        let mut text = String::new();
        while !text.ends_with(r#"{"keys":"#) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            text.push(char::from(byte[0]));
        }
        text
    });
    assert!(within(begun).await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}
