//! The endpoint that faults are asked for at: `/__faults` and `/__faults/release`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::handle::TenantHandle;
use crate::request::{MAX_BODY_BYTES, Request};
use crate::target;

use super::document::parse_faults;
use super::report::report;

/// How long a `GET` waits for what it asks about. Clients commonly give up after 30 seconds; it must answer before that.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The answer to a request of the endpoint; `None` for one that is the tenant's to answer.
pub(crate) async fn control(handle: &TenantHandle, request: &Request) -> Option<Answer> {
    let target = target::parse(&request.target).ok()?;
    let segments: Vec<&str> = target.segments.iter().map(String::as_str).collect();
    let answered = match (segments.as_slice(), request.method.as_str()) {
        (["__faults"], "GET") => status(handle, target.query).await,
        (["__faults"], "POST") => add(handle, request),
        (["__faults"], "DELETE") => {
            Ok(Answer::json(200, &json!({ "cleared": handle.clear_faults() })))
        }
        (["__faults"], _) => Err(ControlError::Method("GET, POST, DELETE")),
        (["__faults", "release"], "POST") => release(handle, request).await,
        (["__faults", "release"], _) => Err(ControlError::Method("POST")),
        _ => return None,
    };
    Some(answered.unwrap_or_else(|error| error.answer()))
}

/// Why the endpoint does not do what it was asked.
enum ControlError {
    Method(&'static str),
    MediaType,
    TooLarge,
    /// One per line.
    Mistakes(String),
    NotHeld(u64),
}

impl ControlError {
    fn answer(&self) -> Answer {
        let (status, error, message) = match self {
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
        };
        let body = json!({ "statusCode": status, "error": error, "message": message });
        match self {
            Self::Method(allowed) => Answer::json(status, &body).with_header("allow", *allowed),
            Self::MediaType | Self::TooLarge | Self::Mistakes(_) | Self::NotHeld(_) => {
                Answer::json(status, &body)
            }
        }
    }

    fn mistake(mistake: impl Into<String>) -> Self {
        Self::Mistakes(mistake.into())
    }
}

async fn status(handle: &TenantHandle, query: &str) -> Result<Answer, ControlError> {
    let (mut held, mut gone) = (0, 0);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let number = || {
            value.parse::<usize>().map_err(|_| {
                ControlError::mistake(format!("{name}: expected a number, found `{value}`"))
            })
        };
        match name.as_ref() {
            "held" => held = number()?,
            "gone" => gone = number()?,
            other => {
                let mistake = format!("expected `held` or `gone` in the query, found `{other}`");
                return Err(ControlError::mistake(mistake));
            }
        }
    }
    let reached = handle.until_held(|requests| {
        requests.len() >= held
            && requests.iter().filter(|request| request.client_gone).count() >= gone
    });
    // Reached or not, the answer tells.
    let _ = timeout(MAX_WAIT, reached).await;
    Ok(Answer::json(200, &report(handle)))
}

fn add(handle: &TenantHandle, request: &Request) -> Result<Answer, ControlError> {
    let rules = parse_faults(json_text(request)?)
        .map_err(|mistakes| ControlError::mistake(mistakes.to_string()))?;
    let ids: Vec<u64> = rules.into_iter().map(|rule| handle.add_fault(rule)).collect();
    Ok(Answer::json(201, &json!({ "ids": ids })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRelease {
    id: Option<u64>,
    all: Option<bool>,
}

async fn release(handle: &TenantHandle, request: &Request) -> Result<Answer, ControlError> {
    let written: WrittenRelease = serde_json::from_str(json_text(request)?)
        .map_err(|error| ControlError::mistake(error.to_string()))?;
    let released = match (written.id, written.all) {
        (Some(id), None) if handle.release(id).await => vec![id],
        (Some(id), None) => return Err(ControlError::NotHeld(id)),
        (None, Some(true)) => handle.release_all().await,
        (_, _) => return Err(ControlError::mistake("expected either `id` or `\"all\": true`")),
    };
    Ok(Answer::json(200, &json!({ "released": released })))
}

/// The body, which must be JSON by its media type: that is what keeps pages of a browser out.
fn json_text(request: &Request) -> Result<&str, ControlError> {
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
