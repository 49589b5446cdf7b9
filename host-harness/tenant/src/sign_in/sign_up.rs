//! `POST /dbconnections/signup`: a new account in the tenant's own database.

use serde_json::json;

use super::connections::{self, DATABASE, Way};
use super::fresh;
use super::params::Params;
use super::token_endpoint::signs_users_in;
use crate::answer::Answer;
use crate::identity::{Identity, Profile};
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;
use crate::user::User;

/// 200 with the new account, whose address is not verified. It is no sign-in.
pub(super) fn sign_up(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    signs_users_in(tenant, &params)?;
    if connections::way(params.require("connection")?) != Some(Way::Password) {
        return Err(OauthError::bad_connection());
    }
    let (email, password) = (params.require("email")?, params.require("password")?);
    if is_taken(tenant, email) || !connections::is_name("email", email) {
        return Ok(invalid());
    }
    let part = fresh::id_of(tenant, email)?;
    let profile = Profile {
        email: Some(email.to_owned()),
        email_verified: Some(false),
        ..Profile::default()
    };
    let identity = Identity::from_id(&format!("auth0|{part}"), profile);
    let identity = identity.ok_or_else(OauthError::bad_connection)?;
    let identity = Identity { password: Some(password.to_owned()), ..identity };
    tenant.directory_mut().create(identity, now_unix_s);
    Ok(Answer::json(200, &json!({ "_id": part, "email": email, "email_verified": false })))
}

fn is_taken(tenant: &Tenant, email: &str) -> bool {
    let mut accounts = tenant.directory().users().flat_map(User::identities);
    accounts.any(|identity| {
        let held = identity.profile.email.as_deref().unwrap_or_default();
        identity.connection == DATABASE && held.eq_ignore_ascii_case(email)
    })
}

/// One text for an address that is none and for one that is taken, so that no client learns who has an account.
fn invalid() -> Answer {
    let body = json!({
        "name": "BadRequestError",
        "code": "invalid_signup",
        "description": "Invalid sign up",
        "statusCode": 400,
    });
    Answer::json(400, &body)
}
