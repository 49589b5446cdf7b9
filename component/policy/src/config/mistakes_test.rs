//! What an author learns about a document, golden.

use serde_json::{Value, json};

use super::host::{Abilities, Secrets};
use crate::policy::Policy;
use crate::testing::{self, NOW};

/// Every mistake of a document, a line each.
fn told(document: &str) -> Vec<String> {
    let secrets = Secrets::from_iter([("SHORT", "too short")]);
    let mistakes =
        Policy::compile(document, &secrets, Abilities::default(), 1, NOW).err().unwrap_or_default();
    mistakes
        .into_iter()
        .map(|mistake| {
            let help = mistake.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}: {}{help}", mistake.pointer, mistake.message)
        })
        .collect()
}

/// The good document with one value replaced, or added, at a JSON Pointer.
fn with(pointer: &str, value: Value) -> String {
    let mut document = testing::document();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().insert(key.to_owned(), value);
    document.to_string()
}

#[test]
fn all_mistakes_are_told_in_one_run() {
    let document = json!({
        "version": 2,
        "isuers": [],
        "issuers": [
            { "audiences": ["a"], "algorithms": ["HS256"], "secondary": { "algorithms": ["HS256"] } },
            {
                "issuer": "https://b.example/",
                "audiences": [],
                "algorithms": ["none"],
                "keys": { "jwks": { "keys": [{ "kty": "RSA", "n": "AQAB", "e": "AQAB" }, { "kty": "EC" }] } },
            },
        ],
        "pass": ["/app", "/app/x", "/api/v2", "app"],
    });
    let expected = [
        "/version: expected 1, found 2",
        "/issuers/0: expected the key `issuer`, found none",
        "/issuers/0: expected the key `hmac_secret`, found none",
        "/issuers/1/algorithms/0: expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, HS256, HS384 or HS512, found `none`",
        "/issuers/1/audiences: expected at least one entry, found an empty list",
        "/issuers/1/keys/jwks/keys/0: expected an RSA modulus of 2048 to 8192 bits, found 17",
        "/issuers/1/keys/jwks/keys/1: expected `crv`, found none",
        "/pass/1: expected prefixes that do not overlap, found one that overlaps `/app`",
        "/pass/2: expected a prefix apart from the guarded routes, found one that overlaps `/api/v2/users`",
        "/pass/3: expected an absolute path of letters, digits, `-`, `_`, `.` and `~`, without a trailing slash, found `app`",
        "/isuers: expected a known key, found `isuers` (the keys here are: allow, base_path, body_timeout, client_address, cors, encoded_slashes, forward_headers, issuers, log, max_token_bytes, metadata, pass, profile, request_id, request_objects, shadow, upstream_timeout, verification, version)",
    ];
    assert_eq!(told(&document.to_string()), expected);
}

#[test]
fn without_a_place_keys_are_discovered() {
    for keys in [json!({}), json!({ "refresh": "5m" }), json!({ "discovery": true })] {
        let document = with("/issuers/0/keys", keys.clone());
        let policy = Policy::compile(&document, &Secrets::default(), Abilities::default(), 7, NOW);
        let urls: Vec<Option<String>> =
            policy.unwrap().key_sources(NOW).into_iter().map(|source| source.url).collect();
        let expected = "https://tenant.example/.well-known/openid-configuration";
        assert_eq!(urls, [Some(expected.to_owned())], "{keys}");
    }
}

#[test]
fn one_mistake_at_a_time() {
    let issuer = "/issuers/0";
    let rsa = json!({ "jwks": { "keys": [testing::document()["issuers"][0]["keys"]["jwks"]["keys"][0], { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] } });
    for (pointer, value, expected) in [
        ("/base_path".to_owned(), json!("/api/v2/"), "/base_path: expected an absolute path of letters, digits, `-`, `_`, `.` and `~`, without a trailing slash, found `/api/v2/`".to_owned()),
        (format!("{issuer}/algorithms"), json!(["RS256"]), format!("{issuer}/keys/jwks/keys: expected a key for each algorithm, found none for RS256 (secondary tokens are RS256 unless `secondary.algorithms` says otherwise)")),
        (format!("{issuer}/secondary"), json!({ "algorithms": [] }), format!("{issuer}/secondary/algorithms: expected at least one entry, found an empty list")),
        (format!("{issuer}/secondary"), json!({ "algorithms": ["EdDSA"], "max_age": "1 hour" }), format!("{issuer}/secondary/max_age: expected a duration such as `30s`, `10m` or `1h`, found `1 hour` (a whole number and one of `ms`, `s`, `m` and `h`; a day is `24h`)")),
        (format!("{issuer}/clock_skew"), json!("6m"), format!("{issuer}/clock_skew: expected a duration from 0s to 5m, found `6m`")),
        (format!("{issuer}/hmac_secret"), json!("SHORT"), format!("{issuer}/hmac_secret: expected no `hmac_secret` without an HS algorithm, found one")),
        (format!("{issuer}/kind"), json!("idtoken"), format!("{issuer}/kind: expected `access-token` or `id-token`, found `idtoken` (did you mean `id-token`?)")),
        (format!("{issuer}/keys"), rsa, format!("{issuer}/keys/jwks/keys/1: expected a key for one of the issuer's algorithms, found a key on P-256")),
        (format!("{issuer}/keys"), json!({ "jwks_uri": "https://tenant.example/k", "discovery": true }), format!("{issuer}/keys: expected one of `jwks`, `file`, `jwks_uri` and `discovery`, found several")),
        (format!("{issuer}/keys"), json!({ "file": "keys.json" }), format!("{issuer}/keys/file: expected the key set itself, found the name of a file (the linkgate command line reads `file` and puts the set in its place; elsewhere write `jwks`)")),
        (format!("{issuer}/keys"), json!({ "jwks_uri": "/keys" }), format!("{issuer}/keys/jwks_uri: expected an absolute URL without user information or fragment, found `/keys`")),
        (format!("{issuer}/keys"), json!({ "jwks_uri": "http://tenant.example/k" }), format!("{issuer}/keys/jwks_uri: expected an `https` URL (an attacker on the way could put keys of their own there; inside a network you trust, write `allow_http: true` under `keys`)")),
        (format!("{issuer}/keys"), json!({ "jwks_uri": "https://keys.example/k" }), format!("{issuer}/keys/jwks_uri: expected a URL on the issuer's host or on one of `hosts`, found `keys.example` (when the issuer's keys are really there, write `hosts: [keys.example]`)")),
        (format!("{issuer}/keys"), json!({ "discovery": false }), format!("{issuer}/keys/discovery: expected `true`, or another source of keys, found `false`")),
        (format!("{issuer}/keys"), json!({ "discovery": true, "stale": "8d" }), format!("{issuer}/keys/stale: expected a duration such as `30s`, `10m` or `1h`, found `8d` (a whole number and one of `ms`, `s`, `m` and `h`; a day is `24h`)")),
        (format!("{issuer}/keys"), json!({ "discovery": true, "refresh": "1m", "refresh_min": "2m" }), format!("{issuer}/keys/refresh_min: expected at most `refresh`, found a longer one")),
        (format!("{issuer}/keys"), json!({ "jwks": { "keys": [testing::jwk(7, "a")] }, "stale": "1h" }), format!("{issuer}/keys/stale: expected a known key, found `stale` (the keys here are: discovery, file, jwks, jwks_uri)")),
        (format!("{issuer}/keys"), json!({ "jwks": { "keys": [] } }), format!("{issuer}/keys/jwks/keys: expected at least one entry, found an empty list")),
        (format!("{issuer}/keys"), json!({ "discovery": true, "hosts": ["Keys.example"] }), format!("{issuer}/keys/hosts/0: expected a host in lower case, without a port, found `Keys.example`")),
        ("/cors".to_owned(), json!({ "origins": ["*"] }), "/cors/origins/0: expected an exact origin such as `https://app.example`, in lower case, without a path, found `*`".to_owned()),
        ("/cors".to_owned(), json!({}), "/cors: expected the key `origins`, found none".to_owned()),
        ("/forward_headers".to_owned(), json!(["X-Forwarded-Prefix"]), "/forward_headers/0: expected a header that is the client's to send on, found `X-Forwarded-Prefix`".to_owned()),
        ("/client_address".to_owned(), json!("connection"), "/client_address: expected a `header` on a host that does not say who is connected, found `connection` (`{ header: x-forwarded-for, trusted_hops: 1 }` takes the address from the proxy in front)".to_owned()),
        ("/client_address".to_owned(), json!("peer"), "/client_address: expected `connection`, found `peer`".to_owned()),
        ("/client_address".to_owned(), json!({}), "/client_address: expected the key `header`, found none".to_owned()),
        ("/client_address".to_owned(), json!({ "header": "x-client-ip" }), "/client_address/header: expected `x-forwarded-for`, `forwarded` or `x-real-ip`, found `x-client-ip`".to_owned()),
        ("/client_address".to_owned(), json!({ "header": "forwarded", "trusted_hops": 0 }), "/client_address/trusted_hops: expected a whole number from 1 to 16, found 0".to_owned()),
        ("/client_address".to_owned(), json!({ "header": "x-real-ip", "trusted_hops": 2 }), "/client_address/trusted_hops: expected 1 with `x-real-ip`, which has one address, found 2".to_owned()),
        ("/request_id".to_owned(), json!("x-request-id"), "/request_id: expected an object, found a string".to_owned()),
        ("/request_id".to_owned(), json!({ "header": "Authorization" }), "/request_id/header: expected a header that is the client's to send on, found `Authorization`".to_owned()),
        ("/request_id".to_owned(), json!({ "header": "X-Forwarded-For" }), "/request_id/header: expected the header of an id and of nothing else, found `x-forwarded-for`".to_owned()),
        ("/request_id".to_owned(), json!({ "header": "x-id-" }), "/request_id/header: expected a name that begins and ends with a letter or digit, found `x-id-`".to_owned()),
        ("/request_id".to_owned(), json!({ "header": "x_request_id" }), "/request_id/header: expected a header name of letters, digits and `-`, found `x_request_id`".to_owned()),
        ("/forward_headers".to_owned(), json!(["Authorization"]), "/forward_headers/0: expected a header that is the client's to send on, found `Authorization`".to_owned()),
        ("/base_path".to_owned(), json!("/api;x"), "/base_path: expected an absolute path of letters, digits, `-`, `_`, `.` and `~`, without a trailing slash, found `/api;x`".to_owned()),
        ("/pass".to_owned(), json!(["/API"]), "/pass/0: expected a prefix apart from the guarded routes, found one that overlaps `/api/v2/users`".to_owned()),
        ("/forward_headers".to_owned(), json!(["X-Original-Url"]), "/forward_headers/0: expected a header that is the client's to send on, found `X-Original-Url`".to_owned()),
        (format!("{issuer}/algorithms"), json!(["EdDSA", "EdDSA"]), format!("{issuer}/algorithms/1: expected every algorithm once, found `EdDSA` again")),
        (format!("{issuer}/algorithms"), json!(["EdDSA", "Ed25519"]), format!("{issuer}/algorithms/1: expected every algorithm once, found `Ed25519`, which is `EdDSA`, again")),
        (format!("{issuer}/algorithms"), json!(["ML-DSA-65"]), format!("{issuer}/algorithms/0: expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, HS256, HS384 or HS512, found `ML-DSA-65` (ML-DSA (RFC 9964) is not supported)")),
        (format!("{issuer}/algorithms"), json!(["ES256K"]), format!("{issuer}/algorithms/0: expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, Ed25519, HS256, HS384 or HS512, found `ES256K` (ECDSA on secp256k1 (RFC 8812) is not supported)")),
        (format!("{issuer}/secondary"), json!({ "algorithms": ["EdDSA"], "audiences": ["https://tenant.example/api/v2/"] }), format!("{issuer}/secondary/audiences/0: expected an audience of ID tokens, found one of the issuer's access tokens")),
        ("/profile".to_owned(), json!(false), "/profile: expected `off` or `read-own`, found `false`".to_owned()),
        (format!("{issuer}/shadow"), json!(["scope"]), format!("{issuer}/shadow/0: expected `scopes`, `max_token_age` or `step_up`, found `scope` (did you mean `scopes`?)")),
        (format!("{issuer}/shadow"), json!(["issuer"]), format!("{issuer}/shadow/0: expected `scopes`, `max_token_age` or `step_up`, found `issuer`")),
        (format!("{issuer}/shadow"), json!(["scopes", "scopes"]), format!("{issuer}/shadow/1: expected every rule once, found `scopes` again")),
        (format!("{issuer}/shadow"), json!([]), format!("{issuer}/shadow: expected at least one entry, found an empty list")),
        (format!("{issuer}/shadow"), json!("scopes"), format!("{issuer}/shadow: expected a list, found `scopes` (write `[` and `]` around a single entry)")),
        (format!("{issuer}/shadow"), json!(["max_token_age"]), format!("{issuer}/shadow/0: expected a rule that asks for something, found `max_token_age`, which does not (without it there is nothing to log: take it out of the list)")),
        (format!("{issuer}/secondary"), json!({ "algorithms": ["EdDSA"], "max_age": "off", "shadow": ["max_age"] }), format!("{issuer}/secondary/shadow/0: expected a rule that asks for something, found `max_age`, which does not (without it there is nothing to log: take it out of the list)")),
        ("/shadow".to_owned(), json!({}), "/shadow: expected the key `until`, found none".to_owned()),
        ("/shadow".to_owned(), json!(true), "/shadow: expected an object, found a boolean".to_owned()),
        ("/shadow".to_owned(), json!({ "until": "20.12.2026" }), "/shadow/until: expected a date such as `2026-12-20` or a moment such as `2026-12-20T09:00:00Z`, found `20.12.2026` (it is the first moment at which the policy enforces; a date is its midnight in UTC)".to_owned()),
        ("/shadow".to_owned(), json!({ "until": "2024-02-30" }), "/shadow/until: expected a date such as `2026-12-20` or a moment such as `2026-12-20T09:00:00Z`, found `2024-02-30` (it is the first moment at which the policy enforces; a date is its midnight in UTC)".to_owned()),
        ("/shadow".to_owned(), json!({ "until": "2023-12-15" }), "/shadow/until: expected an end within 30 days, by 2023-12-14T22:13:20.000Z, found 2023-12-15T00:00:00.000Z (a policy in shadow guards no account; a later end can be written when that one is near)".to_owned()),
        ("/log".to_owned(), json!([]), "/log: expected an object, found a list".to_owned()),
    ] {
        assert_eq!(told(&with(&pointer, value)), [expected], "{pointer}");
    }
}

#[test]
fn what_is_said_of_clients_and_audiences_hangs_together() {
    let none = "expected a claim, or `secondary.audiences`, found `none` alone (without a client nothing says whose sign-ins `link_with` may hold)";
    let narrow = "expected `scopes` that are enforced, or `type: at+jwt`, found neither (else any token of this issuer for a user would do, whatever it was issued for)";
    let sign_ins = json!({ "algorithms": ["EdDSA"], "audiences": ["app"] });
    for (row, changes, expected) in [
        ("no client", json!({ "client_claim": "none" }), vec![format!("/client_claim: {none}")]),
        ("no client, and audiences", json!({ "client_claim": "none", "secondary": sign_ins }), vec![]),
        (
            "no client, and no scope",
            json!({ "client_claim": "none", "secondary": sign_ins, "scopes": [] }),
            vec![format!("/client_claim: {narrow}")],
        ),
        (
            "no client, and a scope in shadow",
            json!({ "client_claim": "none", "secondary": sign_ins, "shadow": ["scopes"] }),
            vec![format!("/client_claim: {narrow}")],
        ),
        (
            "no client, and a type",
            json!({ "client_claim": "none", "secondary": sign_ins, "scopes": [], "type": "AT+JWT" }),
            vec![],
        ),
        (
            "no audience",
            json!({ "audiences": null }),
            vec![": expected the key `audiences`, found none (access tokens without `aud` (Amazon Cognito) are accepted by `token_use: access` and `clients`)".to_owned()],
        ),
        ("Cognito", json!({ "audiences": null, "token_use": "access", "clients": ["a"] }), vec![]),
        (
            "Cognito without clients",
            json!({ "audiences": null, "token_use": "access" }),
            vec![": expected the key `audiences`, found none (access tokens without `aud` (Amazon Cognito) are accepted by `token_use: access` and `clients`)".to_owned()],
        ),
        (
            "Cognito without a scope",
            json!({ "audiences": null, "token_use": "access", "clients": ["a"], "scopes": [] }),
            vec![format!("/clients: {narrow}")],
        ),
        (
            "neither audience nor client",
            json!({ "audiences": null, "token_use": "access", "clients": ["a"], "client_claim": "none", "secondary": sign_ins }),
            vec!["/clients: expected no `clients` with `client_claim: none`, found some (name the claim that has the client, or leave `clients` out)".to_owned()],
        ),
        (
            "ID tokens beside",
            json!({ "kind": "id-token", "audiences_beside": ["a"], "token_use": "access", "clients": ["a"] }),
            ["audiences_beside", "token_use", "clients"]
                .map(|key| format!("/{key}: expected no `{key}` with `kind: id-token`, found one (the audiences of ID tokens are their clients, and each has to be accepted)"))
                .to_vec(),
        ),
        (
            "userinfo of ID tokens",
            json!({ "kind": "id-token", "audiences": ["https://tenant.example/userinfo"] }),
            vec!["/audiences/0: expected an audience of ID tokens, found one of the issuer's access tokens".to_owned()],
        ),
        (
            "userinfo of sign-ins",
            json!({ "secondary": { "algorithms": ["EdDSA"], "audiences": ["https://tenant.example/userinfo"] } }),
            vec!["/secondary/audiences/0: expected an audience of ID tokens, found one of the issuer's access tokens".to_owned()],
        ),
        (
            "scopes of ID tokens",
            json!({ "kind": "id-token", "scopes": ["a"] }),
            vec!["/scopes: expected no scopes of ID tokens, which may not have any, found some (write `id_token_scopes: [scope]` if this issuer really writes scopes into ID tokens)".to_owned()],
        ),
        (
            "a type of access tokens",
            json!({ "kind": "id-token", "type": "at+jwt" }),
            vec!["/type: expected a type of ID tokens, found `at+jwt`, which is of access tokens".to_owned()],
        ),
        ("and allowed", json!({ "kind": "id-token", "scopes": ["a"], "id_token_scopes": ["scope"] }), vec![]),
        (
            "another word",
            json!({ "secondary": { "algorithms": ["EdDSA"], "require": "iat" }, "scope_claim": "roles" }),
            vec![
                "/scope_claim: expected `scope`, `scp` or `permissions`, found `roles`".to_owned(),
                "/secondary/require: expected `auth_time`, found `iat`".to_owned(),
            ],
        ),
    ] {
        let mut document = testing::document();
        let issuer = document["issuers"][0].as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            if value.is_null() {
                issuer.remove(key);
            } else {
                issuer.insert(key.clone(), value.clone());
            }
        }
        let expected: Vec<String> =
            expected.into_iter().map(|mistake| format!("/issuers/0{mistake}")).collect();
        assert_eq!(told(&document.to_string()), expected, "{row}");
    }
}

#[test]
fn discovery_needs_an_issuer_that_is_a_url() {
    for (row, issuer, expected) in [
        (
            "no URL",
            "tenant.example",
            "/issuers/0/issuer: expected an issuer that is a URL, or another source of keys than discovery, found `tenant.example`",
        ),
        (
            "no TLS",
            "http://tenant.example/",
            "/issuers/0/issuer: keys by discovery: expected an `https` URL (an attacker on the way could put keys of their own there; inside a network you trust, write `allow_http: true` under `keys`)",
        ),
    ] {
        let mut document = testing::document();
        document["issuers"][0]["issuer"] = json!(issuer);
        document["issuers"][0].as_object_mut().unwrap().remove("keys");
        assert_eq!(told(&document.to_string()), [expected], "{row}");
    }
    let mut document = testing::document();
    document["issuers"][0].as_object_mut().unwrap().remove("keys");
    assert_eq!(told(&document.to_string()), [""; 0], "without `keys`, discovery");
}

#[test]
fn a_document_that_is_none() {
    assert_eq!(told("version: 1"), [": expected JSON, found something else"]);
    assert_eq!(told("[]"), [": expected an object, found a list"]);
    assert_eq!(
        told(r#"{"version":1,"version":1}"#),
        [": expected every key once, found one twice in the same object"]
    );
    assert_eq!(
        told(&format!(r#"{{"version":{}{}}}"#, "[".repeat(1700), "]".repeat(1700))),
        [": expected at most 32 lists and objects inside each other, found more"]
    );
}

#[test]
fn a_secret_is_named_and_never_shown() {
    let mut document = testing::document();
    let issuer = document["issuers"][0].as_object_mut().unwrap();
    issuer.insert("algorithms".to_owned(), json!(["HS256"]));
    issuer.insert("hmac_secret".to_owned(), json!("SHORT"));
    assert_eq!(
        told(&document.to_string()),
        ["/issuers/0/hmac_secret: expected a secret of at least 32 bytes for HS256, found 9"]
    );
    document["issuers"][0]["hmac_secret"] = json!("s3cret pasted here");
    assert_eq!(
        told(&document.to_string()),
        [
            "/issuers/0/hmac_secret: expected the name of a secret, in capital letters, digits and `_`, found something else, which is not shown"
        ]
    );
    document["issuers"][0]["hmac_secret"] = json!("ELSEWHERE");
    assert_eq!(
        told(&document.to_string()),
        [
            "/issuers/0/hmac_secret: expected the name of a secret that the host has, found `ELSEWHERE` (secrets come from the host: `linkgate serve` takes it from the environment variable `LINKGATE_SECRET_ELSEWHERE`)"
        ]
    );
}
