//! `POST /oauth/token`: tokens for a code, for a user's password, or for a machine's secret.

use super::code_grant::code_grant;
use super::grant::{self, Granted, asks_for_management, user_scopes};
use super::params::Params;
use crate::answer::Answer;
use crate::mint::{Session, Validity};
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::settings::{Application, ApplicationKind};
use crate::tenant::Tenant;
use crate::token_response::TokenResponse;

/// 200 with tokens (RFC 6749, section 5.1), or an error (section 5.2). JSON and form bodies are both read.
///
/// A password replaces whatever sign-in the account's provider would ask for, so that no browser is needed.
pub(crate) fn sign_in(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    let granted = token_grant(tenant, request, now_unix_s);
    granted.map_or_else(|error| error.answer(), |response| response.answer())
}

fn token_grant(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let params = Params::of_body(request)?;
    match params.require("grant_type")? {
        "authorization_code" => code_grant(tenant, &params, now_unix_s),
        "password" => password_grant(tenant, &params, None, now_unix_s),
        PASSWORD_REALM => {
            password_grant(tenant, &params, Some(params.require("realm")?), now_unix_s)
        }
        "client_credentials" => machine_grant(tenant, &params, now_unix_s),
        other => Err(OauthError::unsupported_grant(other)),
    }
}

/// Auth0's extension: the password grant in one connection.
const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

/// The resource owner password grant. With the scope `openid` there is an ID token too; without the Management API as
/// audience the access token is opaque.
fn password_grant(
    tenant: &mut Tenant,
    params: &Params,
    realm: Option<&str>,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let client_id = signs_users_in(tenant, params)?;
    let (username, password) = (params.given("username")?, params.given("password")?);
    let management = asks_for_management(tenant, params.get("audience"))?;
    let found = tenant.directory().sign_in(username, password, realm);
    let (user, _) = found.ok_or_else(OauthError::wrong_password)?;
    let user_id = user.user_id();
    grant::record_login(tenant, &user_id, now_unix_s);
    let granted = Granted {
        user_id,
        client_id,
        scopes: user_scopes(params.get("scope"), management),
        management,
        session: Session { auth_time_unix_s: Some(now_unix_s), nonce: None },
        grant: Some("password"),
    };
    grant::tokens(tenant, &granted, now_unix_s)
}

/// The `client_id` of an application that asks for tokens of its users.
pub(super) fn signs_users_in(tenant: &Tenant, params: &Params) -> Result<String, OauthError> {
    let client_id = params.require("client_id")?;
    let application =
        tenant.settings().application(client_id).ok_or_else(OauthError::unauthorized)?;
    match application.kind {
        ApplicationKind::SinglePage => Ok(client_id.to_owned()),
        ApplicationKind::Machine { .. } => Err(OauthError::unauthorized_client()),
    }
}

/// The client-credentials grant: a token of the machine's own, for the Management API alone.
fn machine_grant(
    tenant: &Tenant,
    params: &Params,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let client_id = params.require("client_id")?;
    let application =
        tenant.settings().application(client_id).ok_or_else(OauthError::unauthorized)?;
    let granted = machine_scopes(application, params.require("client_secret")?)?;
    asks_for_management(tenant, Some(params.require("audience")?))?;
    let scopes: Vec<&str> = match params.get("scope") {
        Some(asked) => {
            asked.split(' ').filter(|scope| granted.iter().any(|held| held == scope)).collect()
        }
        None => granted.iter().map(String::as_str).collect(),
    };
    let validity = Validity::new(now_unix_s, tenant.settings().access_token_lifetime_s);
    let access_token = tenant.mint_machine_token(client_id, &scopes, validity)?;
    Ok(TokenResponse {
        access_token,
        id_token: None,
        expires_in_s: validity.lifetime_s,
        scope: scopes.join(" "),
    })
}

fn machine_scopes<'a>(
    application: &'a Application,
    given: &str,
) -> Result<&'a [String], OauthError> {
    match &application.kind {
        ApplicationKind::Machine { secret, scopes } if secret == given => Ok(scopes),
        ApplicationKind::Machine { .. } => Err(OauthError::unauthorized()),
        ApplicationKind::SinglePage => Err(OauthError::unauthorized_client()),
    }
}
