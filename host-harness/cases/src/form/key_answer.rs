//! What the key endpoint of a case answers.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::form::{FailureForm, Line};
use crate::short::{Shorthand, some_list_short_or_full};

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
pub struct JwkForm(pub(crate) Map<String, Value>);

impl Shorthand for JwkForm {
    const EXPECTED: &'static str = "the name of a key, or the members of a JWK";

    fn from_word(word: &str) -> Result<Self, String> {
        Ok(Self(Map::from_iter([(LIKE.to_owned(), word.into())])))
    }
}

/// The one member that is not the key's own.
pub(crate) const LIKE: &str = "like";

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
