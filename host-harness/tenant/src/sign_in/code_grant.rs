//! The authorization code grant with a proof that the code came to the client itself.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::grant;
use super::params::Params;
use crate::oauth_error::OauthError;
use crate::tenant::Tenant;
use crate::token_response::TokenResponse;

/// RFC 6749, section 4.1.3, and RFC 7636, section 4.6. A code is good once, also when what comes with it is wrong.
pub(super) fn code_grant(
    tenant: &mut Tenant,
    params: &Params,
    now_unix_s: u64,
) -> Result<TokenResponse, OauthError> {
    let (code, client_id) = (params.require("code")?, params.require("client_id")?);
    let verifier = params.require("code_verifier")?;
    let code = tenant.issued_mut().codes.take(code, now_unix_s);
    let code = code
        .filter(|code| code.granted.client_id == client_id)
        .ok_or_else(|| OauthError::invalid_grant("Invalid authorization code"))?;
    if params.get("redirect_uri").is_some_and(|sent| sent != code.redirect_uri) {
        return Err(OauthError::invalid_grant("The redirect URI is wrong."));
    }
    let hashed = digest(&SHA256, verifier.as_bytes());
    if URL_SAFE_NO_PAD.encode(hashed) != code.challenge {
        return Err(OauthError::invalid_grant("Failed to verify code verifier"));
    }
    grant::tokens(tenant, &code.granted, now_unix_s)
}
