//! What the key endpoint of a case answers, as bytes.

use linkgate_policy::Failure;
use serde_json::{Map, Value, json};

use super::{KEY_ENDPOINT, Meaning, Response};
use crate::form::{FailureForm, JwkForm, KeyAnswerForm, KeyBodyForm, LIKE};
use crate::mint::overlay;
use crate::trouble::Trouble;

impl Meaning<'_> {
    /// The policy document, with the place of its keys filled in.
    pub(crate) fn document(&self, policy: &str) -> Result<String, Trouble> {
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
    pub(crate) fn keys(
        &self,
        forms: &[KeyAnswerForm],
    ) -> Result<Vec<Result<Response, Failure>>, Trouble> {
        let refuses =
            |form: &KeyAnswerForm| matches!(form, KeyAnswerForm::Fails(FailureForm::NotSent));
        if forms.len() > 1 && forms.iter().any(refuses) {
            let text = "expected `fails: not-sent` alone, since nothing listens there, found it among others";
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
