//! The cases: one that goes through and one that is refused, for every rule of the policy.

use super::kind::Kind;
use super::{Answers, scalar};

/// The cases, as a file of them.
pub(super) fn text(answers: &Answers) -> String {
    let mut lines = vec![
        "# What has to come of a request. How a case is written: docs/testing-a-policy.md of linkgate.".to_owned(),
        "policy: ../policy.yaml".to_owned(),
        "cases:".to_owned(),
    ];
    for (title, token, request, expect) in all(answers) {
        lines.push(format!("  - title: {title}"));
        lines.extend(token.map(|token| format!("    {token}")));
        lines.push(format!("    request: {request}"));
        lines.push(format!("    expect: {expect}"));
        lines.push(String::new());
    }
    lines.join("\n")
}

/// Title, token, request and what is expected.
type Case = (&'static str, Option<String>, &'static str, &'static str);

fn all(answers: &Answers) -> Vec<Case> {
    let bearer = |claims: &str| Some(format!("bearer: {{ claims: {{ {claims} }} }}"));
    let secondary = |claims: &str| Some(format!("secondary: {{ claims: {{ {claims} }} }}"));
    let mut cases = vec![
        ("A user links an account that they just signed in to", None, "link", "allowed"),
        ("A user takes an account off again", None, "unlink", "allowed"),
        (
            "Linking to the account of another user is refused",
            bearer("sub: \"{{other}}\""),
            "link",
            "subject-mismatch",
        ),
        ("A token without the scope is refused", bearer("scope: openid"), "link", "bearer-scope"),
        (
            "A sign-in of an hour ago to the second account is too old",
            secondary("iat: now-1h, auth_time: now-1h"),
            "link",
            "secondary-too-old",
        ),
        ("A page of the origin may ask", None, "preflight", "preflight"),
    ];
    if answers.kind == Kind::Cognito {
        cases.push((
            "A token of another client is refused",
            bearer("client_id: another"),
            "link",
            "bearer-client-mismatch",
        ));
        cases.push((
            "An ID token is no bearer",
            bearer("token_use: id"),
            "link",
            "bearer-kind-mismatch",
        ));
    } else {
        cases.push((
            "A token for another API is refused",
            bearer("aud: https://another-api.invalid/"),
            "link",
            "bearer-audience-mismatch",
        ));
    }
    if answers.kind == Kind::Keycloak {
        let aud = format!("aud: [{}, account]", scalar(&answers.audience));
        cases.push(("Keycloak's own audience does no harm", bearer(&aud), "link", "allowed"));
    }
    if answers.kind == Kind::Plain {
        let typ = Some("bearer: { header: { typ: JWT } }".to_owned());
        cases.push(("A token of another type is refused", typ, "link", "bearer-type-mismatch"));
    }
    if answers.kind.has_auth_time() {
        cases.push((
            "A token that does not say when the user signed in is refused",
            secondary("auth_time: null"),
            "link",
            "secondary-age-unknown",
        ));
    }
    cases
}
