//! The endpoint that counts are read at: `/__requests`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::answer::Answer;
use crate::handle::TenantHandle;
use crate::request::Request;
use crate::route::Operation;

use super::MAX_WAIT;
use super::error::{ControlError, number};

/// `GET` answers with the counts, once as many requests arrived as the query asks for; `DELETE` starts them anew.
pub(super) async fn control(
    handle: &TenantHandle,
    request: &Request,
    query: &str,
) -> Result<Answer, ControlError> {
    match request.method.as_str() {
        "GET" => {
            let wanted = wanted(query)?;
            // Reached or not, the answer tells.
            let _ = timeout(MAX_WAIT, handle.until_all_arrived(&wanted)).await;
            Ok(Answer::json(200, &counts(handle)))
        }
        "DELETE" => {
            handle.forget_requests();
            Ok(Answer::json(200, &counts(handle)))
        }
        _ => Err(ControlError::Method("GET, DELETE")),
    }
}

/// `jwks=2&read_user=1`: at least so many of each.
fn wanted(query: &str) -> Result<BTreeMap<Operation, u64>, ControlError> {
    let mut wanted = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let operation = Operation::named(&name).ok_or_else(|| {
            ControlError::mistake(format!("expected an operation in the query, found `{name}`"))
        })?;
        wanted.insert(operation, number(&name, &value)?);
    }
    Ok(wanted)
}

/// Every operation, also without a request: a reader of a count need not know that it may be missing.
fn counts(handle: &TenantHandle) -> Value {
    let of = |count: &dyn Fn(Operation) -> u64| -> BTreeMap<Operation, u64> {
        Operation::ALL.into_iter().map(|operation| (operation, count(operation))).collect()
    };
    json!({
        "arrived": of(&|operation| handle.arrived(operation)),
        "received": of(&|operation| handle.count(operation)),
    })
}
