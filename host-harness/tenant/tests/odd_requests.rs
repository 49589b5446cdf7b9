//! Whatever arrives gets an answer: JSON, with a status that is no fault of the tenant's.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod world;

use linkgate_tenant::{MAX_BODY_BYTES, Request};
use serde_json::json;

use world::*;

#[test]
fn odd_targets_are_answered() {
    let mut world = World::new();
    let bearer = world.machine(&["read:users", "update:users"]);
    let targets = [
        "",
        "*",
        "/",
        "//",
        "?",
        "/?",
        "#",
        "/#",
        "http://",
        "http://x",
        "https://x/api/v2/users/auth0|a",
        "ftp://x/y",
        "/api/v2/users/%",
        "/api/v2/users/%0",
        "/api/v2/users/%00",
        "/api/v2/users/%ff",
        "/api/v2/users/..",
        "/api/v2/users/%2e%2e",
        "/api/v2/users/a;b",
        "/api/v2/users/a\\b",
        "/api/v2/users/a/identities/../..",
        "/api/v2/users/\u{202e}",
        "/api/v2/users/a?fields=%ff%zz&&=&",
        "example.com:443",
        "\u{0}",
        "/\r\n",
    ];
    for target in targets {
        for method in
            ["GET", "POST", "PATCH", "DELETE", "OPTIONS", "CONNECT", "get", "", "\u{1F600}"]
        {
            let answer = world.send(&Request::new(method, target).with_bearer(&bearer));
            assert!((400..=404).contains(&answer.status), "{method} {target:?}: {}", answer.status);
            assert!(answer.body_json().is_ok(), "{method} {target:?}");
        }
    }
}

#[test]
fn odd_bodies_are_answered() {
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 12] = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{",
        b"null",
        b"\"x\"",
        b"{\"a\":1e999}",
        b"{\"link_with\":\"\\ud800\"}",
        b"=&=&[]=",
        b"%",
        deep.as_bytes(),
    ];
    let mut world = World::new();
    let (bearer, machine) = (world.access(ALICE, LINK), world.machine(&["update:users"]));
    for body in bodies {
        for media_type in [
            "application/json",
            "application/x-www-form-urlencoded",
            "Application/JSON ; x",
            "",
            ";",
            "é",
        ] {
            let requests = [
                Request::new("POST", &format!("{}/identities", path(ALICE))).with_bearer(&bearer),
                Request::new("PATCH", &path("auth0|nobody")).with_bearer(&machine),
                Request::new("POST", "/oauth/token"),
            ];
            for request in requests {
                let answer = world.send(&request.clone().with_body(media_type, body));
                assert!(
                    (400..=415).contains(&answer.status),
                    "{request:?} {media_type}: {}",
                    answer.status
                );
                assert!(answer.body_json().is_ok(), "{request:?} {media_type}");
            }
        }
    }
}

#[test]
fn odd_authorizations_are_answered() {
    let mut world = World::new();
    let good = world.access(ALICE, &["read:current_user"]);
    let rows = [
        ("nothing", String::new(), 400),
        ("a scheme alone", "Bearer".to_owned(), 400),
        ("a scheme and a space", "Bearer ".to_owned(), 400),
        ("dots", "Bearer ..".to_owned(), 401),
        ("not base64", "Bearer é.é.é".to_owned(), 401),
        ("two in one", format!("Bearer {good}, Bearer {good}"), 400),
        ("another scheme", format!("DPoP {good}"), 401),
        ("lower case", format!("bearer {good}"), 200),
    ];
    for (name, value, status) in rows {
        let request = Request::new("GET", &path(ALICE)).with_header("authorization", &value);
        assert_eq!(world.send(&request).status, status, "{name}");
    }
}

#[test]
fn the_body_limit_is_exact() {
    let mut world = World::new();
    let bearer = world.access(ALICE, LINK);
    let request = Request::new("POST", &format!("{}/identities", path(ALICE))).with_bearer(&bearer);
    for (bytes, status) in [(MAX_BODY_BYTES, 400), (MAX_BODY_BYTES + 1, 413)] {
        assert_eq!(
            world.send(&request.clone().with_body("application/json", vec![b' '; bytes])).status,
            status,
            "{bytes}"
        );
    }
}

#[test]
fn management_answers_tell_the_rate_limit_and_others_do_not() {
    let mut world = World::new();
    let bearer = world.machine(&["read:users"]);
    for (request, expected) in [
        (read(ALICE, &bearer), true),
        (read(ALICE, "x"), true),
        (Request::new("GET", "/.well-known/jwks.json"), false),
    ] {
        let answer = world.send(&request);
        for name in ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] {
            let told = answer.header(name).map(|value| value.parse::<u64>().unwrap());
            assert_eq!(told.is_some(), expected, "{request:?} {name}");
        }
    }
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let mut world = World::new();
    let body = json!({"grant_type": "password", "client_id": "spa", "username": ALICE, "password": "alice-pw"});
    let request =
        Request::new("POST", "/oauth/token").with_bearer("opaque-bearer").with_json(&body);
    let answer = world.send(&request);
    let shown = format!("{request:?} {answer:?} {:?}", world.tenant);
    for hidden in ["opaque-bearer", "alice-pw", "eyJ", "machine-secret", "provider-token"] {
        assert!(!shown.contains(hidden), "{hidden} shows in {shown}");
    }
}
