//! The claims of a verified token as a decision log may hold them: what a policy looks at and nothing
//! else, escaped and cut, without the signature. They are for `linkgate replay`.

use serde_json::{Map, Value, json};

use crate::jose::actor;
use crate::jose::jws::Verified;
use crate::text::escape::{MAX_TEXT, escaped_to};
use crate::text::grown::grown;
use crate::text::json::Json;
use crate::time::clock::Now;

/// Longest text with scopes, in characters. Raised, a caller with many scopes makes longer lines.
const MAX_SCOPE: usize = 2048;

/// Longest list, in entries. Raised, likewise.
const MAX_LIST: usize = 64;

/// Claims that are texts or lists of them, the name in the log first, then the token's, with the longest text of each.
/// `sub` is shown as the record shows subjects. The header has a `typ` of its own.
const TEXTS: [(&str, &str, usize); 14] = [
    ("iss", "iss", MAX_TEXT),
    ("aud", "aud", MAX_TEXT),
    ("azp", "azp", MAX_TEXT),
    ("client_id", "client_id", MAX_TEXT),
    ("cid", "cid", MAX_TEXT),
    ("appid", "appid", MAX_TEXT),
    ("scope", "scope", MAX_SCOPE),
    ("scp", "scp", MAX_SCOPE),
    ("permissions", "permissions", MAX_SCOPE),
    ("typ_claim", "typ", MAX_TEXT),
    ("token_use", "token_use", MAX_TEXT),
    ("sub_profile", "sub_profile", MAX_TEXT),
    ("acr", "acr", MAX_TEXT),
    ("amr", "amr", MAX_TEXT),
];

/// The claims of a token that was verified `now`, of whom it is and who acts for them, as both are shown.
pub(crate) fn redacted(
    token: &Verified,
    subject: Option<String>,
    actor: Option<String>,
    now: Now,
) -> Value {
    let claims = token.claims();
    let mut told = Map::new();
    let mut tell = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            told.insert(name.to_owned(), value);
        }
    };
    tell("at_unix_ms", Some(now.unix_ms.into()));
    tell("bytes", Some(token.length().into()));
    tell("alg", Some(token.algorithm().into()));
    tell("typ", token.token_type().map(|typ| escaped_to(typ, MAX_TEXT).into()));
    for (name, claim, most) in TEXTS {
        tell(name, claims.member(claim).map(|value| texts(value, most)));
    }
    tell("sub", subject.map(Value::from));
    tell("act", claims.member("act").map(|act| act_of(act, actor)));
    let dates =
        [("exp", claims.expires_ms), ("nbf", claims.not_before_ms), ("iat", claims.issued_ms)];
    for (name, date_ms) in dates {
        tell(name, date_ms.map(|ms| (ms / 1000).into()));
    }
    match claims.date_ms("auth_time") {
        Ok(date_ms) => tell("auth_time", date_ms.map(|ms| (ms / 1000).into())),
        Err(_) => tell("auth_time", Some(Value::Null)),
    }
    match claims.email_verified() {
        Some(is_verified) => tell("email_verified", is_verified.then_some(true.into())),
        None => tell("email_verified", Some(Value::Null)),
    }
    let facts = [
        // By any of the signs there are, of which a hashed subject shows none.
        ("machine", claims.of_machine()),
        ("event", claims.of_event()),
        ("bound", actor::is_bound(claims)),
    ];
    for (name, holds) in facts {
        tell(name, holds.then_some(true.into()));
    }
    Value::Object(told)
}

/// The current actor; null for an `act` that is no object.
fn act_of(act: &Json, actor: Option<String>) -> Value {
    let Json::Object(_) = act else { return Value::Null };
    let issuer = act.member("iss").map(|issuer| texts(issuer, MAX_TEXT));
    let members = [("sub", actor.map(Value::from)), ("iss", issuer)];
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(grown(there))
}

/// A text, or a list of texts; null for what no rule can read, and the number of entries of a list that is too long.
fn texts(value: &Json, most: usize) -> Value {
    match value {
        Json::Text(text) => escaped_to(text, most).into(),
        Json::List(items) if items.len() > MAX_LIST => json!({ "entries": items.len() }),
        Json::List(items) => items
            .iter()
            .map(|item| Value::from(item.as_text().map(|text| escaped_to(text, most))))
            .collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Abilities, Secrets};
    use crate::http::message::{Head, Header};
    use crate::policy::Policy;
    use crate::protocol::Event;
    use crate::testing::{self, NOW};
    use crate::verdict::outcome::End;

    fn policy(subjects: &str) -> Policy {
        let mut document = testing::document();
        document["log"] = json!({ "claims": "redacted", "subjects": subjects });
        Policy::compile(&document.to_string(), &Secrets::default(), Abilities::default(), 1, NOW)
            .unwrap()
    }

    #[test]
    fn what_a_policy_looks_at_is_told_and_nothing_else() {
        let mut policy = policy("plain");
        let (mut exchange, turn) = policy.open(testing::link_head("auth0|a", "auth0|a"), NOW);
        let body = Event::Body(testing::link_body("auth0|b"));
        policy.resume(&mut exchange, turn.sequence, body, NOW);
        let seconds = NOW.unix_ms / 1000;
        let mut claims = policy.close(exchange, End::Finished, NOW).claims.unwrap();
        for whose in ["bearer", "secondary"] {
            let bytes = claims[whose].as_object_mut().unwrap().remove("bytes").unwrap();
            assert!((200..600).contains(&bytes.as_u64().unwrap()), "{whose}: {bytes} bytes");
        }
        assert_eq!(
            Some(claims),
            Some(json!({
                "bearer": {
                    "at_unix_ms": NOW.unix_ms, "alg": "EdDSA", "iss": testing::ISSUER,
                    "sub": "auth0|a", "aud": "https://tenant.example/api/v2/", "azp": "app",
                    "iat": seconds, "exp": seconds + 600,
                    "scope": "update:current_user_identities",
                },
                "secondary": {
                    "at_unix_ms": NOW.unix_ms, "alg": "EdDSA", "iss": testing::ISSUER,
                    "sub": "auth0|b", "aud": "app", "iat": seconds, "exp": seconds + 600,
                },
            }))
        );
        let (exchange, _) = testing::policy().open(testing::link_head("auth0|a", "auth0|a"), NOW);
        assert_eq!(testing::policy().close(exchange, End::Finished, NOW).claims, None, "unasked");
    }

    /// A caller chooses some of it, and no e-mail address is any of it.
    #[test]
    fn it_is_escaped_and_cut_and_subjects_are_as_in_the_record() {
        let mut claims = testing::access_claims(testing::ISSUER, "auth0|a", 600);
        claims["scope"] = json!("a\r\n".repeat(800));
        claims["azp"] = json!("x".repeat(300));
        claims["email"] = json!("alice@example.com");
        claims["email_verified"] = json!(true);
        let head = Head {
            method: "DELETE".to_owned(),
            target: b"/api/v2/users/auth0%7Ca/identities/p/1".to_vec(),
            headers: vec![Header::new(
                "authorization",
                &format!("Bearer {}", testing::token(&claims)),
            )],
            peer: None,
        };
        let mut policy = policy("hashed");
        let (exchange, _) = policy.open(head, NOW);
        let decision = policy.close(exchange, End::Finished, NOW);
        let told = decision.claims.unwrap();
        assert_eq!(told["bearer"]["sub"], json!(decision.subject));
        assert!(decision.subject.unwrap().starts_with("sha256:"));
        assert_eq!(told["bearer"]["azp"], json!(format!("{}...", "x".repeat(256))));
        assert_eq!(told["bearer"]["email_verified"], json!(true));
        let text = told.to_string();
        assert!(text.len() < 24_000 && text.contains("a\\\\u{d}"), "{text}");
        assert!(!text.contains("alice@"), "{text}");
    }
}
