//! What the key endpoint of a case answers, as a case has it and as bytes.

use linkgate_policy::Failure;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::case::{FailureForm, Line};
use super::mint::overlay;
use super::scene::{KEY_ENDPOINT, Meaning, Response};
use super::short::{Shorthand, some_list_short_or_full};
use super::trouble::Trouble;

/// What the key endpoint does when it is asked: it fails, or it answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub enum KeyAnswerForm {
    /// It gives no answer.
    Fails(FailureForm),
    /// It answers, with keys or with anything else.
    Answers {
        /// Status; 200 when absent.
        status: u16,
        /// Header lines.
        headers: Vec<Line>,
        /// Body; empty when absent.
        body: KeyBodyForm,
    },
}

/// The body of an answer of the key endpoint.
#[derive(Clone, Debug)]
pub enum KeyBodyForm {
    /// A JWK set of these keys.
    Set(Vec<JwkForm>),
    /// Text.
    Text(String),
}

/// A key as it is published: the public half of `like`, with members changed; `null` removes one. As a
/// word: that public half.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct JwkForm(Map<String, Value>);

impl Shorthand for JwkForm {
    const EXPECTED: &'static str = "the name of a key, or the members of a JWK";

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self(Map::from_iter([(LIKE.to_owned(), word.into())])))
    }
}

/// The one member that is not the key's own.
const LIKE: &str = "like";

/// An answer as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    fails: Option<FailureForm>,
    status: Option<u16>,
    #[serde(default)]
    headers: Vec<Line>,
    #[serde(default, deserialize_with = "some_list_short_or_full")]
    set: Option<Vec<JwkForm>>,
    body: Option<String>,
}

impl TryFrom<Written> for KeyAnswerForm {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { fails, status, headers, set, body } = written;
        let is_empty = status.is_none() && headers.is_empty() && set.is_none() && body.is_none();
        match fails {
            Some(failure) if is_empty => return Ok(Self::Fails(failure)),
            Some(_) => return Err("expected nothing beside `fails`, found an answer"),
            None if is_empty => return Err("expected `fails` or an answer, found neither"),
            None => {}
        }
        let body = match (set, body) {
            (Some(_), Some(_)) => return Err("expected `set` or `body`, found both"),
            (Some(set), None) => KeyBodyForm::Set(set),
            (None, text) => KeyBodyForm::Text(text.unwrap_or_default()),
        };
        Ok(Self::Answers { status: status.unwrap_or(200), headers, body })
    }
}

impl Meaning<'_> {
    /// The policy document, with the place of its keys filled in.
    pub(super) fn document(&self, policy: &str) -> Result<String, Trouble> {
        let document = self.suite.document(policy)?;
        let mark = format!("{{{{{KEY_ENDPOINT}}}}}");
        match (self.names.get(KEY_ENDPOINT), document.contains(&mark)) {
            (None, false) | (Some(_), true) => self.text(&document),
            (None, true) => Err(Trouble::new(format!(
                "expected `keys`, since policy `{policy}` has some at `{mark}`, found none"
            ))),
            (Some(_), false) => Err(Trouble::new(format!(
                "expected a policy with keys at `{mark}`, since the case has `keys`, found `{policy}`"
            ))),
        }
    }

    /// What the key endpoint does, one after another.
    pub(super) fn keys(
        &self,
        forms: &[KeyAnswerForm],
    ) -> Result<Vec<Result<Response, Failure>>, Trouble> {
        let refuses =
            |form: &KeyAnswerForm| matches!(form, KeyAnswerForm::Fails(FailureForm::NotSent));
        if forms.len() > 1 && forms.iter().any(refuses) {
            let text = "expected `fails: not-sent` alone, since nobody listens there, found it among others";
            return Err(Trouble::new(text));
        }
        forms.iter().map(|form| self.key_answer(form)).collect()
    }

    fn key_answer(&self, form: &KeyAnswerForm) -> Result<Result<Response, Failure>, Trouble> {
        let (status, headers, body) = match form {
            KeyAnswerForm::Fails(failure) => return Ok(Err((*failure).into())),
            KeyAnswerForm::Answers { status, headers, body } => (*status, headers, body),
        };
        let body = match body {
            KeyBodyForm::Text(text) => self.bytes(text)?,
            KeyBodyForm::Set(set) => {
                let jwks = set.iter().map(|form| self.jwk(form)).collect::<Result<Vec<_>, _>>()?;
                json!({ "keys": jwks }).to_string().into_bytes()
            }
        };
        Ok(Ok(Response { status, headers: self.lines(headers)?, body }))
    }

    fn jwk(&self, JwkForm(form): &JwkForm) -> Result<Value, Trouble> {
        let mut changes = form.clone();
        let mut jwk = match changes.remove(LIKE) {
            None => Map::new(),
            Some(Value::String(name)) => self.suite.keys.jwk(&name)?,
            Some(other) => {
                return Err(Trouble::new(format!("expected the name of a key, found `{other}`")));
            }
        };
        overlay(&mut jwk, &changes);
        for value in jwk.values_mut() {
            if let Value::String(text) = value {
                let bytes = self.bytes(text)?;
                *text = String::from_utf8(bytes)
                    .map_err(|_| Trouble::new(format!("`{text}` is not UTF-8 here")))?;
            }
        }
        Ok(jwk.into())
    }
}
