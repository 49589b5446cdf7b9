//! Tokens as issuers write them: which are taken, and for which cause the others are refused.

use serde_json::{Value, json};

use super::{ISSUER, NOW};
use crate::config::{Abilities, Secrets};
use crate::http::message::{Head, Header};
use crate::policy::Policy;
use crate::protocol::{Event, Step};
use crate::testing;
use crate::verdict::outcome::End;

const API: &str = "https://tenant.example/api/v2/";

const USERINFO: &str = "https://tenant.example/userinfo";

const USER: &str = "auth0|a";

/// A row: its name, what is changed in the claims, the cause, and the claim that the record names.
type Row = (&'static str, Value, &'static str, Option<&'static str>);

/// The good policy with these members added to its issuer.
fn policy(changes: &Value) -> Policy {
    let mut document = testing::document();
    overlay(&mut document["issuers"][0], changes);
    let (document, host) = (document.to_string(), Abilities::default());
    Policy::compile(&document, &Secrets::default(), host, 1, NOW)
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// Members put into an object; null takes one out, `"null"` puts a null in.
fn overlay(onto: &mut Value, changes: &Value) {
    let onto = onto.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            onto.remove(name);
        } else if value == "null" {
            onto.insert(name.clone(), Value::Null);
        } else if value.is_object() && onto.get(name).is_some_and(Value::is_object) {
            overlay(&mut onto[name], value);
        } else {
            onto.insert(name.clone(), value.clone());
        }
    }
}

/// What is decided of a request of that user, and which claim the record names.
fn decided(
    policy: &mut Policy,
    method: &str,
    bearer: &str,
    body: Option<&str>,
) -> (String, Option<String>) {
    let path = if method == "DELETE" { "/google-oauth2/1" } else { "" };
    let target = format!("/api/v2/users/auth0%7Ca/identities{path}").into_bytes();
    let headers = vec![
        Header::new("authorization", &format!("Bearer {bearer}")),
        Header::new("content-type", "application/json"),
    ];
    let head = Head { method: method.to_owned(), target, headers, peer: None };
    let (mut exchange, mut turn) = policy.open(head, NOW);
    if let (Step::ReadBody { .. }, Some(body)) = (&turn.step, body) {
        let body = json!({ "link_with": body }).to_string().into_bytes();
        turn = policy.resume(&mut exchange, turn.sequence, Event::Body(body), NOW);
    }
    let is_sent = matches!(turn.step, Step::Forward(_));
    let decision = policy.close(exchange, End::Finished, NOW);
    let cause = if is_sent { "granted".to_owned() } else { decision.cause.name() };
    (cause, decision.detail)
}

fn bearer(header: &Value, changes: &Value) -> String {
    let mut claims = testing::access_claims(ISSUER, USER, 600);
    overlay(&mut claims, changes);
    testing::signed(header, &claims, 7)
}

fn secondary(header: &Value, changes: &Value) -> String {
    let seconds = NOW.unix_ms / 1000;
    let mut claims = json!({
        "iss": ISSUER, "aud": "app", "sub": "google-oauth2|1", "iat": seconds, "exp": seconds + 600,
    });
    overlay(&mut claims, changes);
    testing::signed(header, &claims, 7)
}

fn plain() -> Value {
    json!({ "alg": "EdDSA" })
}

/// Unlinks with each bearer.
fn unlinks(rules: &Value, rows: &[Row]) {
    for (row, claims, cause, detail) in rows {
        let found = decided(&mut policy(rules), "DELETE", &bearer(&plain(), claims), None);
        assert_eq!((found.0.as_str(), found.1.as_deref()), (*cause, *detail), "{row}");
    }
}

/// Links with each secondary token, and with a good bearer that has these changes.
fn links(rules: &Value, of_bearer: &Value, rows: &[Row]) {
    for (row, claims, cause, detail) in rows {
        let bearer = bearer(&plain(), of_bearer);
        let body = secondary(&plain(), claims);
        let found = decided(&mut policy(rules), "POST", &bearer, Some(&body));
        assert_eq!((found.0.as_str(), found.1.as_deref()), (*cause, *detail), "{row}");
    }
}

#[test]
fn an_access_token_may_have_several_audiences() {
    unlinks(
        &json!({ "audiences": [API, "https://other-api.example/"], "audiences_beside": ["account"] }),
        &[
            ("alone", json!({ "aud": [API] }), "granted", None),
            ("with userinfo", json!({ "aud": [API, USERINFO] }), "granted", None),
            ("in another order", json!({ "aud": [USERINFO, API] }), "granted", None),
            (
                "two accepted",
                json!({ "aud": [API, "https://other-api.example/"] }),
                "granted",
                None,
            ),
            ("one beside", json!({ "aud": ["account", API] }), "granted", None),
            (
                "a stranger",
                json!({ "aud": [API, USERINFO, "https://x.example/"] }),
                "bearer-audience-several",
                None,
            ),
            ("an empty one", json!({ "aud": [API, ""] }), "bearer-audience-several", None),
            ("userinfo alone", json!({ "aud": USERINFO }), "bearer-audience-mismatch", None),
            (
                "only beside",
                json!({ "aud": ["account", USERINFO] }),
                "bearer-audience-mismatch",
                None,
            ),
            (
                "another issuer's userinfo",
                json!({ "aud": [API, "https://x.example/userinfo"] }),
                "bearer-audience-several",
                None,
            ),
            (
                "userinfo below",
                json!({ "aud": [API, "https://tenant.example/userinfo/"] }),
                "bearer-audience-several",
                None,
            ),
            ("none", json!({ "aud": [] }), "bearer-audience-missing", None),
            ("not text", json!({ "aud": [API, 1] }), "bearer-claim-type", Some("aud")),
        ],
    );
}

#[test]
fn an_id_token_is_for_clients_alone() {
    let two = json!({ "secondary": { "audiences": ["app", "phone"] } });
    links(
        &two,
        &json!({}),
        &[
            ("both clients", json!({ "aud": ["app", "phone"] }), "granted", None),
            ("and its party", json!({ "aud": ["app", "phone"], "azp": "phone" }), "granted", None),
            ("a stranger", json!({ "aud": ["app", "other"] }), "secondary-audience-several", None),
            ("the API", json!({ "aud": ["app", API] }), "secondary-audience-several", None),
            ("userinfo", json!({ "aud": ["app", USERINFO] }), "secondary-audience-several", None),
            (
                "another party",
                json!({ "aud": "app", "azp": "other" }),
                "secondary-party-mismatch",
                Some("azp"),
            ),
            (
                "no text for a party",
                json!({ "aud": "app", "azp": ["app"] }),
                "secondary-claim-type",
                Some("azp"),
            ),
        ],
    );
    links(
        &json!({}),
        &json!({}),
        &[
            ("the client", json!({ "aud": ["app"], "azp": "app" }), "granted", None),
            ("twice", json!({ "aud": ["app", "app"] }), "granted", None),
            (
                "another client beside",
                json!({ "aud": ["app", "phone"] }),
                "secondary-audience-several",
                None,
            ),
            ("another client", json!({ "aud": "phone" }), "secondary-audience-mismatch", None),
            ("another party", json!({ "azp": "phone" }), "secondary-party-mismatch", Some("azp")),
        ],
    );
}

#[test]
fn the_client_of_an_id_token_for_several_is_its_party() {
    let rules = json!({ "kind": "id-token", "audiences": ["app", "phone"] });
    let bearer = json!({ "aud": ["app", "phone"], "azp": "phone", "scope": null });
    links(
        &rules,
        &bearer,
        &[
            ("the party", json!({ "aud": "phone" }), "granted", None),
            ("the other", json!({ "aud": "app" }), "secondary-audience-mismatch", None),
        ],
    );
    let unknown = json!({ "aud": ["app", "phone"], "azp": null, "scope": null });
    links(&rules, &unknown, &[("nobody", json!({ "aud": "app" }), "bearer-client-missing", None)]);
    unlinks(
        &rules,
        &[
            ("no client is needed", unknown, "granted", None),
            (
                "a stranger as party",
                json!({ "aud": "app", "azp": "x", "scope": null }),
                "bearer-party-mismatch",
                Some("azp"),
            ),
            (
                "userinfo",
                json!({ "aud": ["app", USERINFO], "azp": null, "scope": null }),
                "bearer-audience-several",
                None,
            ),
        ],
    );
}

#[test]
fn a_claim_that_no_rule_reads_sinks_no_token() {
    unlinks(
        &json!({}),
        &[
            ("client_id", json!({ "client_id": "null" }), "granted", None),
            ("azp, to unlink", json!({ "azp": 1 }), "granted", None),
            ("cid", json!({ "cid": [1] }), "granted", None),
            ("auth_time", json!({ "auth_time": "yesterday" }), "granted", None),
            ("email_verified", json!({ "email_verified": 7 }), "granted", None),
            ("sub", json!({ "sub": "null" }), "bearer-claim-type", Some("sub")),
            ("iss", json!({ "iss": [ISSUER] }), "bearer-claim-type", Some("iss")),
            ("nbf", json!({ "nbf": "null" }), "bearer-claim-type", Some("nbf")),
            ("exp", json!({ "exp": "1" }), "bearer-claim-type", Some("exp")),
            ("iat", json!({ "iat": {} }), "bearer-claim-type", Some("iat")),
            ("scope", json!({ "scope": 1 }), "bearer-claim-type", Some("scope")),
            (
                "scope within a list",
                json!({ "scope": ["update:current_user_identities", 1] }),
                "bearer-claim-type",
                Some("scope"),
            ),
            ("scp", json!({ "scp": "null" }), "bearer-claim-type", Some("scp")),
        ],
    );
    unlinks(
        &json!({ "scopes": [] }),
        &[("scope that is not asked for", json!({ "scope": 1 }), "granted", None)],
    );
    links(
        &json!({}),
        &json!({ "azp": 1 }),
        &[("azp, to link", json!({}), "bearer-claim-type", Some("azp"))],
    );
    links(
        &json!({ "secondary": { "audiences": ["app"] } }),
        &json!({ "azp": 1 }),
        &[("azp, with audiences of its own", json!({}), "granted", None)],
    );
    links(
        &json!({}),
        &json!({}),
        &[
            (
                "never absent",
                json!({ "auth_time": "null" }),
                "secondary-claim-type",
                Some("auth_time"),
            ),
            (
                "a text",
                json!({ "auth_time": "1700000000" }),
                "secondary-claim-type",
                Some("auth_time"),
            ),
            ("not read", json!({ "email_verified": [1], "client_id": "null" }), "granted", None),
        ],
    );
    links(
        &json!({ "secondary": { "max_age": "off" } }),
        &json!({}),
        &[("without an age", json!({ "auth_time": "null" }), "granted", None)],
    );
}

#[test]
fn scopes_are_read_as_issuers_write_them() {
    let scope = "update:current_user_identities";
    unlinks(
        &json!({}),
        &[
            ("a list", json!({ "scope": ["openid", scope] }), "granted", None),
            ("scp, a list", json!({ "scope": null, "scp": ["openid", scope] }), "granted", None),
            (
                "scp, a text",
                json!({ "scope": null, "scp": format!("openid {scope}") }),
                "granted",
                None,
            ),
            (
                "both, the same",
                json!({ "scope": format!("a {scope}"), "scp": [scope, "a"] }),
                "granted",
                None,
            ),
            ("both, different", json!({ "scp": ["a"] }), "bearer-scopes-differ", Some("scp")),
            (
                "an entry is one scope",
                json!({ "scope": [format!("openid {scope}")] }),
                "bearer-scope",
                None,
            ),
            (
                "ill-typed is not absent",
                json!({ "scope": "null", "scp": [scope] }),
                "bearer-claim-type",
                Some("scope"),
            ),
            (
                "permissions are not asked",
                json!({ "scope": null, "permissions": [scope] }),
                "bearer-scope",
                None,
            ),
            ("none", json!({ "scope": null }), "bearer-scope", None),
        ],
    );
    unlinks(
        &json!({ "scope_claim": "permissions" }),
        &[
            ("permissions", json!({ "permissions": [scope] }), "granted", None),
            ("scope does not count", json!({}), "bearer-scope", None),
            ("nor matters", json!({ "scope": 1, "permissions": [scope] }), "granted", None),
        ],
    );
    unlinks(
        &json!({ "scope_claim": "scp" }),
        &[
            ("scp alone", json!({ "scope": "other", "scp": scope }), "granted", None),
            ("scope does not count", json!({}), "bearer-scope", None),
        ],
    );
}

#[test]
fn machines_have_many_signs() {
    unlinks(
        &json!({ "clients": null }),
        &[
            ("a grant", json!({ "gty": "client-credentials" }), "bearer-of-machine", None),
            (
                "with an underscore",
                json!({ "gty": "client_credentials" }),
                "bearer-of-machine",
                None,
            ),
            (
                "among others",
                json!({ "gty": ["a", "client_credentials"] }),
                "bearer-of-machine",
                None,
            ),
            ("idtyp", json!({ "idtyp": "app" }), "bearer-of-machine", None),
            ("idtyp of a user", json!({ "idtyp": "user" }), "granted", None),
            ("appid", json!({ "appid": USER }), "bearer-of-machine", None),
            ("azp in a list", json!({ "azp": [USER] }), "bearer-of-machine", None),
            (
                "client_id in the depth",
                json!({ "client_id": { "id": [1, USER] } }),
                "bearer-of-machine",
                None,
            ),
            (
                "odd types alone",
                json!({ "gty": 1, "idtyp": ["user"], "appid": "null" }),
                "granted",
                None,
            ),
        ],
    );
    links(
        &json!({}),
        &json!({}),
        &[("secondary", json!({ "idtyp": "app" }), "secondary-of-machine", None)],
    );
}

#[test]
fn a_kind_is_said_in_header_and_claims() {
    let headers = |typ: &str| json!({ "alg": "EdDSA", "typ": typ });
    let good = bearer(&plain(), &json!({}));
    for (typ, cause) in [
        ("JWT", "granted"),
        ("jwt", "granted"),
        ("application/jwt", "granted"),
        ("at+jwt", "secondary-type-mismatch"),
        ("logout+jwt", "secondary-type-mismatch"),
        ("secevent+jwt", "secondary-type-mismatch"),
        ("", "secondary-type-mismatch"),
    ] {
        let body = secondary(&headers(typ), &json!({}));
        let found = decided(&mut policy(&json!({})), "POST", &good, Some(&body));
        assert_eq!(found.0, cause, "link_with of type `{typ}`");
    }
    for (typ, cause) in [
        ("JWT", "granted"),
        ("at+jwt", "granted"),
        ("application/at+jwt", "granted"),
        ("logout+jwt", "bearer-type-mismatch"),
        ("refresh+jwt", "bearer-type-mismatch"),
    ] {
        let bearer = bearer(&headers(typ), &json!({}));
        let found = decided(&mut policy(&json!({})), "DELETE", &bearer, None);
        assert_eq!(found.0, cause, "bearer of type `{typ}`");
    }
    links(
        &json!({}),
        &json!({}),
        &[
            ("Keycloak's ID token", json!({ "typ": "ID" }), "granted", None),
            (
                "Keycloak's access token",
                json!({ "typ": "Bearer" }),
                "secondary-kind-mismatch",
                Some("typ"),
            ),
            ("Cognito's ID token", json!({ "token_use": "id" }), "granted", None),
            (
                "Cognito's access token",
                json!({ "token_use": "access" }),
                "secondary-kind-mismatch",
                Some("token_use"),
            ),
            ("with scopes", json!({ "scope": "openid" }), "secondary-kind-mismatch", Some("scope")),
            (
                "with scp of any type",
                json!({ "scp": "null" }),
                "secondary-kind-mismatch",
                Some("scp"),
            ),
            ("typ of no type", json!({ "typ": 1 }), "secondary-claim-type", Some("typ")),
        ],
    );
    links(
        &json!({ "id_token_scopes": ["scope"] }),
        &json!({}),
        &[
            ("allowed by name", json!({ "scope": "openid" }), "granted", None),
            (
                "the other is not",
                json!({ "scp": ["openid"] }),
                "secondary-kind-mismatch",
                Some("scp"),
            ),
        ],
    );
    unlinks(
        &json!({}),
        &[
            ("access", json!({ "typ": "Bearer", "token_use": "access" }), "granted", None),
            ("ID", json!({ "typ": "ID" }), "bearer-kind-mismatch", Some("typ")),
            ("refresh", json!({ "typ": "Refresh" }), "bearer-kind-mismatch", Some("typ")),
            ("offline", json!({ "typ": "Offline" }), "bearer-kind-mismatch", Some("typ")),
            ("logout", json!({ "typ": "Logout" }), "bearer-kind-mismatch", Some("typ")),
            ("id by use", json!({ "token_use": "id" }), "bearer-kind-mismatch", Some("token_use")),
            ("no type", json!({ "token_use": "null" }), "bearer-claim-type", Some("token_use")),
        ],
    );
}

#[test]
fn a_client_is_needed_to_link_alone() {
    let none = json!({ "azp": null });
    unlinks(&json!({}), &[("unlink", none.clone(), "granted", None)]);
    links(&json!({}), &none, &[("link", json!({}), "bearer-client-missing", None)]);
    links(
        &json!({ "secondary": { "audiences": ["app"] } }),
        &none,
        &[("with audiences of its own", json!({}), "granted", None)],
    );
    links(
        &json!({ "client_claim": "none", "secondary": { "audiences": ["app"] } }),
        &json!({ "azp": 1 }),
        &[("none", json!({}), "granted", None)],
    );
    links(
        &json!({ "client_claim": "appid" }),
        &json!({ "azp": null, "appid": "app" }),
        &[("appid", json!({}), "granted", None)],
    );
    for api in [API, USERINFO] {
        links(
            &json!({}),
            &json!({ "azp": api }),
            &[("an API as client", json!({ "aud": api }), "bearer-client-is-audience", None)],
        );
        links(
            &json!({ "secondary": { "audiences": ["app"] } }),
            &json!({ "azp": api }),
            &[("with audiences of its own", json!({}), "granted", None)],
        );
    }
}

#[test]
fn cognitos_access_tokens_have_no_audience() {
    let rules = json!({ "audiences": null, "token_use": "access", "clients": ["app"], "client_claim": "client_id" });
    let good = json!({ "aud": null, "azp": null, "client_id": "app", "token_use": "access" });
    let with = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    unlinks(
        &rules,
        &[
            ("good", good.clone(), "granted", None),
            ("for an API", with(json!({ "aud": API })), "bearer-audience-mismatch", None),
            (
                "another client",
                with(json!({ "client_id": "x" })),
                "bearer-client-mismatch",
                Some("client_id"),
            ),
            ("no client", with(json!({ "client_id": null })), "bearer-client-missing", None),
            (
                "a client of no type",
                with(json!({ "client_id": ["app"] })),
                "bearer-claim-type",
                Some("client_id"),
            ),
            (
                "an ID token",
                with(json!({ "token_use": "id" })),
                "bearer-kind-mismatch",
                Some("token_use"),
            ),
            (
                "no use",
                with(json!({ "token_use": null })),
                "bearer-kind-mismatch",
                Some("token_use"),
            ),
        ],
    );
    links(&rules, &good, &[("linked", json!({ "token_use": "id" }), "granted", None)]);
}

#[test]
fn a_sign_in_can_be_asked_for_by_auth_time_alone() {
    let rules = json!({ "secondary": { "require": "auth_time" } });
    links(
        &rules,
        &json!({}),
        &[
            ("iat is no sign-in", json!({}), "secondary-age-unknown", Some("auth_time")),
            ("auth_time is", json!({ "auth_time": NOW.unix_ms / 1000 - 60 }), "granted", None),
            (
                "too old",
                json!({ "auth_time": NOW.unix_ms / 1000 - 7200 }),
                "secondary-too-old",
                None,
            ),
        ],
    );
}

#[test]
fn a_verified_address_may_be_said_in_a_text() {
    links(
        &json!({ "secondary": { "email_verified": true } }),
        &json!({}),
        &[
            ("true", json!({ "email_verified": true }), "granted", None),
            ("in a text", json!({ "email_verified": "true" }), "granted", None),
            ("false", json!({ "email_verified": false }), "secondary-email", None),
            ("false in a text", json!({ "email_verified": "false" }), "secondary-email", None),
            ("absent", json!({}), "secondary-email", None),
            (
                "in capitals",
                json!({ "email_verified": "True" }),
                "secondary-email-unclear",
                Some("email_verified"),
            ),
            (
                "a number",
                json!({ "email_verified": 1 }),
                "secondary-email-unclear",
                Some("email_verified"),
            ),
            (
                "null",
                json!({ "email_verified": "null" }),
                "secondary-email-unclear",
                Some("email_verified"),
            ),
        ],
    );
}
