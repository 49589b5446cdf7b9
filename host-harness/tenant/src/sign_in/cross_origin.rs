//! `POST /co/authenticate`: a form in the page's own dress, which gets a ticket for `/authorize`.

use serde_json::json;

use super::connections::{self, Way};
use super::fresh;
use super::issued::{SignedIn, Ticket};
use super::params::Params;
use super::passwordless;
use super::token_endpoint::signs_users_in;
use crate::answer::Answer;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Lifetime of a ticket, in seconds: a page goes to `/authorize` at once.
const TICKET_LIFETIME_S: u64 = 60;

/// 200 with a ticket, for a page whose origin is registered with the client.
pub(super) fn authenticate(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let client_id = signs_users_in(tenant, &params)?;
    let origins = tenant.settings().application(&client_id).map(|application| &application.origins);
    let origin = request.header_values("origin").next();
    if !origins
        .is_some_and(|origins| origin.is_some_and(|origin| origins.iter().any(|one| one == origin)))
    {
        return Err(OauthError::cross_origin());
    }
    let signed_in = signed_in(tenant, &params, now_unix_s)?;
    let (ticket, verifier, id) =
        (fresh::value(tenant)?, fresh::value(tenant)?, fresh::value(tenant)?);
    let kept = Ticket { client_id, signed_in };
    tenant.issued_mut().tickets.put(ticket.clone(), kept, now_unix_s, TICKET_LIFETIME_S);
    let body = json!({ "login_ticket": ticket, "co_verifier": verifier, "co_id": id });
    Ok(Answer::json(200, &body).with_header("cache-control", "no-store"))
}

fn signed_in(
    tenant: &mut Tenant,
    params: &Params,
    now_unix_s: u64,
) -> Result<SignedIn, OauthError> {
    let username = params.require("username")?;
    match (params.require("credential_type")?, params.get("realm")) {
        (ONE_TIME_CODE, Some(realm)) => {
            passwordless::redeem(tenant, realm, username, params.require("otp")?, now_unix_s)
        }
        ("password" | PASSWORD_REALM, realm) => {
            let realm = realm.unwrap_or(connections::DATABASE);
            if connections::way(realm) != Some(Way::Password) {
                return Err(OauthError::bad_connection());
            }
            let found =
                tenant.directory().sign_in(username, params.require("password")?, Some(realm));
            let (_, identity) = found.ok_or_else(OauthError::wrong_credentials)?;
            Ok(SignedIn::now(identity, now_unix_s))
        }
        _ => Err(OauthError::invalid("Unsupported credential type")),
    }
}

const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";
const ONE_TIME_CODE: &str = "http://auth0.com/oauth/grant-type/passwordless/otp";
