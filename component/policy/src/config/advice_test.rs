//! What is legal but unwise, and what is not worth a word.

use serde_json::{Value, json};

use super::host::{Abilities, Secrets};
use super::review::review;
use crate::testing::{self, NOW};

/// The places of the warnings for the good document with one value put in.
fn warned(pointer: &str, value: Value) -> Vec<String> {
    let mut document = testing::document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    let host = Abilities::ALL;
    let review = review(&document.to_string(), &Secrets::stand_in(), host, NOW);
    assert!(review.mistakes.is_empty(), "{pointer}: {:?}", review.mistakes);
    assert!(review.warnings.iter().all(|warning| warning.help.is_some()), "{pointer}");
    review.warnings.into_iter().map(|warning| warning.pointer).collect()
}

#[test]
fn what_is_unwise_is_told_where_it_stands() {
    let issuer = "/issuers/0";
    for (pointer, value, places) in [
        ("/clock_skew", json!("2m"), [].as_slice()),
        ("/clock_skew", json!("3m"), &["/clock_skew"]),
        ("/kind", json!("id-token"), &["/kind"]),
        ("/kind", json!("access-token"), &[]),
        ("/scopes", json!([]), &["/scopes"]),
        ("/scopes", json!(["a"]), &[]),
        (
            "/secondary",
            json!({ "algorithms": ["EdDSA"], "max_age": "off" }),
            &["/secondary/max_age"],
        ),
        (
            "/secondary",
            json!({ "algorithms": ["EdDSA"], "max_age": "25h" }),
            &["/secondary/max_age"],
        ),
        ("/secondary", json!({ "algorithms": ["EdDSA"], "max_age": "24h" }), &[]),
        ("/shadow", json!(["scopes"]), &["/shadow/0"]),
        (
            "/secondary",
            json!({ "algorithms": ["EdDSA"], "shadow": ["max_age"] }),
            &["/secondary/shadow/0"],
        ),
        ("/keys", json!({ "discovery": true, "stale": "0s" }), &["/keys/stale"]),
        ("/keys", json!({ "discovery": true, "stale": "48h" }), &["/keys/stale"]),
        ("/keys", json!({ "discovery": true, "stale": "1h" }), &[]),
        ("/keys", json!({ "discovery": true, "allow_http": true }), &["/keys/allow_http"]),
        ("/keys", json!({ "discovery": true, "allow_http": false }), &[]),
    ] {
        let expected: Vec<String> = places.iter().map(|place| format!("{issuer}{place}")).collect();
        assert_eq!(
            warned(&format!("{issuer}{pointer}"), value.clone()),
            expected,
            "{pointer} {value}"
        );
    }
    let service = |include| json!({ "credentials": "service", "service": { "token": "A" }, "include": include });
    for (pointer, value, places) in [
        ("/metadata", service(json!("*")), ["/metadata/include"].as_slice()),
        ("/metadata", service(json!(["a"])), &[]),
        ("/shadow", json!({ "until": "2023-11-15" }), &["/shadow/until"]),
        ("/shadow", json!({ "until": "2023-11-14" }), &["/shadow/until"]),
        (
            "/cors",
            json!({ "origins": ["http://app.example", "http://localhost:3000"] }),
            &["/cors/origins/0"],
        ),
        (
            "/cors",
            json!({ "origins": ["https://app.example", "http://127.0.0.1", "http://[::1]:80"] }),
            &[],
        ),
        ("/cors", json!({ "origins": ["http://localhost.example"] }), &["/cors/origins/0"]),
    ] {
        assert_eq!(warned(pointer, value.clone()), places, "{pointer} {value}");
    }
}

#[test]
fn a_symmetric_algorithm_is_unwise_wherever_it_stands() {
    let mut document = testing::document();
    let issuer = document["issuers"][0].as_object_mut().unwrap();
    issuer.insert("algorithms".to_owned(), json!(["EdDSA", "HS256"]));
    issuer.insert("hmac_secret".to_owned(), json!("A"));
    let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::default(), NOW);
    let [warning] = review.warnings.as_slice() else { panic!("{review:?}") };
    assert_eq!(warning.pointer, "/issuers/0/algorithms/1");
    assert!(warning.message.starts_with("HS256 is symmetric"), "{warning:?}");
}

#[test]
fn scopes_in_shadow_are_unwise_where_the_gate_has_a_token_of_its_own() {
    let mut document = testing::document();
    document["issuers"][0]["shadow"] = json!(["scopes"]);
    document["metadata"] =
        json!({ "credentials": "service", "service": { "token": "A" }, "include": ["a"] });
    let host = Abilities::ALL;
    let review = review(&document.to_string(), &Secrets::stand_in(), host, NOW);
    let places: Vec<&str> = review.warnings.iter().map(|at| at.pointer.as_str()).collect();
    assert_eq!(places, ["/issuers/0/shadow/0", "/metadata/credentials"]);
}
