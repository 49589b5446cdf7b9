//! The answer that carries tokens.

use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// A successful token response (RFC 6749, section 5.1, and `OpenID` Connect Core, section 3.1.3.3).
pub(crate) struct TokenResponse {
    pub(crate) access_token: String,
    pub(crate) id_token: Option<String>,
    pub(crate) expires_in_s: u64,
    pub(crate) scope: String,
}

impl TokenResponse {
    pub(crate) fn answer(&self) -> Answer {
        let mut body = Map::new();
        body.insert("access_token".to_owned(), json!(self.access_token));
        body.insert("token_type".to_owned(), json!("Bearer"));
        body.insert("expires_in".to_owned(), json!(self.expires_in_s));
        body.insert("scope".to_owned(), json!(self.scope));
        if let Some(id_token) = &self.id_token {
            body.insert("id_token".to_owned(), json!(id_token));
        }
        Answer::json(200, &Value::Object(body))
            .with_header("cache-control", "no-store")
            .with_header("pragma", "no-cache")
    }
}
