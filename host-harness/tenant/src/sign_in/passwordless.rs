//! One-time codes: `/passwordless/start` makes one, and it signs in any client that has it.

use std::fmt::Write as _;

use serde_json::json;

use super::connections::{self, Way};
use super::fresh;
use super::issued::{OneTimeCode, SignedIn};
use super::page::{dressed, escaped};
use super::params::Params;
use crate::answer::Answer;
use crate::identity::{Identity, Profile};
use crate::oauth_error::OauthError;
use crate::request::Request;
use crate::tenant::Tenant;

/// Three minutes, as on a new tenant.
const LIFETIME_S: u64 = 180;

/// Wrong codes after which the right one is no good either. Source: Auth0 docs, "Passwordless Connections Best Practices".
const TRIES: u8 = 3;

/// `POST /passwordless/start`. The code is sent nowhere: see [`OneTimeCode`].
pub(super) fn start(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let client_id = params.require("client_id")?;
    tenant.settings().application(client_id).ok_or_else(OauthError::unauthorized)?;
    let connection = params.require("connection")?;
    if params.get("send").is_some_and(|send| send != "code") {
        return Err(OauthError::invalid("Only codes are sent"));
    }
    let member = member(connection);
    let name = params.require(member)?;
    make(tenant, connection, name, now_unix_s)?;
    let verified = if connection == "sms" { "phone_verified" } else { "email_verified" };
    let id = user_part(tenant, connection, name)?;
    let body = json!({ "_id": id, member: name, verified: false });
    Ok(Answer::json(200, &body).with_header("cache-control", "no-store"))
}

/// `POST /passwordless/verify`: whether the code is right. It remains good.
pub(super) fn verify(
    tenant: &mut Tenant,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, OauthError> {
    let params = Params::of_body(request)?;
    let connection = params.require("connection")?;
    let (name, code) = (params.require(member(connection))?, params.require("verification_code")?);
    check(tenant, connection, name, code, now_unix_s)?;
    Ok(Answer::json(200, &json!({})).with_header("cache-control", "no-store"))
}

/// Makes a code, in place of any earlier one for that name.
pub(super) fn make(
    tenant: &mut Tenant,
    connection: &str,
    name: &str,
    now_unix_s: u64,
) -> Result<(), OauthError> {
    if connections::way(connection) != Some(Way::OneTimeCode) {
        return Err(OauthError::bad_connection());
    }
    if !connections::is_name(connection, name) {
        return Err(OauthError::bad_name(connection));
    }
    let code = fresh::digits(tenant)?;
    let issued = tenant.issued_mut();
    issued.one_time_codes_made = issued.one_time_codes_made.saturating_add(1);
    let made = OneTimeCode {
        number: issued.one_time_codes_made,
        connection: connection.to_owned(),
        name: name.to_owned(),
        code,
        wrong_tries: 0,
    };
    issued.one_time_codes.put(key(connection, name), made, now_unix_s, LIFETIME_S);
    Ok(())
}

/// A client with the code signs in, and has an account from then on. The code is good once.
pub(super) fn redeem(
    tenant: &mut Tenant,
    connection: &str,
    name: &str,
    code: &str,
    now_unix_s: u64,
) -> Result<SignedIn, OauthError> {
    check(tenant, connection, name, code, now_unix_s)?;
    tenant.issued_mut().one_time_codes.remove(&key(connection, name));
    if tenant.directory().by_name(connection, name).is_none() {
        let part = user_part(tenant, connection, name)?;
        let id = format!("{connection}|{part}");
        let identity = Identity::from_id(&id, profile(connection, name));
        tenant.directory_mut().create(identity.ok_or_else(OauthError::bad_connection)?, now_unix_s);
    }
    let identity = tenant.directory().by_name(connection, name);
    identity
        .map(|identity| SignedIn::now(identity, now_unix_s))
        .ok_or_else(|| OauthError::wrong_code(connection))
}

/// The same, with the names of `/passwordless/verify_redirect`.
pub(super) fn redeem_params(
    tenant: &mut Tenant,
    params: &Params,
    now_unix_s: u64,
) -> Result<SignedIn, OauthError> {
    let connection = params.require("connection")?;
    let (name, code) = (params.require(member(connection))?, params.require("verification_code")?);
    redeem(tenant, connection, name, code, now_unix_s)
}

/// `GET /__codes`: the codes that are good now.
pub(super) fn shown(tenant: &Tenant, now_unix_s: u64) -> Answer {
    let mut rows = String::new();
    for code in tenant.issued().one_time_codes.values(now_unix_s) {
        let _ = write!(
            rows,
            "<tr><td>{}<td>{}<td><code>{}</code></tr>",
            escaped(&code.connection),
            escaped(&code.name),
            escaped(&code.code)
        );
    }
    let content = if rows.is_empty() {
        "<p>None is good now.</p>".to_owned()
    } else {
        format!("<table>{rows}</table>")
    };
    dressed(200, "One-time codes", &content)
}

fn check(
    tenant: &mut Tenant,
    connection: &str,
    name: &str,
    code: &str,
    now_unix_s: u64,
) -> Result<(), OauthError> {
    let codes = &mut tenant.issued_mut().one_time_codes;
    let kept = codes.get_mut(&key(connection, name), now_unix_s);
    let kept = kept.ok_or_else(|| OauthError::wrong_code(connection))?;
    if kept.wrong_tries >= TRIES {
        return Err(OauthError::too_many_tries());
    }
    if kept.code != code {
        kept.wrong_tries = kept.wrong_tries.saturating_add(1);
        return Err(OauthError::wrong_code(connection));
    }
    Ok(())
}

fn member(connection: &str) -> &'static str {
    if connection == "sms" { "phone_number" } else { "email" }
}

fn key(connection: &str, name: &str) -> String {
    format!("{connection} {name}")
}

fn profile(connection: &str, name: &str) -> Profile {
    let name = name.to_owned();
    if connection == "sms" {
        let phone = Some(name.clone());
        Profile {
            phone_number: phone,
            phone_verified: Some(true),
            name: Some(name),
            ..Profile::default()
        }
    } else {
        Profile { email: Some(name), email_verified: Some(true), ..Profile::default() }
    }
}

/// What follows `sms|` in the id of the user with that name: the id that is there, or one that the name alone decides.
fn user_part(tenant: &Tenant, connection: &str, name: &str) -> Result<String, OauthError> {
    if let Some(identity) = tenant.directory().by_name(connection, name) {
        return Ok(identity.user_id.clone());
    }
    fresh::id_of(tenant, &key(connection, name)).map_err(OauthError::from)
}
