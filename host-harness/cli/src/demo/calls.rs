//! The requests of the story.

use serde_json::{Value, json};

use super::Stage;
use super::story::{BOB, CLIENT};
use crate::client::Call;

/// What a page asks for that links and reads.
pub(super) const SCOPE: &str =
    "openid profile email read:current_user update:current_user_identities";

pub(crate) fn sign_in(stage: &Stage, username: &str, password: &str) -> Call {
    let audience = stage.tenant.tenant().settings().management_audience();
    let body = json!({
        "grant_type": "password", "client_id": CLIENT, "username": username, "password": password,
        "audience": audience, "scope": SCOPE,
    });
    Call {
        method: "POST",
        target: "/oauth/token".to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

fn authorization(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

pub(crate) fn link_json(user_id: &str, token: Option<&String>, secondary: &str) -> Call {
    json_call(user_id, token, &json!({ "link_with": secondary }))
}

pub(crate) fn json_call(user_id: &str, token: Option<&String>, body: &Value) -> Call {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(token.map(|token| authorization(token)));
    Call {
        method: "POST",
        target: format!("/api/v2/users/{user_id}/identities"),
        headers,
        body: body.to_string(),
    }
}

/// As jQuery sends it: a raw `|` in the path, and a form.
pub(crate) fn link_form(user_id: &str, token: Option<&String>, secondary: &str) -> Call {
    let mut call = json_call(user_id, token, &Value::Null);
    call.headers.retain(|(name, _)| *name != "content-type");
    call.headers
        .push(("content-type", "application/x-www-form-urlencoded; charset=UTF-8".to_owned()));
    call.body = format!("link_with={secondary}");
    call
}

pub(crate) fn unlink(user_id: &str, token: &str, identity: &str) -> Call {
    Call {
        method: "DELETE",
        target: format!("/api/v2/users/{user_id}/identities/{identity}"),
        headers: vec![authorization(token)],
        body: String::new(),
    }
}

pub(crate) fn get(user_id: &str, token: &str) -> Call {
    Call {
        method: "GET",
        target: format!("/api/v2/users/{user_id}"),
        headers: vec![authorization(token)],
        body: String::new(),
    }
}

/// A path that climbs out of a passed prefix, for a server that decodes it twice.
pub(crate) fn disguised(token: &str) -> Call {
    let mut call = unlink(BOB, token, "auth0/x");
    call.target = format!("/.well-known/%252e%252e{}", call.target);
    call
}
