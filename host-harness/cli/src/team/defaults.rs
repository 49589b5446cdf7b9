//! What a case need not say: tokens that are good for each issuer, the requests of the guarded routes, and the API's
//! answer when all is well.

use std::collections::BTreeMap;

use linkgate_cases::{Line, RequestForm, SentForm, TokenForm, UpstreamForm};
use serde_json::{Map, Value, json};

use crate::stand_in;

/// Tokens that are good for each issuer: `valid-bearer`, `valid-secondary`, and `valid-bearer-2` for the second. The numbers
/// are those of the issuers' keys.
pub(super) fn valid_tokens(issuers: &[Value], numbers: &[usize]) -> BTreeMap<String, TokenForm> {
    let mut tokens = BTreeMap::new();
    for (index, (issuer, number)) in issuers.iter().zip(numbers).enumerate() {
        let ending = if index == 0 { String::new() } else { format!("-{}", index + 1) };
        tokens.insert(format!("valid-bearer{ending}"), valid_bearer(issuer, *number));
        tokens.insert(format!("valid-secondary{ending}"), valid_secondary(issuer, *number));
    }
    for name in ["bearer", "secondary"] {
        let like = Some(format!("valid-{name}"));
        tokens.insert(name.to_owned(), TokenForm { like, ..TokenForm::default() });
    }
    tokens
}

fn valid_bearer(issuer: &Value, number: usize) -> TokenForm {
    let mut claims = json!({
        "iss": text(issuer, "issuer"),
        "sub": "{{user}}",
        "aud": texts(issuer, "audiences").first(),
        "token_use": text(issuer, "token_use"),
        "iat": "now",
        "exp": "now+1h",
    });
    if let Value::Object(claims) = &mut claims {
        if is_of_id_tokens(issuer) {
            claims.insert("nonce".to_owned(), "n-0S6_WzA2Mj".into());
        } else {
            let claim = text(issuer, "client_claim").unwrap_or("azp");
            if claim != "none" {
                claims.insert(claim.to_owned(), client(issuer).into());
            }
        }
        let scopes = if issuer.get("scopes").is_some() || is_of_id_tokens(issuer) {
            texts(issuer, "scopes")
        } else {
            vec!["update:current_user_identities".to_owned()]
        };
        if !scopes.is_empty() {
            let (claim, value) =
                match (text(issuer, "scope_claim"), texts(issuer, "id_token_scopes")) {
                    (Some(claim), _) if claim != "scope" => (claim.to_owned(), json!(scopes)),
                    (None, allowed) if allowed == ["scp"] => ("scp".to_owned(), json!(scopes)),
                    _ => ("scope".to_owned(), scopes.join(" ").into()),
                };
            claims.insert(claim, value);
        }
        claims.retain(|_, value| !value.is_null());
    }
    let mut form = token(&algorithms(issuer), issuer, number, claims);
    if let Some(kind) = text(issuer, "type") {
        form.header.insert("typ".to_owned(), kind.into());
    }
    form
}

fn valid_secondary(issuer: &Value, number: usize) -> TokenForm {
    let rules = issuer.get("secondary").unwrap_or(&NONE);
    let of_bearer = if is_of_id_tokens(issuer) {
        texts(issuer, "audiences").into_iter().next()
    } else {
        Some(client(issuer))
    };
    let claims = json!({
        "iss": text(issuer, "issuer"),
        "sub": "{{second}}",
        "aud": texts(rules, "audiences").into_iter().next().or(of_bearer),
        "iat": "now",
        "auth_time": "now",
        "exp": "now+1h",
        "nonce": "n-qKuZpGxW3aTb",
        "email": "user@example.com",
        "email_verified": true,
    });
    token(&algorithms(rules), issuer, number, claims)
}

/// The client of an issuer's tokens: the first that the policy accepts, where it says which.
fn client(issuer: &Value) -> String {
    texts(issuer, "clients").into_iter().next().unwrap_or_else(|| "{{client}}".to_owned())
}

/// A token signed as the first of these algorithms has it.
fn token(algorithms: &[String], issuer: &Value, number: usize, claims: Value) -> TokenForm {
    let algorithm = algorithms.first().map_or(USUAL_ALGORITHM, String::as_str);
    let key = stand_in::key_name(number, algorithm, text(issuer, "hmac_secret"));
    let claims = if let Value::Object(claims) = claims { claims } else { Map::new() };
    TokenForm {
        key: Some(key),
        header: Map::from_iter([("alg".to_owned(), algorithm.into())]),
        claims,
        ..TokenForm::default()
    }
}

/// The requests that a case may name, and what goes upstream of them.
pub(super) fn requests(
    policy: &Value,
) -> (BTreeMap<String, RequestForm>, BTreeMap<String, SentForm>) {
    let bearer = || line("authorization", "Bearer {{bearer}}");
    let identities = "{{base}}/users/{{user.path}}/identities";
    let link = r#"{"link_with":"{{secondary}}"}"#;
    let unlink = format!("{identities}/{{{{second.provider}}}}/{{{{second.id}}}}");
    let origin = policy.pointer("/cors/origins/0").and_then(Value::as_str);
    let preflight = vec![
        line("origin", origin.unwrap_or("https://app.example")),
        line("access-control-request-method", "POST"),
        line("access-control-request-headers", "authorization, content-type"),
    ];
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let typed = |kind| vec![bearer(), line("content-type", kind)];
    let profile = "{{base}}/users/{{user.path}}";
    let requests = [
        ("link", "POST", identities, typed(json), Some(link)),
        ("link-form", "POST", identities, typed(form), Some("link_with={{secondary}}")),
        ("unlink", "DELETE", &unlink, vec![bearer()], None),
        ("profile", "GET", profile, vec![bearer()], None),
        ("preflight", "OPTIONS", identities, preflight, None),
    ];
    let requests = requests.map(|(name, method, target, headers, body)| {
        let (method, target) = (Some(method.to_owned()), Some(target.to_owned()));
        let (headers, body) = (Some(headers), body.map(str::to_owned));
        (name.to_owned(), RequestForm { method, target, headers, body, ..RequestForm::default() })
    });
    // What is sent is written anew: always as JSON.
    let sent = [
        ("link", "POST", identities, typed(json), Some(link)),
        ("unlink", "DELETE", &unlink, vec![bearer()], None),
        ("profile", "GET", profile, vec![bearer()], None),
    ];
    let sent = sent.map(|(name, method, path, headers, body)| {
        let (method, path) = (Some(method.to_owned()), Some(path.to_owned()));
        let (headers, body) = (Some(headers), body.map(str::to_owned));
        (name.to_owned(), SentForm { method, path, headers, body, ..SentForm::default() })
    });
    (BTreeMap::from(requests), BTreeMap::from(sent))
}

/// What the API answers when all is well.
pub(super) fn usual_answer(method: Option<&str>) -> UpstreamForm {
    let status = if method == Some("POST") { 201 } else { 200 };
    UpstreamForm {
        fails: None,
        status: Some(status),
        headers: vec![line("content-type", "application/json; charset=utf-8")],
        body: "[]".to_owned(),
    }
}

pub(super) fn algorithms(rules: &Value) -> Vec<String> {
    match texts(rules, "algorithms") {
        none if none.is_empty() => vec![USUAL_ALGORITHM.to_owned()],
        some => some,
    }
}

/// What the core takes where a policy names none.
const USUAL_ALGORITHM: &str = "RS256";

fn is_of_id_tokens(issuer: &Value) -> bool {
    text(issuer, "kind") == Some("id-token")
}

pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

pub(crate) fn texts(value: &Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn line(name: &str, value: &str) -> Line {
    Line { name: name.to_owned(), value: value.to_owned() }
}

pub(super) const NONE: Value = Value::Null;
