//! Errors of signing in.

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

    /// No such user, or another password: the caller does not learn which.
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

    /// Something about the request itself.
    pub(crate) fn invalid(description: &str) -> Self {
        Self::new(400, "invalid_request", description)
    }

    pub(crate) fn invalid_grant(description: &str) -> Self {
        Self::new(403, "invalid_grant", description)
    }

    pub(crate) fn callback_mismatch() -> Self {
        let text = "Callback URL mismatch. The provided redirect_uri is not in the list of allowed callback URLs.";
        Self::new(403, "invalid_request", text)
    }

    pub(crate) fn unsupported_response_type() -> Self {
        Self::new(400, "unsupported_response_type", "Unsupported response type")
    }

    /// `OpenID` Connect Core, section 3.1.2.6.
    pub(crate) fn login_required() -> Self {
        Self::new(403, "login_required", "Login required")
    }

    /// A login ticket that was used, is too old, or was made for another client.
    pub(crate) fn invalid_ticket() -> Self {
        Self::new(403, "access_denied", "Unknown or expired login ticket.")
    }

    /// A page of an origin that is not the client's.
    pub(crate) fn cross_origin() -> Self {
        Self::new(403, "unauthorized_client", "Cross origin login not allowed.")
    }

    /// As `/co/authenticate` says it.
    pub(crate) fn wrong_credentials() -> Self {
        Self::new(403, "access_denied", "Wrong email or password.")
    }

    /// As `/oauth/ro` says it.
    pub(crate) fn wrong_user_password() -> Self {
        Self::new(401, "invalid_user_password", "Wrong email or password.")
    }

    /// A one-time code that is wrong, too old, or was used.
    pub(crate) fn wrong_code(connection: &str) -> Self {
        let name = if connection == "sms" { "phone number" } else { "email" };
        Self::new(403, "access_denied", &format!("Wrong {name} or verification code."))
    }

    pub(crate) fn too_many_tries() -> Self {
        let text = "You've reached the maximum number of attempts. Please try to login again.";
        Self::new(403, "access_denied", text)
    }

    pub(crate) fn bad_connection() -> Self {
        Self::new(400, "bad.connection", "The connection was not found")
    }

    /// A telephone number or e-mail address that is none.
    pub(crate) fn bad_name(connection: &str) -> Self {
        let (error, name) = if connection == "sms" {
            ("bad.phone_number", "phone number")
        } else {
            ("bad.email", "email")
        };
        Self::new(400, error, &format!("Invalid {name}"))
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.error
    }

    pub(crate) fn description(&self) -> &str {
        &self.description
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
