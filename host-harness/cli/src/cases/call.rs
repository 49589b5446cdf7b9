//! The calls of a merging link, as a case has them and as bytes: what the gate asks, and what the
//! upstream answers.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_policy::{Failure, Header};
use serde::Deserialize;
use serde_json::Value;

use super::case::{FailureForm, Line, UpstreamForm};
use super::edition::Sent;
use super::scene::{Meaning, Request, Response, Scene};
use super::short::Shorthand;
use super::trouble::Trouble;

/// A call and its answer. As the word `link`: the link goes here.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub enum CallForm {
    /// The link, which `upstream` answers.
    Link,
    /// A call.
    Call(AskForm, AnswerForm),
}

/// What the gate asks.
#[derive(Clone, Debug)]
pub enum AskForm {
    /// To see an account.
    Reads(Whose),
    /// To write these members of the primary's `user_metadata`: JSON as text.
    Writes(String),
}

/// One of the two accounts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The subject of the token `bearer`.
    Primary,
    /// The subject of the token `secondary`.
    Secondary,
}

/// What the upstream answers.
#[derive(Clone, Debug)]
pub enum AnswerForm {
    /// 200 with the account that was asked for.
    Account {
        /// Its `user_metadata`: JSON as text. Absent: it has no such member.
        metadata: Option<String>,
        /// Identities beside its own: JSON as text, a comma between two, or the word `secondary`.
        linked: Option<String>,
    },
    /// Something else, or nothing.
    Other(UpstreamForm),
}

/// A call as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    reads: Option<Whose>,
    writes: Option<String>,
    metadata: Option<String>,
    linked: Option<String>,
    fails: Option<FailureForm>,
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<Line>,
    body: Option<String>,
}

impl Shorthand for CallForm {
    const EXPECTED: &'static str = "`link`, or a call";

    fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "link" => Ok(Self::Link),
            _ => Err(format!("expected {}, found `{word}`", Self::EXPECTED)),
        }
    }
}

impl TryFrom<Written> for CallForm {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { reads, writes, metadata, linked, fails, status, headers, body } = written;
        let is_account = metadata.is_some() || linked.is_some();
        let is_answer = status.is_some() || !headers.is_empty() || body.is_some();
        if usize::from(is_account) + usize::from(is_answer) + usize::from(fails.is_some()) > 1 {
            return Err("expected an account, another answer or `fails`, found more than one");
        }
        // The API answers a write with the account as it is then.
        let metadata = metadata.or_else(|| writes.clone());
        let ask = match (reads, writes) {
            (Some(whose), None) => AskForm::Reads(whose),
            (None, Some(members)) => AskForm::Writes(members),
            (Some(_), Some(_)) => return Err("expected `reads` or `writes`, found both"),
            (None, None) => return Err("expected `reads` or `writes`, found neither"),
        };
        let answer = if is_answer || fails.is_some() {
            AnswerForm::Other(UpstreamForm {
                fails,
                status,
                headers,
                body: body.unwrap_or_default(),
            })
        } else {
            AnswerForm::Account { metadata, linked }
        };
        Ok(Self::Call(ask, answer))
    }
}

/// A call that the upstream has to get, or the place of the link among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpectedCall {
    /// The link.
    Link,
    /// This call.
    Call(Sent),
}

/// What an upstream does with a request.
type Done = Result<Response, Failure>;

impl Scene {
    /// What the upstream does, in the order in which it is asked.
    pub fn answers(&self) -> impl Iterator<Item = &Done> {
        let mut answers = self.calls.iter();
        let alone = self.expected.calls.is_empty().then_some(&self.upstream);
        let in_turn = self.expected.calls.iter().filter_map(move |call| match call {
            ExpectedCall::Link => Some(&self.upstream),
            ExpectedCall::Call(_) => answers.next(),
        });
        alone.into_iter().chain(in_turn)
    }
}

impl Meaning<'_> {
    /// The calls, and the answers to them.
    pub(super) fn calls(
        &self,
        forms: &[CallForm],
        request: &Request,
        document: &str,
    ) -> Result<(Vec<ExpectedCall>, Vec<Done>), Trouble> {
        let (mut calls, mut answers) = (Vec::new(), Vec::new());
        for form in forms {
            let CallForm::Call(ask, answer) = form else {
                calls.push(ExpectedCall::Link);
                continue;
            };
            calls.push(ExpectedCall::Call(self.asked(ask, request, document)?));
            answers.push(self.answered(ask, answer)?);
        }
        if calls.len() > 1 && answers.contains(&Err(Failure::NotSent)) {
            let text = "expected `fails: not-sent` alone, since nobody listens there, found it among others";
            return Err(Trouble::new(text));
        }
        Ok((calls, answers))
    }

    fn asked(&self, ask: &AskForm, request: &Request, document: &str) -> Result<Sent, Trouble> {
        let whose = ask.whose();
        let account = format!("{USERS}{}", encoded(&self.subject(whose)?));
        let credential = self.credential(whose, document)?;
        let mut headers = vec![
            Header::new("accept", "application/json"),
            Header::new("user-agent", concat!("linkgate/", env!("CARGO_PKG_VERSION"))),
            Header::new("authorization", &format!("Bearer {credential}")),
        ];
        headers.extend(request.headers.iter().filter(|line| line.name == "traceparent").cloned());
        Ok(match ask {
            AskForm::Reads(_) => {
                Sent { method: "GET".to_owned(), path: account + FIELDS, headers, body: None }
            }
            AskForm::Writes(members) => {
                headers.push(Header::new("content-type", "application/json"));
                let body = [b"{\"user_metadata\":", self.bytes(members)?.as_slice(), b"}"].concat();
                Sent { method: "PATCH".to_owned(), path: account, headers, body: Some(body) }
            }
        })
    }

    fn answered(&self, ask: &AskForm, answer: &AnswerForm) -> Result<Done, Trouble> {
        let (metadata, linked) = match answer {
            AnswerForm::Other(form) => return self.upstream(form),
            AnswerForm::Account { metadata, linked } => (metadata, linked),
        };
        let id = self.subject(ask.whose())?;
        let own = identity(&id);
        let linked = match linked.as_deref() {
            Some(LINKED) => &Some(identity(&self.subject(Whose::Secondary)?)),
            _ => linked,
        };
        let part = |before: &str, text: &Option<String>| -> Result<Vec<u8>, Trouble> {
            let Some(text) = text else { return Ok(Vec::new()) };
            Ok([before.as_bytes(), &self.bytes(text)?].concat())
        };
        let body = [
            format!(r#"{{"user_id":"{id}","identities":[{own}"#).into_bytes(),
            part(",", linked)?,
            b"]".to_vec(),
            part(r#","user_metadata":"#, metadata)?,
            b"}".to_vec(),
        ];
        let headers = vec![Header::new("content-type", "application/json; charset=utf-8")];
        Ok(Ok(Response { status: 200, headers, body: body.concat() }))
    }

    /// Whose token a call carries: the account's own, or the gate's.
    fn credential(&self, whose: Whose, document: &str) -> Result<String, Trouble> {
        let document: Value = serde_json::from_str(document)
            .map_err(|error| Trouble::new(error.to_string()).at("policy"))?;
        match document.pointer("/metadata/credentials").and_then(Value::as_str) {
            Some("caller") => self.named(whose.token()),
            Some("service") => self.suite.secret(SERVICE),
            Some(_) | None => Err(Trouble::new("expected a policy that merges, found another")),
        }
    }

    fn subject(&self, whose: Whose) -> Result<String, Trouble> {
        let claims = self.named(&format!("{}.claims", whose.token()))?;
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
        let subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        subject.ok_or_else(|| Trouble::new(format!("token `{}` has no subject", whose.token())))
    }
}

impl AskForm {
    fn whose(&self) -> Whose {
        match self {
            Self::Reads(whose) => *whose,
            Self::Writes(_) => Whose::Primary,
        }
    }
}

impl Whose {
    fn token(self) -> &'static str {
        match self {
            Self::Primary => "bearer",
            Self::Secondary => "secondary",
        }
    }
}

/// The identity of an account.
fn identity(id: &str) -> String {
    let (provider, name) = id.split_once('|').unwrap_or_default();
    format!(
        r#"{{"connection":"{provider}","user_id":"{name}","provider":"{provider}","isSocial":false}}"#
    )
}

/// Stands for the identity of the account that is linked.
pub(crate) const LINKED: &str = "secondary";

/// Where accounts are, at the default base path.
const USERS: &str = "/api/v2/users/";

/// What is asked of an account.
const FIELDS: &str = "?fields=user_id,user_metadata,identities&include_fields=true";

/// The secret that is the gate's own token for the API.
pub(crate) const SERVICE: &str = "SERVICE";

/// A path segment: all but RFC 3986's unreserved characters escaped.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}
