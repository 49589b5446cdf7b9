//! The calls of a merging link as bytes: what the gate asks, and what the upstream answers.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_policy::{Failure, Header};
use serde_json::Value;

use super::{Meaning, Request, Response, Scene};
use crate::edition::Sent;
use crate::form::{AnswerForm, AskForm, CallForm, LINKED, Whose};
use crate::trouble::Trouble;

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
    pub(crate) fn calls(
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
            let text = "expected `fails: not-sent` alone, since nothing listens there, found it among others";
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

/// The identity of an account.
fn identity(id: &str) -> String {
    let (provider, name) = id.split_once('|').unwrap_or_default();
    format!(
        r#"{{"connection":"{provider}","user_id":"{name}","provider":"{provider}","isSocial":false}}"#
    )
}

/// Where accounts are, at the default base path.
const USERS: &str = "/api/v2/users/";

/// What is asked of an account.
const FIELDS: &str = "?fields=user_id,user_metadata,identities&include_fields=true";

/// The secret that is the gate's own token for the API.
pub const SERVICE: &str = "SERVICE";

/// A path segment: all but RFC 3986's unreserved characters escaped.
#[must_use]
pub fn encoded(text: &str) -> String {
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
