//! The endpoint for keys: off unless asked for, and enough for another process.

use linkgate_tenant::ServeOptions;
use serde_json::{Value, json};

use crate::wire::*;
use crate::world::*;

impl Served {
    /// The `kid` of each key of the JWKS, as a client gets it.
    async fn kids(&self) -> Vec<Value> {
        let received = self.send(JWKS).await.unwrap();
        let set: Value = serde_json::from_str(received.body().1).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
    }
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let options = ServeOptions { fault_control: true, ..ServeOptions::default() };
    let served = Served::with(options).await;
    for (method, path) in [
        ("GET", "/__keys"),
        ("DELETE", "/__keys"),
        ("POST", "/__keys/rotate"),
        ("POST", "/__keys/withdraw"),
        ("POST", "/__keys/publish"),
    ] {
        let (status, _) = served.ask(method, path, r#"{"overlap": false}"#).await;
        assert_eq!(status, 404, "{method} {path}");
    }
    assert_eq!(served.kids().await, [key().kid()]);
}

#[tokio::test]
async fn another_process_rotates_withdraws_and_publishes() {
    let served = Served::new().await;
    let first = json!(key().kid());
    let (status, rotated) =
        within(served.ask("POST", "/__keys/rotate", r#"{"overlap": true}"#)).await;
    let second = rotated["kid"].clone();
    assert_eq!((status, served.kids().await), (201, vec![second.clone(), first.clone()]));
    let bearer = served.handle.tenant().mint_claims(&serde_json::Map::new()).unwrap();
    assert_eq!(json!(jsonwebtoken::decode_header(&bearer).unwrap().kid), second, "it signs");
    let listed = json!({"signing": second, "earlier": [first], "strange": []});
    assert_eq!(served.ask("GET", "/__keys", "").await, (200, listed));

    let withdraw = json!({ "kid": first }).to_string();
    assert_eq!(
        served.ask("POST", "/__keys/withdraw", &withdraw).await,
        (200, json!({"withdrawn": 1}))
    );
    assert_eq!(served.ask("POST", "/__keys/withdraw", &withdraw).await.0, 404);
    let signing = json!({ "kid": second }).to_string();
    assert_eq!(served.ask("POST", "/__keys/withdraw", &signing).await.0, 409);
    assert_eq!(served.kids().await, std::slice::from_ref(&second));

    let rotate = r#"{"overlap": false, "kid": "shared"}"#;
    let rotated = within(served.ask("POST", "/__keys/rotate", rotate)).await;
    assert_eq!(rotated, (201, json!({"kid": "shared"})));
    assert_eq!(served.kids().await, [json!("shared")], "nothing overlaps");

    let last = r#"{"keys": [{"kty": "oct", "kid": "shared"}, 7]}"#;
    let first = r#"{"keys": [{"kid": "front"}], "first": true}"#;
    for (keys, published) in [(last, 3), (first, 4)] {
        let answer = served.ask("POST", "/__keys/publish", keys).await;
        assert_eq!(answer, (200, json!({ "published": published })));
    }
    let four = [json!("front"), json!("shared"), json!("shared"), Value::Null];
    assert_eq!(served.kids().await, four);
    assert_eq!(served.ask("DELETE", "/__keys", "").await, (200, json!({"unpublished": 3})));
    assert_eq!(served.kids().await, [json!("shared")]);
}

#[tokio::test]
async fn what_the_endpoint_does_not_know_is_refused() {
    let served = Served::new().await;
    let rows = [
        ("PUT", "/__keys", "{}", 405),
        ("GET", "/__keys/rotate", "", 405),
        ("POST", "/__keys/rotate", "{}", 400),
        ("POST", "/__keys/rotate", r#"{"overlap": 1}"#, 400),
        ("POST", "/__keys/rotate", r#"{"overlap": true, "bits": 1024}"#, 400),
        ("POST", "/__keys/withdraw", "{}", 400),
        ("POST", "/__keys/publish", r#"{"keys": {}}"#, 400),
        ("POST", "/__keys/publish", r#"{"key": []}"#, 400),
        ("POST", "/__keys/revoke", "{}", 404),
        ("GET", "/__keys/", "", 404),
    ];
    for (method, path, body, status) in rows {
        let (found, answer) = served.ask(method, path, body).await;
        assert_eq!(found, status, "{method} {path} {body}: {answer}");
    }
    let form = "POST /__keys/rotate HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\n{\"overlap\":false}";
    assert_eq!(served.send(form).await.unwrap().status(), 415, "what a page could send unasked");
    assert_eq!(served.kids().await, [key().kid()]);
}
