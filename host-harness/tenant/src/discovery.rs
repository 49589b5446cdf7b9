//! `/.well-known`: what the tenant says of itself.

use serde_json::json;

use crate::answer::Answer;
use crate::tenant::Tenant;

/// `OpenID` Connect Discovery 1.0, section 3.
pub(crate) fn openid_configuration(tenant: &Tenant) -> Answer {
    let issuer = tenant.settings().issuer();
    Answer::json(
        200,
        &json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}authorize"),
            "token_endpoint": format!("{issuer}oauth/token"),
            "jwks_uri": format!("{issuer}.well-known/jwks.json"),
            "response_types_supported": ["code", "token", "id_token", "token id_token"],
            "response_modes_supported": ["query", "fragment", "web_message"],
            "code_challenge_methods_supported": ["S256"],
            "userinfo_endpoint": format!("{issuer}userinfo"),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "grant_types_supported": ["authorization_code", "implicit", "password", "client_credentials"],
            "scopes_supported": ["openid", "profile", "email", "phone"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            "claims_supported": [
                "aud", "auth_time", "email", "email_verified", "exp", "iat", "iss", "name", "nickname", "nonce", "phone_number", "sub",
            ],
        }),
    )
    .with_header("cache-control", PUBLIC_FOR_SECONDS)
}

/// RFC 7517, section 5. Keys that were rotated out stay in the set until they are withdrawn.
pub(crate) fn jwks(tenant: &Tenant) -> Answer {
    Answer::json(200, &json!({ "keys": tenant.published_keys() }))
        .with_header("cache-control", PUBLIC_FOR_SECONDS)
}

/// How long others may keep these documents, as Auth0 says it.
const PUBLIC_FOR_SECONDS: &str =
    "public, max-age=15, stale-while-revalidate=15, stale-if-error=86400";
