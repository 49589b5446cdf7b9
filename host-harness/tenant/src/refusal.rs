//! Why the Management API says no, and the one table that turns a reason into an answer.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::body::BodyFault;
use crate::link_with::LinkWithFault;
use crate::request::MAX_BODY_BYTES;
use crate::token::TokenFault;

/// A reason to refuse a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchRoute,
    InvalidUri,
    InvalidQuery(String),
    InvalidBody(String),
    Body(BodyFault),
    MissingAuthentication,
    BadAuthorization,
    Token(TokenFault),
    InsufficientScope(&'static str),
    UnownedResource,
    InexistentUser,
    /// A user may not become larger than so many bytes.
    ProfileTooLarge(usize),
    UnableToLink,
    ProviderNotConfigured,
    SameAsMain,
    IdentityExists,
    SecondaryNotFound,
    InexistentNeedsConnection,
    InexistentNotAllowed,
    LinkWith(LinkWithFault),
    MainCannotBeRemoved,
}

impl Refusal {
    /// The answer in the shape of Auth0's errors: `statusCode`, `error`, `message`, and `errorCode` where one is documented.
    pub(crate) fn answer(&self) -> Answer {
        let (status, code, message) = self.parts();
        let mut body = Map::new();
        body.insert("statusCode".to_owned(), json!(status));
        body.insert("error".to_owned(), json!(reason_phrase(status)));
        body.insert("message".to_owned(), json!(message));
        if let Some(code) = code {
            body.insert("errorCode".to_owned(), json!(code));
        }
        let Self::Token(fault) = self else {
            return self.challenged(Answer::json(status, &Value::Object(body)));
        };
        body.insert("attributes".to_owned(), json!({ "error": fault.message() }));
        let challenge = format!("Bearer error=\"{}\"", fault.message());
        Answer::json(status, &Value::Object(body)).with_header("www-authenticate", challenge)
    }

    fn challenged(&self, answer: Answer) -> Answer {
        if *self == Self::MissingAuthentication {
            answer.with_header("www-authenticate", "Bearer")
        } else {
            answer
        }
    }

    /// Status, documented `errorCode`, message. Source: Auth0 Management API v2, the responses of the four user
    /// operations; the texts of 404, 413 and 415 are those of the web framework it runs on. What is said of a user that
    /// becomes too large is ours: the API documents a limit, and no answer.
    fn parts(&self) -> (u16, Option<&'static str>, String) {
        match self {
            Self::NoSuchRoute => (404, None, "Not Found".to_owned()),
            Self::InvalidUri => (400, None, "Invalid request URI.".to_owned()),
            Self::InvalidQuery(cause) => (400, None, format!("Query validation error: '{cause}'.")),
            Self::InvalidBody(cause) => {
                (400, Some("invalid_body"), format!("Payload validation error: '{cause}'."))
            }
            Self::Body(fault) => of_body(*fault),
            Self::MissingAuthentication => (401, None, "Missing authentication".to_owned()),
            Self::BadAuthorization => {
                (400, Some("Bearer"), "Bad HTTP authentication header format".to_owned())
            }
            Self::Token(fault) => (401, None, fault.message().to_owned()),
            Self::InsufficientScope(expected) => (
                403,
                Some("insufficient_scope"),
                format!("Insufficient scope, expected any of: {expected}"),
            ),
            Self::UnownedResource => {
                let text = "User to be acted on does not match subject in bearer token.";
                (403, Some("unowned_resource"), text.to_owned())
            }
            Self::InexistentUser => {
                (404, Some("inexistent_user"), "The user does not exist.".to_owned())
            }
            Self::ProfileTooLarge(bytes) => {
                (400, None, format!("The user profile exceeds its size limit of {bytes} bytes."))
            }
            Self::UnableToLink => {
                (400, None, "Unable to link with the secondary account.".to_owned())
            }
            Self::IdentityExists => (409, None, "Specified identity already exists.".to_owned()),
            Self::LinkWith(fault) => (400, None, fault.message().to_owned()),
            Self::ProviderNotConfigured => {
                (400, None, "The provider/connection is not configured.".to_owned())
            }
            Self::SameAsMain => {
                (400, None, "Main identity and the new one are the same.".to_owned())
            }
            Self::SecondaryNotFound => {
                (400, None, "Provided secondary account not found.".to_owned())
            }
            Self::InexistentNeedsConnection => {
                (400, None, "Linking to an inexistent identity requires a connection.".to_owned())
            }
            Self::InexistentNotAllowed => {
                (400, None, "Linking to an inexistent identity is not allowed.".to_owned())
            }
            Self::MainCannotBeRemoved => (400, None, "Main identity cannot be removed.".to_owned()),
        }
    }
}

fn of_body(fault: BodyFault) -> (u16, Option<&'static str>, String) {
    match fault {
        BodyFault::TooLarge => (
            413,
            None,
            format!("Payload content length greater than maximum allowed: {MAX_BODY_BYTES}"),
        ),
        BodyFault::MediaType => (415, None, "Unsupported Media Type".to_owned()),
        BodyFault::Json => (400, None, "Invalid request payload JSON format".to_owned()),
        BodyFault::NoObject(found) => {
            Refusal::InvalidBody(format!("Expected type object but found type {found}")).parts()
        }
    }
}

impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Self {
        Self::Body(fault)
    }
}

fn reason_phrase(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        _ => "Bad Request",
    }
}
