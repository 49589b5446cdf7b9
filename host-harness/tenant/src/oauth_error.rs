//! Errors of the token endpoint.

use serde_json::json;

use crate::answer::Answer;
use crate::body::BodyFault;
use crate::key::KeyError;

/// An OAuth error: `error` and `error_description` (RFC 6749, section 5.2), with the statuses that Auth0 gives them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OauthError {
    status: u16,
    error: &'static str,
    description: String,
}

impl OauthError {
    pub(crate) fn answer(&self) -> Answer {
        Answer::json(
            self.status,
            &json!({ "error": self.error, "error_description": self.description }),
        )
        .with_header("cache-control", "no-store")
    }

    /// No such user, or another password: the caller is not told which.
    pub(crate) fn wrong_password() -> Self {
        Self::new(403, "invalid_grant", "Wrong email or password.")
    }

    /// No such application, or another secret.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "access_denied", "Unauthorized")
    }

    /// An application that exists but may not use this grant.
    pub(crate) fn unauthorized_client() -> Self {
        Self::new(403, "unauthorized_client", "Grant type not allowed for the client.")
    }

    pub(crate) fn unsupported_grant(grant_type: &str) -> Self {
        Self::new(403, "unsupported_grant_type", &format!("Unsupported grant type: {grant_type}"))
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(400, "invalid_request", &format!("Missing required parameter: {parameter}"))
    }

    pub(crate) fn no_such_service(audience: &str) -> Self {
        Self::new(403, "access_denied", &format!("Service not found: {audience}"))
    }

    fn new(status: u16, error: &'static str, description: &str) -> Self {
        Self { status, error, description: description.to_owned() }
    }
}

impl From<KeyError> for OauthError {
    fn from(_: KeyError) -> Self {
        Self::new(500, "server_error", "The token could not be signed.")
    }
}

impl From<BodyFault> for OauthError {
    fn from(fault: BodyFault) -> Self {
        let (status, description) = match fault {
            BodyFault::TooLarge => (413, "The body is too large."),
            BodyFault::MediaType => (415, "The body must be JSON or a form."),
            BodyFault::Json | BodyFault::NoObject(_) => (400, "The body is not an object."),
        };
        Self::new(status, "invalid_request", description)
    }
}
