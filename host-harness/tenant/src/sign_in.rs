//! `POST /oauth/token`: tokens for a user's password, or for a machine's secret.

use crate::answer::Answer;
use crate::body;
use crate::mint::Validity;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::settings::{Application, ApplicationKind, USER_SCOPES};
use crate::tenant::Tenant;
use crate::token_response::TokenResponse;
use crate::user::JsonObject;

/// 200 with tokens (RFC 6749, section 5.1), or an error (section 5.2). JSON and form bodies are both read.
///
/// A password stands for whatever sign-in the account's provider would ask for, so that no browser is needed.
pub(crate) fn sign_in(tenant: &mut Tenant, request: &Request, now_unix_s: u64) -> Answer {
    let granted = grant(tenant, request, now_unix_s);
    granted.map_or_else(|error| error.answer(), |response| response.answer())
}

fn grant(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let fields = body::object(request)?;
    match field(&fields, "grant_type")? {
        "password" => password_grant(tenant, &fields, now_unix_s),
        "client_credentials" => machine_grant(tenant, &fields, now_unix_s),
        other => Err(OauthError::unsupported_grant(other)),
    }
}

/// The resource owner password grant. With the scope `openid` there is an ID token too; without the Management API as
/// audience the access token is opaque.
fn password_grant(
    tenant: &mut Tenant,
    fields: &JsonObject,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let client_id = field(fields, "client_id")?.to_owned();
    let (username, password) = (field(fields, "username")?, field(fields, "password")?);
    let application =
        tenant.settings().application(&client_id).ok_or_else(OauthError::unauthorized)?;
    if application.kind != ApplicationKind::SinglePage {
        return Err(OauthError::unauthorized_client());
    }
    let management = asks_for_management(tenant, fields)?;
    let scopes = user_scopes(fields, management);
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let user =
        tenant.directory().sign_in(username, password).ok_or_else(OauthError::wrong_password)?;
    let user_id = user.user_id();
    record_login(tenant, &user_id, now_unix_s);
    let access = Validity::new(now_unix_s, tenant.settings().access_token_lifetime_s);
    let id = Validity::new(now_unix_s, tenant.settings().id_token_lifetime_s);
    let signed = tenant.mint_access_token(&user_id, &client_id, &scopes, access)?;
    let id_token = if scopes.contains(&"openid") {
        Some(tenant.id_token(&user_id, &client_id, &scopes, id)?)
    } else {
        None
    };
    let access_token = if management { signed } else { opaque(&signed) };
    Ok(TokenResponse {
        access_token,
        id_token,
        expires_in_s: access.lifetime_s,
        scope: scopes.join(" "),
    })
}

/// The client-credentials grant: a token of the machine's own, for the Management API alone.
fn machine_grant(
    tenant: &Tenant,
    fields: &JsonObject,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let client_id = field(fields, "client_id")?;
    let application =
        tenant.settings().application(client_id).ok_or_else(OauthError::unauthorized)?;
    let granted = machine_scopes(application, field(fields, "client_secret")?)?;
    field(fields, "audience")?;
    asks_for_management(tenant, fields)?;
    let asked = fields.get("scope").and_then(|scope| scope.as_str());
    let scopes: Vec<&str> = match asked {
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

fn field<'a>(fields: &'a JsonObject, name: &str) -> Result<&'a str, OauthError> {
    fields.get(name).and_then(|value| value.as_str()).ok_or_else(|| OauthError::missing(name))
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

/// Whether the token is to be for the Management API, which is the only API there is.
///
/// Its tokens have one audience even when `openid` is asked for as well: the API refuses tokens with two.
fn asks_for_management(tenant: &Tenant, fields: &JsonObject) -> Result<bool, OauthError> {
    match fields.get("audience").and_then(|audience| audience.as_str()) {
        None => Ok(false),
        Some(audience) if audience == tenant.settings().management_audience() => Ok(true),
        Some(other) => Err(OauthError::no_such_service(other)),
    }
}

/// Scopes asked for, less those a user cannot be granted; without `scope`, all that a user can be granted.
fn user_scopes(fields: &JsonObject, management: bool) -> Vec<String> {
    let on_management = if management { USER_SCOPES.as_slice() } else { &[] };
    let grantable = ["openid", "profile", "email"].iter().chain(on_management).copied();
    match fields.get("scope").and_then(|scope| scope.as_str()) {
        None => grantable.map(str::to_owned).collect(),
        Some(asked) => {
            let grantable: Vec<&str> = grantable.collect();
            asked.split(' ').filter(|scope| grantable.contains(scope)).map(str::to_owned).collect()
        }
    }
}

fn record_login(tenant: &mut Tenant, user_id: &str, now_unix_s: u64) {
    if let Some(user) = tenant.directory_mut().user_mut(user_id) {
        user.last_login_unix_s = Some(now_unix_s);
        user.logins = user.logins.saturating_add(1);
    }
}

/// An access token that no API reads: a piece of a signature is as opaque as random bytes, and needs none.
fn opaque(signed: &str) -> String {
    let signature = signed.rsplit('.').next().unwrap_or_default();
    signature.chars().take(32).collect()
}
