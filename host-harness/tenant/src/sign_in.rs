//! Signing people in: what Lock, Lock Passwordless, auth0.js and auth0-spa-js ask of a tenant.
//!
//! ```text
//!  /authorize ─▶ authorization ─▶ session or ticket? ──────────▶ reply: query, fragment, web message
//!                                  └─ no ─▶ login_page ─▶ /u/login ─┘
//!  /co/authenticate, /passwordless/start ─▶ ticket, one-time code ─▶ /authorize
//!  /usernamepassword/login ─▶ /login/callback ─▶ fragment        (Lock 9, Lock 10)
//!  /oauth/token, /oauth/ro ─▶ tokens                             (in the page)
//! ```
//!
//! A client has its callbacks and origins registered, and both are compared byte for byte. Passwords are those of the users
//! document; one-time codes are shown on `/__codes` and by the process that runs the tenant, and sent nowhere. An account of a
//! social network signs in with one click. All that is handed out (sessions, tickets, codes) is kept in [`Issued`].

mod endpoint;
mod params;
mod issued;
mod store;
mod fresh;
mod grant;
mod connections;

// a navigation, from its request to its redirect
mod authorization;
mod authorize;
mod reply;
mod session;
mod login_page;
mod page;
mod logout;

// what pages call
mod token_endpoint;
mod code_grant;
mod cross_origin;
mod legacy_login;
mod passwordless;
mod resource_owner;
mod profile;
mod client_settings;
mod sign_up;
mod cors;

pub use issued::OneTimeCode;

pub(crate) use cors::{allow as allow_origin, preflight};
pub(crate) use endpoint::Endpoint;
pub(crate) use issued::Issued;
pub(crate) use page::origin_of;
pub(crate) use token_endpoint::sign_in;

use crate::answer::Answer;
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Answers a request for one of the endpoints of pages.
pub(crate) fn answer(
    tenant: &mut Tenant,
    endpoint: &Endpoint,
    request: &Request,
    now_unix_s: u64,
) -> Answer {
    let answered = match endpoint {
        Endpoint::Authorize => Ok(authorize::authorize(tenant, request, now_unix_s)),
        Endpoint::LoginPage => Ok(authorize::signed_in_on_page(tenant, request, now_unix_s)),
        Endpoint::CrossOrigin => cross_origin::authenticate(tenant, request, now_unix_s),
        Endpoint::ClientSettings(client_id) => Ok(client_settings::script(tenant, client_id)),
        Endpoint::LegacyLogin => legacy_login::login(tenant, request, now_unix_s),
        Endpoint::LegacyCallback => Ok(legacy_login::callback(tenant, request, now_unix_s)),
        Endpoint::TokenInfo => Ok(profile::token_info(tenant, request, now_unix_s)),
        Endpoint::UserInfo => Ok(profile::user_info(tenant, request, now_unix_s)),
        Endpoint::PasswordlessStart => passwordless::start(tenant, request, now_unix_s),
        Endpoint::PasswordlessVerify => passwordless::verify(tenant, request, now_unix_s),
        Endpoint::PasswordlessRedirect => {
            Ok(authorize::verified_in_page(tenant, request, now_unix_s))
        }
        Endpoint::ResourceOwner => resource_owner::grant(tenant, request, now_unix_s),
        Endpoint::SignUp => sign_up::sign_up(tenant, request, now_unix_s),
        Endpoint::Logout => Ok(logout::logout(tenant, request)),
        Endpoint::SingleSignOnData => Ok(profile::single_sign_on_data()),
        Endpoint::Country => Ok(profile::country()),
        Endpoint::Challenge => Ok(profile::no_challenge()),
        Endpoint::Codes => Ok(passwordless::shown(tenant, now_unix_s)),
    };
    answered.unwrap_or_else(|error: OauthError| error.answer())
}
