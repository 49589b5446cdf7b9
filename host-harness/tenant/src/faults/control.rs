//! The endpoint that faults are asked for at: `/__faults` and `/__faults/release`.

use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::control::{ControlError, MAX_WAIT, json_body, json_text, number};
use crate::handle::TenantHandle;
use crate::request::Request;

use super::document::parse_faults;
use super::report::report;

/// The answer to a request under `/__faults`, `rest` being what follows; `None` for one that is the tenant's to answer.
pub(crate) async fn control(
    handle: &TenantHandle,
    request: &Request,
    rest: &[&str],
    query: &str,
) -> Option<Result<Answer, ControlError>> {
    Some(match (rest, request.method.as_str()) {
        ([], "GET") => status(handle, query).await,
        ([], "POST") => add(handle, request),
        ([], "DELETE") => Ok(Answer::json(200, &json!({ "cleared": handle.clear_faults() }))),
        ([], _) => Err(ControlError::Method("GET, POST, DELETE")),
        (["release"], "POST") => release(handle, request).await,
        (["release"], _) => Err(ControlError::Method("POST")),
        _ => return None,
    })
}

async fn status(handle: &TenantHandle, query: &str) -> Result<Answer, ControlError> {
    let (mut held, mut gone) = (0_usize, 0_usize);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "held" => held = number(&name, &value)?,
            "gone" => gone = number(&name, &value)?,
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
    let written: WrittenRelease = json_body(request)?;
    let released = match (written.id, written.all) {
        (Some(id), None) if handle.release(id).await => vec![id],
        (Some(id), None) => return Err(ControlError::NotHeld(id)),
        (None, Some(true)) => handle.release_all().await,
        (_, _) => return Err(ControlError::mistake("expected either `id` or `\"all\": true`")),
    };
    Ok(Answer::json(200, &json!({ "released": released })))
}
