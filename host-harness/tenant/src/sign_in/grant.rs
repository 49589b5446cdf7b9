//! From a sign-in to tokens.

use super::fresh;
use crate::mint::{Session, Validity};
use crate::oauth_error::OauthError;
use crate::settings::USER_SCOPES;
use crate::tenant::Tenant;
use crate::token_response::TokenResponse;

/// What a user has allowed an application, and how they signed in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(super) user_id: String,
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    /// Whether the access token is for the Management API; otherwise it is opaque.
    pub(super) management: bool,
    pub(super) session: Session,
    /// The `gty` claim, which only grants without a browser have.
    pub(super) grant: Option<&'static str>,
}

impl Granted {
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }

    pub(super) fn scopes(&self) -> Vec<&str> {
        self.scopes.iter().map(String::as_str).collect()
    }
}

/// An access token, and with the scope `openid` an ID token.
pub(super) fn tokens(
    tenant: &mut Tenant,
    granted: &Granted,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let (access_token, expires_in_s) = access_token(tenant, granted, now_unix_s)?;
    let id_token = granted.has("openid").then(|| id_token(tenant, granted, now_unix_s));
    Ok(TokenResponse {
        access_token,
        id_token: id_token.transpose()?,
        expires_in_s,
        scope: granted.scopes.join(" "),
    })
}

pub(super) fn id_token(
    tenant: &Tenant,
    granted: &Granted,
    now_unix_s: u64,
) -> Result<String, OauthError> {
    let validity = Validity::new(now_unix_s, tenant.settings().id_token_lifetime_s);
    let (user_id, client_id) = (&granted.user_id, &granted.client_id);
    Ok(tenant.id_token(user_id, client_id, &granted.scopes(), validity, &granted.session)?)
}

/// An access token and its lifetime in seconds.
pub(super) fn access_token(
    tenant: &mut Tenant,
    granted: &Granted,
    now_unix_s: u64,
) -> Result<(String, u64), OauthError> {
    let lifetime_s = tenant.settings().access_token_lifetime_s;
    let validity = Validity::new(now_unix_s, lifetime_s);
    if granted.management {
        let (user_id, client_id) = (&granted.user_id, &granted.client_id);
        let scopes = granted.scopes();
        let signed = tenant.access_token(user_id, client_id, granted.grant, &scopes, validity)?;
        return Ok((signed, lifetime_s));
    }
    let opaque = fresh::value(tenant)?;
    let tokens = &mut tenant.issued_mut().opaque_tokens;
    tokens.put(opaque.clone(), granted.clone(), now_unix_s, lifetime_s);
    Ok((opaque, lifetime_s))
}

/// Whether the token is to be for the Management API, which is the only API there is.
pub(super) fn asks_for_management(
    tenant: &Tenant,
    audience: Option<&str>,
) -> Result<bool, OauthError> {
    match audience {
        None => Ok(false),
        Some(audience) if audience == tenant.settings().management_audience() => Ok(true),
        Some(other) => Err(OauthError::no_such_service(other)),
    }
}

/// Scopes asked for, less those a user cannot be granted; without `scope`, all that a user can be granted.
pub(super) fn user_scopes(scope: Option<&str>, management: bool) -> Vec<String> {
    let on_management = if management { USER_SCOPES.as_slice() } else { &[] };
    let grantable: Vec<&str> =
        ["openid", "profile", "email", "phone"].iter().chain(on_management).copied().collect();
    let asked = scope.map(|scope| scope.split(' ').collect::<Vec<_>>());
    let granted = asked.unwrap_or_else(|| grantable.clone()).into_iter();
    granted.filter(|scope| grantable.contains(scope)).map(str::to_owned).collect()
}

pub(super) fn record_login(tenant: &mut Tenant, user_id: &str, now_unix_s: u64) {
    if let Some(user) = tenant.directory_mut().user_mut(user_id) {
        user.last_login_unix_s = Some(now_unix_s);
        user.logins = user.logins.saturating_add(1);
    }
}
