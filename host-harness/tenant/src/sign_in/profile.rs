//! What pages ask about who signed in, and about where they are.

use serde_json::{Value, json};

use super::page;
use super::params::Params;
use crate::answer::Answer;
use crate::request::Request;
use crate::tenant::Tenant;
use crate::token;
use crate::user::User;

/// `POST /tokeninfo`: the user of an ID token, for the libraries of 2016. `app_metadata` is left out.
pub(super) fn token_info(tenant: &Tenant, request: &Request, now_unix_s: u64) -> Answer {
    let found = Params::of_body(request).ok().and_then(|params| {
        let (keys, issuer) = (tenant.keys().verifying(), tenant.settings().issuer());
        let claims = token::open(params.get("id_token")?, keys, issuer, now_unix_s).ok()?;
        let client_id =
            claims.single_audience().filter(|id| tenant.settings().application(id).is_some());
        Some((client_id?.to_owned(), tenant.user(claims.text("sub")?)?))
    });
    let Some((client_id, user)) = found else {
        return unauthorized();
    };
    let mut body = user.to_json(false);
    body.remove("app_metadata");
    body.insert("clientID".to_owned(), json!(client_id));
    Answer::json(200, &Value::Object(body)).with_header("cache-control", "no-store")
}

/// `GET /userinfo` (`OpenID` Connect Core, section 5.3): for an opaque access token, or one whose second audience this is.
pub(super) fn user_info(tenant: &Tenant, request: &Request, now_unix_s: u64) -> Answer {
    let found = bearer(request).and_then(|token| {
        let opaque = tenant.issued().opaque_tokens.get(token, now_unix_s);
        match opaque {
            Some(granted) if granted.has("openid") => {
                Some((tenant.user(&granted.user_id)?, granted.scopes()))
            }
            Some(_) => None,
            None => of_signed(tenant, token, now_unix_s),
        }
        .map(|(user, scopes)| body(user, &scopes))
    });
    found.map_or_else(unauthorized, |body| {
        Answer::json(200, &body).with_header("cache-control", "no-store")
    })
}

fn of_signed<'a>(
    tenant: &'a Tenant,
    token: &str,
    now_unix_s: u64,
) -> Option<(&'a User, Vec<&'static str>)> {
    let (keys, issuer) = (tenant.keys().verifying(), tenant.settings().issuer());
    let claims = token::open(token, keys, issuer, now_unix_s).ok()?;
    if !claims.has_audience(&tenant.settings().userinfo_audience()) {
        return None;
    }
    let scope = claims.text("scope").unwrap_or_default();
    let scopes = ["openid", "profile", "email", "phone"];
    let held = scopes.into_iter().filter(|one| scope.split(' ').any(|held| held == *one));
    Some((tenant.user(claims.text("sub")?)?, held.collect()))
}

fn body(user: &User, scopes: &[&str]) -> Value {
    let mut claims = user.main().profile.claims(scopes);
    claims.insert("sub".to_owned(), json!(user.user_id()));
    Value::Object(claims)
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header_values("authorization").next()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn unauthorized() -> Answer {
    page::text(401, "text/plain; charset=utf-8", "Unauthorized")
        .with_header("www-authenticate", "Bearer error=\"invalid_token\"")
}

/// `GET /user/ssodata`: no library is offered a session of before, so that each sign-in asks for a password.
pub(super) fn single_sign_on_data() -> Answer {
    Answer::json(200, &json!({ "sso": false }))
}

/// `GET /user/geoloc/country`: which country a telephone number is taken to be of.
pub(super) fn country() -> Answer {
    Answer::json(200, &json!({ "country_code": "US" }))
}

/// `POST …/challenge`: whether a picture has to be read first. None has.
pub(super) fn no_challenge() -> Answer {
    Answer::json(200, &json!({ "required": false }))
}
