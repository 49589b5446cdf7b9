//! The endpoint that keys are changed at: `/__keys` and what is under it.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::answer::Answer;
use crate::control::{ControlError, json_body};
use crate::handle::TenantHandle;
use crate::key::SigningKey;
use crate::request::Request;

use super::set::{Overlap, Place};

/// The answer to a request under `/__keys`, `rest` being what follows; `None` for one that is the tenant's to answer.
pub(crate) async fn control(
    handle: &TenantHandle,
    request: &Request,
    rest: &[&str],
) -> Option<Result<Answer, ControlError>> {
    Some(match (rest, request.method.as_str()) {
        ([], "GET") => Ok(list(handle)),
        ([], "DELETE") => {
            let unpublished = handle.tenant().unpublish_strange_keys();
            Ok(Answer::json(200, &json!({ "unpublished": unpublished })))
        }
        ([], _) => Err(ControlError::Method("GET, DELETE")),
        (["rotate"], "POST") => rotate(handle, request).await,
        (["withdraw"], "POST") => withdraw(handle, request),
        (["publish"], "POST") => publish(handle, request),
        (["rotate" | "withdraw" | "publish"], _) => Err(ControlError::Method("POST")),
        _ => return None,
    })
}

fn list(handle: &TenantHandle) -> Answer {
    let tenant = handle.tenant();
    let earlier: Vec<&str> = tenant.earlier_keys().iter().map(SigningKey::kid).collect();
    let strange: Vec<&Value> = tenant.keys().strange().collect();
    let body = json!({
        "signing": tenant.signing_key().kid(),
        "earlier": earlier,
        "strange": strange,
    });
    Answer::json(200, &body)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRotation {
    overlap: bool,
    kid: Option<String>,
}

async fn rotate(handle: &TenantHandle, request: &Request) -> Result<Answer, ControlError> {
    let written: WrittenRotation = json_body(request)?;
    let overlap = if written.overlap { Overlap::Kept } else { Overlap::None };
    // Looking for an RSA key takes too long for a thread that serves.
    let made = spawn_blocking(SigningKey::generate).await;
    let key = made
        .map_err(|error| ControlError::Failed(error.to_string()))?
        .map_err(|error| ControlError::Failed(error.to_string()))?;
    let key = written.kid.map_or(key.clone(), |kid| key.with_kid(&kid));
    let answer = Answer::json(201, &json!({ "kid": key.kid() }));
    handle.tenant().keys_mut().rotate(key, overlap);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWithdrawal {
    kid: String,
}

fn withdraw(handle: &TenantHandle, request: &Request) -> Result<Answer, ControlError> {
    let written: WrittenWithdrawal = json_body(request)?;
    let withdrawn = handle.withdraw_key(&written.kid)?;
    Ok(Answer::json(200, &json!({ "withdrawn": withdrawn })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKeys {
    keys: Vec<Value>,
    #[serde(default)]
    first: bool,
}

fn publish(handle: &TenantHandle, request: &Request) -> Result<Answer, ControlError> {
    let written: WrittenKeys = json_body(request)?;
    let place = if written.first { Place::First } else { Place::Last };
    let mut tenant = handle.tenant();
    tenant.publish_strange_keys(written.keys, place);
    Ok(Answer::json(200, &json!({ "published": tenant.published_keys().len() })))
}
