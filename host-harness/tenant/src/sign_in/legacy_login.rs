//! How Lock 9 and 10 sign in with a password: a form that comes back as a form, and tokens in a fragment.

use serde_json::json;

use super::authorization::{Wants, authorization, reply};
use super::authorize::begin;
use super::fresh;
use super::issued::{LegacyResult, SignedIn};
use super::page::{self, escaped};
use super::params::Params;
use super::reply::Mode;
use crate::answer::Answer;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Lifetime of a result, in seconds: the page posts it at once.
const RESULT_LIFETIME_S: u64 = 60;

/// `POST /usernamepassword/login`: 200 with a form for `/login/callback`. The library puts it into the page and submits
/// its first element, so the form has to be that.
pub(super) fn login(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let mut authorization = authorization(tenant, &params, reply(tenant, &params)?)?;
    authorization.wants = Wants { code: false, access_token: true, id_token: true };
    // A query would be logged on its way.
    authorization.reply.mode = Mode::Fragment;
    let (username, password) = (params.require("username")?, params.require("password")?);
    let found = tenant.directory().sign_in(username, password, Some(params.require("connection")?));
    let Some((_, identity)) = found else {
        return Ok(wrong_password());
    };
    let signed_in = SignedIn::now(identity, now_unix_s);
    let name = fresh::value(tenant)?;
    let result = LegacyResult { authorization, signed_in };
    tenant.issued_mut().legacy_results.put(name.clone(), result, now_unix_s, RESULT_LIFETIME_S);
    let form = format!(
        "<form method=\"post\" name=\"hiddenform\" action=\"{}login/callback\">\
         <input type=\"hidden\" name=\"wa\" value=\"wsignin1.0\">\
         <input type=\"hidden\" name=\"wresult\" value=\"{name}\">\
         <input type=\"hidden\" name=\"wctx\" value=\"{{}}\">\
         <noscript><button type=\"submit\">Continue</button></noscript></form>",
        escaped(tenant.settings().issuer())
    );
    Ok(page::html(200, &form))
}

/// `POST /login/callback`: a redirect with both tokens in the fragment, whatever the response type was: the library looks
/// for both.
pub(super) fn callback(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    redeemed(tenant, request, now_unix_s).unwrap_or_else(|error| page::error(&error))
}

fn redeemed(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let result = params.require("wresult")?;
    let result = tenant.issued_mut().legacy_results.take(result, now_unix_s);
    let LegacyResult { authorization, signed_in } =
        result.ok_or_else(|| OauthError::invalid("The sign-in is over, or was finished before"))?;
    begin(tenant, request, &authorization, signed_in, now_unix_s)
}

/// The status and the one in the body differ, as Auth0 has it.
fn wrong_password() -> Answer {
    let body = json!({
        "name": "ValidationError",
        "code": "invalid_user_password",
        "description": "Wrong email or password.",
        "statusCode": 400,
    });
    Answer::json(401, &body).with_header("cache-control", "no-store")
}
