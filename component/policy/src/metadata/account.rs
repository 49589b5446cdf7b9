//! What the Management API says of an account, as far as a merge looks at it.

use super::reserved_entry;
use crate::http::outgoing::{Answer, CallFailure};
use crate::text::json::{self, Json as Value, NotStrict, Object as Members};

/// An account that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// `user_metadata`; empty when absent or null.
    pub(crate) metadata: Members,
    identities: Vec<Value>,
    /// Bytes of the answer that showed it: of the whole profile where nothing less was asked for.
    bytes: usize,
}

/// 10 KB: what a profile may have. Writes beyond it may fail from 2027-03-04 (Auth0 docs, "Metadata Field Names and
/// Data Types").
const PROFILE_BYTES: usize = 10 * 1024;

/// What a read came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// The account that was asked for.
    There(Account),
    /// There is no such account: 404 with `inexistent_user`.
    Absent,
    /// 404 with an error of an API's own, in another dialect: there may be no such account. Any other
    /// 404 is a failed read.
    Missing,
    /// Too many calls; after so many milliseconds, if it says, the next may be made.
    Limited { wait_ms: Option<u64> },
    /// The API refused it (401, 403): asking again will not help.
    Refused {
        /// It was the token that it did not take (401).
        of_token: bool,
    },
    /// No byte left.
    NotSent,
    /// An answer that is nested more deeply than what is read.
    TooDeep,
    /// An answer with half of a surrogate pair in a text: it cannot be written back as it is.
    NoText,
    /// Anything else.
    Failed,
}

impl Account {
    /// Reads an account of this id out of an answer to `GET {base}/users/{id}`.
    pub(crate) fn read(outcome: Result<Answer, CallFailure>, user_id: &str, unix_ms: u64) -> Read {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(CallFailure::NotSent) => return Read::NotSent,
            Err(CallFailure::NoBody { .. } | CallFailure::Unknown) => return Read::Failed,
        };
        match answer.status {
            200 => match json::parse(&answer.body) {
                Ok(body) => Self::of(&body, user_id).map_or(Read::Failed, Read::There),
                Err(NotStrict::TooDeep) => Read::TooDeep,
                Err(NotStrict::Malformed) if has_half_a_pair(&answer.body) => Read::NoText,
                Err(NotStrict::Malformed | NotStrict::Duplicate) => Read::Failed,
            },
            404 => absent(&answer),
            429 => Read::Limited { wait_ms: wait_ms(&answer, unix_ms) },
            401 | 403 => Read::Refused { of_token: answer.status == 401 },
            _ => Read::Failed,
        }
    }

    /// The account that an answer shows: nothing when it is another one, or no account at all.
    pub(crate) fn shown(answer: &Answer, user_id: &str) -> Option<Self> {
        let shown = Self::of(&json::parse(&answer.body).ok()?, user_id)?;
        Some(Self { bytes: answer.body.len(), ..shown })
    }

    /// Whether the answer to a write, which has the whole profile, is larger than a profile may be.
    pub(crate) fn is_too_large(&self) -> bool {
        self.bytes > PROFILE_BYTES
    }

    /// An entry of an account that is not linked to this one, where there is one. What waits of a linked account may be
    /// the last copy.
    pub(crate) fn unlinked_entry(&self, user_id: &str) -> Option<&str> {
        let linked = self.linked_accounts(user_id);
        let is_unlinked = |key: &str, entry: &Value| {
            reserved_entry::is_reserved(key)
                && entry.member("staged").is_some()
                && !linked.iter().any(|account| key.starts_with(account))
        };
        let mut entries = self.metadata.iter();
        entries.find(|(key, entry)| is_unlinked(key, entry)).map(|(key, _)| key.as_str())
    }

    fn of(body: &Value, user_id: &str) -> Option<Self> {
        if body.member("user_id").and_then(Value::as_text) != Some(user_id) {
            return None;
        }
        let metadata = match body.member("user_metadata") {
            None => Members::new(),
            Some(value) if value.is_null() => Members::new(),
            Some(value) => value.as_object()?.clone(),
        };
        let identities = match body.member("identities") {
            Some(Value::List(identities)) => identities.clone(),
            _ => return None,
        };
        Some(Self { metadata, identities, bytes: 0 })
    }

    /// Whether an account with this subject is linked to it: `provider|user_id`, where a numeric id
    /// counts as its digits.
    pub(crate) fn lists(&self, subject: &str) -> bool {
        self.identities
            .iter()
            .any(|identity| identity_subject(identity).as_deref() == Some(subject))
    }

    /// The accounts that are linked to it, each by what the keys of entries about it begin with.
    pub(crate) fn linked_accounts(&self, user_id: &str) -> Vec<String> {
        let subjects = self.identities.iter().filter_map(identity_subject);
        subjects
            .filter(|subject| subject != user_id)
            .map(|subject| reserved_entry::about(&subject))
            .collect()
    }

    /// The identities as the API answers a link with them. Only listed members are given away: a
    /// service token may read the tokens of identity providers, and they must not reach a browser.
    pub(crate) fn identities_json(&self) -> Vec<u8> {
        let identities = self.identities.iter().map(|identity| {
            only(
                identity,
                &["connection", "user_id", "provider", "isSocial"],
                identity.member("profileData"),
            )
        });
        Value::List(identities.collect()).to_json().into_bytes()
    }
}

/// What a profile may show: the members that the API documents (Auth0 Management API v2, link a user
/// account), none of them a credential.
const PROFILE: [&str; 10] = [
    "email",
    "email_verified",
    "name",
    "username",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "phone_number",
    "phone_verified",
];

fn only(identity: &Value, names: &[&str], profile: Option<&Value>) -> Value {
    let listed = |value: &Value, names: &[&str]| -> Members {
        let member = |name: &&str| Some(((*name).to_owned(), value.member(name)?.clone()));
        names.iter().filter_map(member).collect()
    };
    let mut members = listed(identity, names);
    if let Some(profile) = profile {
        members.insert("profileData".to_owned(), Value::Object(listed(profile, &PROFILE)));
    }
    Value::Object(members)
}

fn identity_subject(identity: &Value) -> Option<String> {
    let provider = identity.member("provider")?.as_text()?;
    let id = match identity.member("user_id")? {
        Value::Text(id) => id,
        Value::Number(number) => number.as_str(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => return None,
    };
    Some(format!("{provider}|{id}"))
}

/// What a 404 says: a page of something on the way says nothing.
fn absent(answer: &Answer) -> Read {
    let Ok(Value::Object(body)) = json::parse(&answer.body) else { return Read::Failed };
    let says = |name: &str, text: &str| body.get(name).and_then(Value::as_text) == Some(text);
    let is_error = ["error", "message", "statusCode", "errorCode"];
    match () {
        () if says("errorCode", "inexistent_user") => Read::Absent,
        () if is_error.iter().any(|name| body.contains_key(*name)) => Read::Missing,
        () => Read::Failed,
    }
}

/// Whether a text is JSON but for escapes of half a surrogate pair (RFC 8259 section 8.2), which no
/// string of ours holds.
fn has_half_a_pair(text: &[u8]) -> bool {
    let mut mended = text.to_vec();
    let mut at = 0;
    while let Some(rest) = mended.get(at..).filter(|rest| !rest.is_empty()) {
        let is_escape = rest.first() == Some(&b'\\');
        if let [_, b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] = rest
            && is_escape
            && let Some(digits) = mended.get_mut(at + 2..at + 6)
        {
            digits.copy_from_slice(b"fffd");
        }
        at += if is_escape { 2 } else { 1 };
    }
    mended != text && json::parse(&mended).is_ok()
}

/// Milliseconds until the API takes calls again: `Retry-After`, else `X-RateLimit-Reset`, a Unix time
/// in seconds.
pub(crate) fn wait_ms(answer: &Answer, unix_ms: u64) -> Option<u64> {
    let number = |name: &str| {
        let line = answer.headers.iter().find(|line| line.name == name)?;
        std::str::from_utf8(&line.value).ok()?.trim().parse::<u64>().ok()
    };
    let after = number("retry-after").map(|seconds| seconds.saturating_mul(1000));
    let reset =
        || number("x-ratelimit-reset").map(|at| at.saturating_mul(1000).saturating_sub(unix_ms));
    after.or_else(reset)
}

/// The members of a write as the API takes them.
pub(crate) fn patch_body(members: Members) -> Vec<u8> {
    let metadata = ("user_metadata".to_owned(), Value::Object(members));
    Value::Object([metadata].into_iter().collect()).to_json().into_bytes()
}

/// What a read asks for.
pub(crate) const FIELDS: &str = "fields=user_id,user_metadata,identities&include_fields=true";

#[cfg(test)]
mod tests {
    use super::super::reserved_entry::Entry;
    use super::*;
    use crate::http::message::Header;

    #[expect(clippy::unnecessary_wraps, reason = "rows have failures beside answers")]
    fn answer(status: u16, body: &str) -> Result<Answer, CallFailure> {
        Ok(Answer { status, headers: vec![], body: body.as_bytes().to_vec() })
    }

    fn read(outcome: Result<Answer, CallFailure>) -> String {
        let read = Account::read(outcome, "auth0|a", 0);
        if let Read::There(account) = &read {
            return Value::Object(account.metadata.clone()).to_json();
        }
        format!("{read:?}")
    }

    /// An account with lists inside each other in its metadata, which is the second level.
    fn deep(levels: usize) -> String {
        let lists = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"user_id":"auth0|a","user_metadata":{{"d":{lists}}},"identities":[]}}"#)
    }

    #[test]
    fn an_entry_of_a_linked_account_is_not_offered_for_removal() {
        let entry =
            |id: &str| Entry::staged(&reserved_entry::about(id), Members::new(), Members::new());
        let (linked, other) = (entry("github|7"), entry("github|8"));
        for (row, there, expected) in [
            ("none", vec![], None),
            ("linked", vec![linked.clone()], None),
            ("not linked", vec![linked, other.clone()], Some(other.key.as_str())),
        ] {
            let identities = vec![
                json::parse(br#"{"provider":"github","user_id":"7"}"#).unwrap(),
                json::parse(br#"{"provider":"auth0","user_id":"a"}"#).unwrap(),
            ];
            let metadata = there.into_iter().flat_map(Entry::into_members).collect();
            let account = Account { metadata, identities, bytes: 0 };
            assert_eq!(account.unlinked_entry("auth0|a"), expected, "{row}");
        }
    }

    #[test]
    fn a_read_is_the_account_that_was_asked_for_or_none() {
        assert!(read(answer(200, &deep(30))).starts_with(r#"{"d":[["#));
        for (row, outcome, expected) in [
            (
                "there",
                answer(200, r#"{"user_id":"auth0|a","user_metadata":{"a":1.0},"identities":[]}"#),
                r#"{"a":1.0}"#,
            ),
            ("without metadata", answer(200, r#"{"user_id":"auth0|a","identities":[]}"#), "{}"),
            (
                "null metadata",
                answer(200, r#"{"user_id":"auth0|a","user_metadata":null,"identities":[]}"#),
                "{}",
            ),
            (
                "somebody else's",
                answer(200, r#"{"user_id":"auth0|b","user_metadata":{},"identities":[]}"#),
                "Failed",
            ),
            (
                "without identities",
                answer(200, r#"{"user_id":"auth0|a","user_metadata":{}}"#),
                "Failed",
            ),
            (
                "metadata that is a list",
                answer(200, r#"{"user_id":"auth0|a","user_metadata":[],"identities":[]}"#),
                "Failed",
            ),
            (
                "a member twice",
                answer(200, r#"{"user_id":"auth0|a","user_id":"auth0|a","identities":[]}"#),
                "Failed",
            ),
            ("HTML", answer(200, "<html>"), "Failed"),
            ("nested too deeply", answer(200, &deep(32)), "TooDeep"),
            ("nested too deeply, and half of it", answer(200, &"[".repeat(3400)), "TooDeep"),
            ("gone", answer(404, r#"{"errorCode":"inexistent_user"}"#), "Absent"),
            ("another dialect", answer(404, r#"{"message":"no such user"}"#), "Missing"),
            ("a 404 of something else", answer(404, r#"{"path":"/x"}"#), "Failed"),
            (
                "half of a surrogate pair",
                answer(
                    200,
                    r#"{"user_id":"auth0|a","user_metadata":{"a":"\ud83d","b":"\\ud83d"},"identities":[]}"#,
                ),
                "NoText",
            ),
            ("a bare 404", answer(404, ""), "Failed"),
            ("refused", answer(403, ""), "Refused { of_token: false }"),
            ("a token", answer(401, ""), "Refused { of_token: true }"),
            ("broken", answer(500, ""), "Failed"),
            ("limited", answer(429, ""), "Limited { wait_ms: None }"),
            ("not sent", Err(CallFailure::NotSent), "NotSent"),
            ("cut off", Err(CallFailure::NoBody { status: 200 }), "Failed"),
        ] {
            assert_eq!(read(outcome), expected, "{row}");
        }
    }

    #[test]
    fn a_limit_says_when_it_ends() {
        for (row, headers, expected) in [
            ("seconds", vec![Header::new("retry-after", "3")], Some(3000)),
            ("a time", vec![Header::new("x-ratelimit-reset", "12")], Some(2000)),
            ("a time that is past", vec![Header::new("x-ratelimit-reset", "9")], Some(0)),
            (
                "both",
                vec![Header::new("x-ratelimit-reset", "99"), Header::new("retry-after", "1")],
                Some(1000),
            ),
            ("neither", vec![], None),
        ] {
            let answer = Answer { status: 429, headers, body: vec![] };
            assert_eq!(wait_ms(&answer, 10_000), expected, "{row}");
        }
    }

    #[test]
    fn identities_are_given_away_without_credentials() {
        let body = r#"{"user_id":"auth0|a","identities":[{"provider":"github","user_id":583231,"connection":"github","isSocial":true,"access_token":"SECRET","refresh_token":"SECRET","profileData":{"email":"a@b.c","access_token":"SECRET"}}]}"#;
        let Read::There(account) = Account::read(answer(200, body), "auth0|a", 0) else { panic!() };
        assert!(account.lists("github|583231"));
        assert!(!account.lists("github|58323"));
        assert_eq!(
            String::from_utf8(account.identities_json()).unwrap(),
            r#"[{"connection":"github","isSocial":true,"profileData":{"email":"a@b.c"},"provider":"github","user_id":583231}]"#
        );
    }
}
