//! The parameters of a request, from its query or from its body.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::body;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::target;

/// Parameters by name. One without a value counts as left out (RFC 6749, section 3.1).
#[derive(Clone, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Those of the request's query.
    pub(super) fn of_query(request: &Request) -> Result<Self, OauthError> {
        Self::parse(query_of(request))
    }

    /// Those of a query, without its `?`. None may be there twice (RFC 6749, section 3.1).
    pub(super) fn parse(query: &str) -> Result<Self, OauthError> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if params.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(OauthError::invalid(&format!("Duplicate parameter: {name}")));
            }
        }
        Ok(Self(params))
    }

    /// Those of a body, a form or JSON; members that hold no text are left out.
    pub(super) fn of_body(request: &Request) -> Result<Self, OauthError> {
        let members = body::object(request)?.into_iter();
        let text = |value| match value {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        };
        Ok(Self(members.filter_map(|(name, value)| Some((name, text(value)?))).collect()))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that has to be there, though it may be empty.
    pub(super) fn given(&self, name: &str) -> Result<&str, OauthError> {
        self.0.get(name).map(String::as_str).ok_or_else(|| OauthError::missing(name))
    }

    pub(super) fn require(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::missing(name))
    }
}

/// The query as it was sent; empty for a target that cannot be read.
pub(super) fn query_of(request: &Request) -> &str {
    target::parse(&request.target).map(|target| target.query).unwrap_or_default()
}
