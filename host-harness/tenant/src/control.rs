//! The endpoints beside the tenant's own, for tests in another process: `/__faults`, `/__keys` and `/__requests`.
//!
//! Each is there only when [`ServeOptions`] asks for it. None asks for credentials: they are for loopback.

mod error;
mod requests;

use crate::answer::Answer;
use crate::faults;
use crate::handle::TenantHandle;
use crate::keys;
use crate::request::Request;
use crate::serve::ServeOptions;
use crate::target;

pub(crate) use error::{ControlError, json_body, json_text, number};

/// How long a `GET` waits for what it asks about. Clients commonly give up after 30 seconds; it must answer before that.
pub(crate) const MAX_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The answer to a request of an endpoint that is there; `None` for one that is the tenant's to answer.
pub(crate) async fn control(
    options: ServeOptions,
    handle: &TenantHandle,
    request: &Request,
) -> Option<Answer> {
    let target = target::parse(&request.target).ok()?;
    let segments: Vec<&str> = target.segments.iter().map(String::as_str).collect();
    let answered = match segments.split_first()? {
        (&"__faults", rest) if options.fault_control => {
            faults::control(handle, request, rest, target.query).await?
        }
        (&"__keys", rest) if options.key_control => keys::control(handle, request, rest).await?,
        (&"__requests", []) if options.is_controlled() => {
            requests::control(handle, request, target.query).await
        }
        _ => return None,
    };
    Some(answered.unwrap_or_else(|error| error.answer()))
}
