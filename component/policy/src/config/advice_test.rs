//! What is legal but unwise, and what is not worth a word.

use serde_json::{Value, json};

use super::allow::WARNINGS;
use super::host::{Abilities, Secrets};
use super::notes::Warning;
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
    assert!(review.warnings.iter().all(|warning| WARNINGS.contains(&warning.name)), "{pointer}");
    others(review.warnings).into_iter().map(|warning| warning.pointer).collect()
}

/// The names in the good document are of documentation (RFC 2606), which is not what these tests are about.
fn others(warnings: Vec<Warning>) -> Vec<Warning> {
    warnings.into_iter().filter(|warning| warning.name != "placeholder").collect()
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
fn a_placeholder_is_seen_in_the_url_of_the_keys_too() {
    let mut document = testing::document();
    document["issuers"][0]["keys"] = json!({ "jwks_uri": "https://tenant.example/$SET" });
    let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::ALL, NOW).warnings;
    let at = review.iter().find(|one| one.pointer == "/issuers/0/keys/jwks_uri").unwrap();
    assert_eq!(at.name, "placeholder");
    assert!(at.message.starts_with("`$SET` is a placeholder"), "{at:?}");
}

#[test]
fn a_symmetric_algorithm_is_unwise_wherever_it_stands() {
    let mut document = testing::document();
    let issuer = document["issuers"][0].as_object_mut().unwrap();
    issuer.insert("algorithms".to_owned(), json!(["EdDSA", "HS256"]));
    issuer.insert("hmac_secret".to_owned(), json!("A"));
    let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::default(), NOW);
    let warnings = others(review.warnings);
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
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
    let warnings = others(review.warnings);
    let places: Vec<&str> = warnings.iter().map(|at| at.pointer.as_str()).collect();
    assert_eq!(places, ["/issuers/0/shadow/0", "/metadata/credentials"]);
}

#[test]
fn a_warning_is_accepted_by_its_name_and_a_name_that_accepts_none_is_one() {
    let reviewed = |allow: Value| {
        let mut document = testing::document();
        document["allow"] = allow;
        document["issuers"][0]["clock_skew"] = json!("3m");
        review(&document.to_string(), &Secrets::stand_in(), Abilities::ALL, NOW)
    };
    let names = |warnings: &[Warning]| warnings.iter().map(|one| one.name).collect::<Vec<_>>();
    let both = reviewed(json!(["placeholder", "long-clock-skew"]));
    assert_eq!((names(&both.warnings), both.mistakes.len()), (vec![], 0));
    let accepted: std::collections::BTreeSet<&str> = names(&both.accepted).into_iter().collect();
    assert_eq!(accepted.into_iter().collect::<Vec<_>>(), ["long-clock-skew", "placeholder"]);
    let unused = reviewed(json!(["placeholder", "keys-stale"]));
    assert_eq!(names(&unused.warnings), ["long-clock-skew", "allow-unused"]);
    assert_eq!(unused.warnings[1].pointer, "/allow/1");
    for (allow, message) in [
        (
            json!(["clock-skew"]),
            "expected the name of a warning that can be accepted, found `clock-skew`",
        ),
        (
            json!(["allow-unused"]),
            "expected the name of a warning that can be accepted, found `allow-unused`",
        ),
        (json!(["placeholder at"]), "expected a place after `at`, found none in `placeholder at`"),
        (
            json!(["placeholder", "placeholder"]),
            "expected every warning once, found `placeholder` again",
        ),
        (json!("placeholder"), "expected a list, found `placeholder`"),
        (json!([1]), "expected a string, found a number"),
    ] {
        let found = reviewed(allow.clone());
        assert!(found.mistakes.iter().any(|one| one.message == message), "{allow}: {found:?}");
    }
    let near = reviewed(json!(["clock-skew"])).mistakes;
    assert_eq!(near[0].help.as_deref(), Some("did you mean `long-clock-skew`?"));
}

#[test]
fn a_warning_is_accepted_at_one_place() {
    let reviewed = |allow: Value| {
        let mut document = testing::document();
        document["allow"] = allow;
        document["issuers"][0]["secondary"]["max_age"] = json!("48h");
        let mut second = document["issuers"][0].clone();
        second["issuer"] = json!("https://second.example/");
        document["issuers"].as_array_mut().unwrap().push(second);
        let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::ALL, NOW);
        assert_eq!(review.mistakes, []);
        let places = |warnings: &[Warning], name: &str| -> Vec<String> {
            let of_name = warnings.iter().filter(|one| one.name == name);
            of_name.map(|one| one.pointer.clone()).collect()
        };
        (
            places(&review.accepted, "old-sign-ins"),
            places(&review.warnings, "old-sign-ins"),
            places(&review.warnings, "allow-unused"),
        )
    };
    let (first, second) =
        ("/issuers/0/secondary/max_age".to_owned(), "/issuers/1/secondary/max_age".to_owned());
    for (entry, accepted, left, unused) in [
        ("old-sign-ins", vec![&first, &second], vec![], false),
        ("old-sign-ins at issuers[0].secondary.max_age", vec![&first], vec![&second], false),
        ("old-sign-ins at issuers[1]", vec![&second], vec![&first], false),
        ("old-sign-ins at issuers[2]", vec![], vec![&first, &second], true),
        ("old-sign-ins at issuers[0].secondary.max", vec![], vec![&first, &second], true),
        ("actors at issuers[0]", vec![], vec![&first, &second], true),
    ] {
        let (found_accepted, found_left, found_unused) = reviewed(json!([entry]));
        assert_eq!(found_accepted.iter().collect::<Vec<_>>(), accepted, "{entry}");
        assert_eq!(found_left.iter().collect::<Vec<_>>(), left, "{entry}");
        assert_eq!(!found_unused.is_empty(), unused, "{entry}");
    }
}

/// Each form of a mistake that people make who come from shells, from other YAML, or from a vendor's page.
#[test]
fn what_people_write_by_habit_is_said_in_our_words() {
    for (pointer, value, message, help) in [
        (
            "/version",
            json!("1"),
            "expected the number 1, found the text `1`",
            "write `version: 1`, without quotes",
        ),
        (
            "/issuers/0/secondary",
            json!({ "email_verified": "yes" }),
            "expected `true` or `false`, found `yes`",
            "without quotes; `yes`, `no`, `on` and `off` are words in YAML 1.2",
        ),
        (
            "/issuers/0/audiences",
            json!(["${AUDIENCE}"]),
            "expected a value, found the variable `${AUDIENCE}`",
            "`${AUDIENCE}` is not expanded here: write the value, or fill it in before (`envsubst`)",
        ),
        (
            "/profile",
            json!("${PROFILE}"),
            "expected `off` or `read-own`, found `${PROFILE}`",
            "`${PROFILE}` is not expanded here: write the value, or fill it in before (`envsubst`)",
        ),
        (
            "/cors",
            json!({ "origins": ["https://App.acme.test/"] }),
            "expected an exact origin such as `https://app.example`, in lower case, without a path, found `https://App.acme.test/`",
            "a browser sends `https://app.acme.test`, without a slash at its end",
        ),
        (
            "/issuers/0/issuer",
            json!("https://login.microsoftonline.com/{tenantid}/v2.0"),
            "expected the issuer of one tenant, found `https://login.microsoftonline.com/{tenantid}/v2.0`",
            "`{tenantid}` is a placeholder for the id of a tenant, and tokens have the id itself: write it, in an issuer for each tenant",
        ),
    ] {
        let mut document = testing::document();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert(key.to_owned(), value);
        let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::ALL, NOW);
        let found = review.mistakes.iter().find(|one| one.message == message);
        let found = found.unwrap_or_else(|| panic!("{pointer}: {:?}", review.mistakes));
        assert_eq!(found.help.as_deref(), Some(help), "{pointer}");
    }
    let mut document = testing::document();
    document["metadata"] = json!({ "credentials": "service", "service": { "token": "${kX9vS3cr3t}" }, "include": ["a"] });
    let review = review(&document.to_string(), &Secrets::stand_in(), Abilities::ALL, NOW);
    assert!(!format!("{:?}", review.mistakes).contains("kX9v"), "{:?}", review.mistakes);
}
