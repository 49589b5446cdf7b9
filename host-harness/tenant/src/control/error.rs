//! Why an endpoint does not do what it was asked, and the reading of what it is asked.

use serde::de::DeserializeOwned;
use serde_json::json;

use crate::answer::Answer;
use crate::keys::WithdrawError;
use crate::request::{MAX_BODY_BYTES, Request};

pub(crate) enum ControlError {
    /// The methods that the path knows.
    Method(&'static str),
    MediaType,
    TooLarge,
    /// One per line.
    Mistakes(String),
    NotHeld(u64),
    Withdraw(WithdrawError),
    /// It is the tenant's fault.
    Failed(String),
}

impl ControlError {
    pub(crate) fn answer(&self) -> Answer {
        let (status, error, message) = self.parts();
        let body = json!({ "statusCode": status, "error": error, "message": message });
        let answer = Answer::json(status, &body);
        match self {
            Self::Method(allowed) => answer.with_header("allow", *allowed),
            Self::MediaType
            | Self::TooLarge
            | Self::Mistakes(_)
            | Self::NotHeld(_)
            | Self::Withdraw(_)
            | Self::Failed(_) => answer,
        }
    }

    pub(crate) fn mistake(mistake: impl Into<String>) -> Self {
        Self::Mistakes(mistake.into())
    }

    fn parts(&self) -> (u16, &'static str, String) {
        match self {
            Self::Method(_) => {
                (405, "Method Not Allowed", "the path knows other methods".to_owned())
            }
            Self::MediaType => {
                let message = "expected `Content-Type: application/json`";
                (415, "Unsupported Media Type", message.to_owned())
            }
            Self::TooLarge => (
                413,
                "Request Entity Too Large",
                format!("expected {MAX_BODY_BYTES} bytes at most"),
            ),
            Self::Mistakes(mistakes) => (400, "Bad Request", mistakes.clone()),
            Self::NotHeld(id) => (404, "Not Found", format!("no request is held under id {id}")),
            Self::Withdraw(error @ WithdrawError::NotPublished) => {
                (404, "Not Found", error.to_string())
            }
            Self::Withdraw(error @ WithdrawError::Signs) => (409, "Conflict", error.to_string()),
            Self::Failed(cause) => (500, "Internal Server Error", cause.clone()),
        }
    }
}

impl From<WithdrawError> for ControlError {
    fn from(error: WithdrawError) -> Self {
        Self::Withdraw(error)
    }
}

/// The body, read strictly where its type is.
pub(crate) fn json_body<T: DeserializeOwned>(request: &Request) -> Result<T, ControlError> {
    serde_json::from_str(json_text(request)?)
        .map_err(|error| ControlError::mistake(error.to_string()))
}

/// The body, which must be JSON by its media type: that is what keeps pages of a browser out.
pub(crate) fn json_text(request: &Request) -> Result<&str, ControlError> {
    let media_type = request.header_values("content-type").next().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ControlError::MediaType);
    }
    if request.body.len() > MAX_BODY_BYTES {
        return Err(ControlError::TooLarge);
    }
    std::str::from_utf8(&request.body).map_err(|_| ControlError::mistake("expected UTF-8"))
}

/// The number that a query's `name` is given as.
pub(crate) fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, ControlError> {
    value
        .parse()
        .map_err(|_| ControlError::mistake(format!("{name}: expected a number, found `{value}`")))
}
