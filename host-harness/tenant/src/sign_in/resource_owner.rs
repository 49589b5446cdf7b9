//! `POST /oauth/ro`: how the older libraries sign in without leaving the page.

use super::connections::{self, Way};
use super::grant::{self, Granted, user_scopes};
use super::issued::SignedIn;
use super::params::Params;
use super::passwordless;
use super::token_endpoint::signs_users_in;
use crate::answer::Answer;
use crate::mint::Session;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// 200 with tokens for a password, or for a one-time code in its place. The access token is opaque.
pub(super) fn grant(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let client_id = signs_users_in(tenant, &params)?;
    let signed_in = signed_in(tenant, &params, now_unix_s)?;
    let holder = tenant.directory().holder(&signed_in.identity);
    let user_id = holder.ok_or_else(OauthError::wrong_user_password)?.user_id();
    grant::record_login(tenant, &user_id, now_unix_s);
    let granted = Granted {
        user_id,
        client_id,
        scopes: user_scopes(Some(params.get("scope").unwrap_or("openid")), false),
        management: false,
        session: Session { auth_time_unix_s: Some(now_unix_s), nonce: None },
        grant: None,
    };
    Ok(grant::tokens(tenant, &granted, now_unix_s)?.answer())
}

fn signed_in(
    tenant: &mut Tenant,
    params: &Params,
    now_unix_s: u64,
) -> Result<SignedIn, OauthError> {
    let (connection, username) = (params.require("connection")?, params.require("username")?);
    let password = params.require("password")?;
    match connections::way(connection) {
        Some(Way::OneTimeCode) => {
            passwordless::redeem(tenant, connection, username, password, now_unix_s)
        }
        Some(Way::Password) => {
            let found = tenant.directory().sign_in(username, password, Some(connection));
            let (_, identity) = found.ok_or_else(OauthError::wrong_user_password)?;
            Ok(SignedIn::now(identity, now_unix_s))
        }
        Some(Way::OneClick) | None => Err(OauthError::bad_connection()),
    }
}
