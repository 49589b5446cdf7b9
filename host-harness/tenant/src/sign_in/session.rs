//! The tenant's own session with a browser, in a cookie.

use super::fresh;
use super::issued::SignedIn;
use crate::answer::Answer;
use crate::key::KeyError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Three days, as on a new tenant.
const LIFETIME_S: u64 = 3 * 86_400;

const NAME: &str = "linkgate_tenant";

/// Who is signed in in the browser that sends `request`.
pub(super) fn of(tenant: &Tenant, request: &Request, now_unix_s: u64) -> Option<SignedIn> {
    let id = id_of(request)?;
    tenant.issued().sessions.get(id, now_unix_s).cloned()
}

/// Begins a session, in place of any earlier one, and adds its cookie to `answer`.
pub(super) fn begin(
    tenant: &mut Tenant,
    request: &Request,
    signed_in: SignedIn,
    now_unix_s: u64,
    answer: Answer,
) -> Result<Answer, KeyError> {
    end(tenant, request);
    let id = fresh::value(tenant)?;
    let sessions = &mut tenant.issued_mut().sessions;
    sessions.put(id.clone(), signed_in, now_unix_s, LIFETIME_S);
    Ok(answer.with_header("set-cookie", cookie(tenant, &id, LIFETIME_S)))
}

/// Ends the browser's session, and takes its cookie.
pub(super) fn end(tenant: &mut Tenant, request: &Request) -> String {
    if let Some(id) = id_of(request) {
        tenant.issued_mut().sessions.remove(id);
    }
    cookie(tenant, "", 0)
}

/// Over TLS a page of another site may have a frame of the tenant that knows its session, as Auth0's cookie allows it.
fn cookie(tenant: &Tenant, id: &str, lifetime_s: u64) -> String {
    let across_sites =
        if tenant.settings().issuer().starts_with("https:") { "None; Secure" } else { "Lax" };
    format!("{NAME}={id}; Path=/; Max-Age={lifetime_s}; HttpOnly; SameSite={across_sites}")
}

fn id_of(request: &Request) -> Option<&str> {
    let cookies = request.header_values("cookie").flat_map(|value| value.split(';'));
    let mut ids = cookies.filter_map(|cookie| cookie.trim().strip_prefix(NAME)?.strip_prefix('='));
    ids.next()
}
