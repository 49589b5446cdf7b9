//! `GET /v2/logout`: the end of the tenant's own session.

use super::page;
use super::params::Params;
use super::session;
use crate::answer::Answer;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// 302 to `returnTo`, which has to be one of the callbacks of the client, or of any client when none is named.
pub(super) fn logout(tenant: &mut Tenant, request: &Request) -> Answer {
    let gone = session::end(tenant, request);
    let params = Params::of_query(request).unwrap_or_default();
    let answer = match params.get("returnTo") {
        None => page::text(200, "text/plain; charset=utf-8", "OK"),
        Some(back) if is_registered(tenant, params.get("client_id"), back) => page::redirect(back),
        Some(_) => page::error(&OauthError::invalid(
            "The \"returnTo\" querystring parameter is not registered",
        )),
    };
    answer.with_header("set-cookie", gone)
}

fn is_registered(tenant: &Tenant, client_id: Option<&str>, back: &str) -> bool {
    let applications = tenant.settings().applications.iter();
    let mut asked = applications.filter(|one| client_id.is_none_or(|id| id == one.client_id));
    asked.any(|application| application.callbacks.iter().any(|callback| callback == back))
}
