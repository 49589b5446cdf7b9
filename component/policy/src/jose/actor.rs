//! Who acts, and whether the token is the user's own to send.
//!
//! A token whose `sub` is the user may have been issued to somebody who acts for them: an agent, or a program
//! that exchanged another token for it (RFC 8693 section 4.1). Who only holds such a token did not sign in.

use super::claims::Claims;
use crate::text::json::Json;

/// The current actor, as the token names it. Those before it are informative alone (RFC 8693 section 4.1).
pub(crate) fn name(claims: &Claims) -> Option<&str> {
    claims.member("act")?.member("sub")?.as_text().filter(|actor| !actor.is_empty())
}

/// Whether no actor acts for the user, or one of these actors of the token's own issuer.
pub(crate) fn is_allowed(claims: &Claims, actors: &[String]) -> bool {
    let Some(act) = claims.member("act") else { return true };
    let of_issuer = act.member("iss").is_none_or(|issuer| {
        issuer.as_text().is_some_and(|name| claims.known("iss") == Some(name))
    });
    of_issuer && name(claims).is_some_and(|actor| actors.iter().any(|allowed| allowed == actor))
}

/// Whether the subject is a user, as far as the token says what it is (`sub_profile`,
/// draft-mora-oauth-entity-profiles section 3).
pub(crate) fn is_user(claims: &Claims) -> bool {
    let are_users = |text: &str| text.split(' ').all(|profile| profile == USER);
    match claims.member("sub_profile") {
        None => true,
        Some(Json::Text(profiles)) => are_users(profiles),
        Some(Json::List(profiles)) => {
            !profiles.is_empty()
                && profiles.iter().all(|profile| profile.as_text().is_some_and(are_users))
        }
        Some(_) => false,
    }
}

/// Whether the token is bound to a key (RFC 7800), by `DPoP` (RFC 9449 section 6) or mutual TLS (RFC 8705
/// section 3): without a proof of that key, the sender may have stolen it.
pub(crate) fn is_bound(claims: &Claims) -> bool {
    claims.member("cnf").is_some()
}

const USER: &str = "user";

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        Claims::parse(text.as_bytes()).map_err(|_| "no claims").unwrap()
    }

    #[test]
    fn an_actor_has_to_be_listed() {
        let actors = ["agent".to_owned()];
        for (row, text, expected) in [
            ("no actor", r#"{"iss":"i"}"#, (None, true)),
            ("a listed one", r#"{"iss":"i","act":{"sub":"agent"}}"#, (Some("agent"), true)),
            (
                "of the same issuer",
                r#"{"iss":"i","act":{"sub":"agent","iss":"i"}}"#,
                (Some("agent"), true),
            ),
            (
                "of another issuer",
                r#"{"iss":"i","act":{"sub":"agent","iss":"j"}}"#,
                (Some("agent"), false),
            ),
            ("of no issuer", r#"{"act":{"sub":"agent","iss":"j"}}"#, (Some("agent"), false)),
            (
                "an issuer that is none",
                r#"{"act":{"sub":"agent","iss":null}}"#,
                (Some("agent"), false),
            ),
            ("another", r#"{"act":{"sub":"other"}}"#, (Some("other"), false)),
            ("in another case", r#"{"act":{"sub":"Agent"}}"#, (Some("Agent"), false)),
            (
                "a listed one before it",
                r#"{"act":{"sub":"other","act":{"sub":"agent"}}}"#,
                (Some("other"), false),
            ),
            (
                "another before it",
                r#"{"act":{"sub":"agent","act":{"sub":"other"}}}"#,
                (Some("agent"), true),
            ),
            ("without a name", r#"{"act":{}}"#, (None, false)),
            ("an empty name", r#"{"act":{"sub":""}}"#, (None, false)),
            ("a list", r#"{"act":[{"sub":"agent"}]}"#, (None, false)),
            ("a text", r#"{"act":"agent"}"#, (None, false)),
            ("null", r#"{"act":null}"#, (None, false)),
        ] {
            let claims = claims(text);
            assert_eq!((name(&claims), is_allowed(&claims, &actors)), expected, "{row}");
            let nobody = claims.member("act").is_none();
            assert_eq!(is_allowed(&claims, &[]), nobody, "{row}: without a list");
        }
    }

    #[test]
    fn a_subject_is_a_user_unless_the_token_says_otherwise() {
        for user in ["{}", r#"{"sub_profile":"user"}"#, r#"{"sub_profile":["user"]}"#] {
            assert!(is_user(&claims(user)), "{user}");
        }
        for other in [
            r#"{"sub_profile":"ai_agent"}"#,
            r#"{"sub_profile":"user ai_agent"}"#,
            r#"{"sub_profile":["user","ai_agent"]}"#,
            r#"{"sub_profile":"User"}"#,
            r#"{"sub_profile":""}"#,
            r#"{"sub_profile":[]}"#,
            r#"{"sub_profile":null}"#,
            r#"{"sub_profile":1}"#,
        ] {
            assert!(!is_user(&claims(other)), "{other}");
        }
    }

    #[test]
    fn a_key_of_any_form_binds() {
        for bound in [r#"{"cnf":{"jkt":"x"}}"#, r#"{"cnf":{"x5t#S256":"x"}}"#, r#"{"cnf":null}"#] {
            assert!(is_bound(&claims(bound)), "{bound}");
        }
        assert!(!is_bound(&claims("{}")));
    }
}
