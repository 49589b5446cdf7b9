//! The tenant's own login page: a form for the database, one for one-time codes, a button for each social account.

use std::fmt::Write as _;

use super::authorization::Authorization;
use super::authorize::asked_way;
use super::connections::{self, DATABASE, Way};
use super::issued::SignedIn;
use super::page::{dressed, escaped};
use super::params::Params;
use super::passwordless;
use crate::answer::Answer;
use crate::provider;
use crate::tenant::Tenant;
use crate::user::User;

/// Why the page is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    First,
    /// Something that was entered is wrong.
    Again(String),
    /// A code was made, and is asked for.
    AsksCode {
        connection: String,
        name: String,
        error: Option<String>,
    },
}

/// The page. `query` is the request that it is shown for, and comes back with what the person enters.
pub(super) fn page(
    tenant: &Tenant,
    authorization: &Authorization,
    query: &str,
    shown: &Shown,
) -> Answer {
    let begin = format!(
        "<form method=post action=/u/login><input type=hidden name=request value=\"{}\">",
        escaped(query)
    );
    let content = match shown {
        Shown::First => ways(tenant, authorization, &begin),
        Shown::Again(error) => {
            format!("<p class=error>{}</p>{}", escaped(error), ways(tenant, authorization, &begin))
        }
        Shown::AsksCode { connection, name, error } => {
            code_form(&begin, connection, name, error.as_deref())
        }
    };
    dressed(200, "Sign in", &content)
}

fn ways(tenant: &Tenant, authorization: &Authorization, begin: &str) -> String {
    let asked = authorization.connection.as_deref();
    match asked_way(authorization) {
        Some(Way::Password) => password_form(begin),
        Some(Way::OneTimeCode) => name_form(begin, asked.unwrap_or_default()),
        Some(Way::OneClick) => accounts(tenant, begin, asked.unwrap_or_default()),
        None if asked.is_some() => "<p class=error>the connection was not found</p>".to_owned(),
        None => {
            let mut all = password_form(begin) + &name_form(begin, "sms");
            for connection in connections::social(tenant.directory()) {
                all.push_str(&accounts(tenant, begin, connection));
            }
            all
        }
    }
}

fn password_form(begin: &str) -> String {
    format!(
        "{begin}<label>E-mail address<input name=username autocomplete=username></label>\
         <label>Password<input name=password type=password autocomplete=current-password></label>\
         <button>Continue</button></form>"
    )
}

fn name_form(begin: &str, connection: &str) -> String {
    let label = if connection == "sms" { "Phone number, as +15550100" } else { "E-mail address" };
    format!(
        "{begin}<input type=hidden name=connection value={connection}><label>{label}<input name=name></label>\
         <button class=quiet>Get a code</button></form>"
    )
}

fn code_form(begin: &str, connection: &str, name: &str, error: Option<&str>) -> String {
    let error = error.map(|error| format!("<p class=error>{}</p>", escaped(error)));
    format!(
        "{}<p>The code for {} is in the tenant's log, and on <a href=/__codes target=_blank>its page of codes</a>.</p>\
         {begin}<input type=hidden name=connection value=\"{}\"><input type=hidden name=name value=\"{}\">\
         <label>Code<input name=code inputmode=numeric autocomplete=one-time-code></label>\
         <button>Continue</button></form>",
        error.unwrap_or_default(),
        escaped(name),
        escaped(connection),
        escaped(name),
    )
}

fn accounts(tenant: &Tenant, begin: &str, connection: &str) -> String {
    let mut list = format!("<h2>{}</h2>", escaped(connection));
    for identity in tenant.directory().users().flat_map(User::identities) {
        if identity.connection == connection && provider::is_social(&identity.provider) {
            let name = identity.profile.name.as_deref().unwrap_or(&identity.user_id);
            let _ = write!(
                list,
                "{begin}<button class=quiet name=account value=\"{}\">{}</button></form>",
                escaped(&identity.id()),
                escaped(name)
            );
        }
    }
    list
}

/// Who signs in with what was entered; or the page to show next.
pub(super) fn sign_in(
    tenant: &mut Tenant,
    fields: &Params,
    now_unix_s: u64,
) -> Result<SignedIn, Shown> {
    if let Some(account) = fields.get("account") {
        return one_click(tenant, account, now_unix_s);
    }
    if let (Some(connection), Some(name)) = (fields.get("connection"), fields.get("name")) {
        return one_time_code(tenant, connection, name, fields.get("code"), now_unix_s);
    }
    let username = fields.get("username").unwrap_or_default();
    let password = fields.get("password").unwrap_or_default();
    let found = tenant.directory().sign_in(username, password, Some(DATABASE));
    found
        .map(|(_, identity)| SignedIn::now(identity, now_unix_s))
        .ok_or_else(|| Shown::Again("Wrong email or password.".to_owned()))
}

fn one_click(tenant: &Tenant, account: &str, now_unix_s: u64) -> Result<SignedIn, Shown> {
    let identity = tenant.directory().identity(account);
    let identity = identity.filter(|identity| provider::is_social(&identity.provider));
    identity
        .map(|identity| SignedIn::now(identity, now_unix_s))
        .ok_or_else(|| Shown::Again("There is no such account.".to_owned()))
}

fn one_time_code(
    tenant: &mut Tenant,
    connection: &str,
    name: &str,
    code: Option<&str>,
    now_unix_s: u64,
) -> Result<SignedIn, Shown> {
    let asks =
        |error| Shown::AsksCode { connection: connection.to_owned(), name: name.to_owned(), error };
    let outcome = match code {
        None => passwordless::make(tenant, connection, name, now_unix_s).map(|()| None),
        Some(code) => passwordless::redeem(tenant, connection, name, code, now_unix_s).map(Some),
    };
    match outcome {
        Ok(Some(signed_in)) => Ok(signed_in),
        Ok(None) => Err(asks(None)),
        Err(error) if code.is_some() => Err(asks(Some(error.description().to_owned()))),
        Err(error) => Err(Shown::Again(error.description().to_owned())),
    }
}
