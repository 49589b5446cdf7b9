//! Link a user account: `POST /api/v2/users/{id}/identities`.

use serde_json::Value;

use crate::answer::Answer;
use crate::bearer::Caller;
use crate::body;
use crate::link_with;
use crate::permission;
use crate::provider;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::tenant::Tenant;
use crate::user::JsonObject;

/// 201 with the primary's identities. The secondary user and its metadata are gone; its identities, however many, now
/// belong to the primary. A primary that they would make too large is refused with the API's general text, since it
/// documents none of its own for that. Source: Auth0 Management API v2, Link a user account.
pub(crate) fn link(
    tenant: &mut Tenant,
    caller: &Caller,
    id: &str,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, Refusal> {
    permission::IDENTITIES.allow(caller, id)?;
    let body = LinkBody::parse(&body::object(request)?)?;
    let secondary = match &body {
        LinkBody::Token(token) => link_with::subject(tenant, caller, token, now_unix_s)?,
        LinkBody::Named { provider, user_id, .. } => named(caller, provider, user_id)?,
    };
    check_pair(tenant, id, &secondary, &body)?;
    let before = tenant.user(id).ok_or(Refusal::InexistentUser)?;
    let mut directory = tenant.directory().clone();
    let user = directory.absorb(id, &secondary, now_unix_s).ok_or(Refusal::SecondaryNotFound)?;
    if user.outgrew(before, tenant.settings().profile_limit_bytes) {
        return Err(Refusal::UnableToLink);
    }
    let identities = user.identities_json(caller.has_any(&["read:user_idp_tokens"]));
    *tenant.directory_mut() = directory;
    Ok(Answer::json(201, &identities))
}

/// The two ways to name the secondary account.
enum LinkBody {
    Token(String),
    Named { provider: String, user_id: String, has_connection: bool },
}

impl LinkBody {
    fn parse(body: &JsonObject) -> Result<Self, Refusal> {
        body::only(body, &["link_with", "provider", "user_id", "connection_id"])?;
        if body.is_empty() {
            let cause = "Too few properties defined (0), minimum 1";
            return Err(Refusal::InvalidBody(cause.to_owned()));
        }
        if !body.contains_key("link_with") {
            return Self::parse_named(body);
        }
        body::only(body, &["link_with"])?;
        Ok(Self::Token(required_text(body, "link_with")?.to_owned()))
    }

    fn parse_named(body: &JsonObject) -> Result<Self, Refusal> {
        let provider = required_text(body, "provider")?;
        if !provider::is_known(provider) {
            let cause = format!("No enum match for: {provider} on property provider");
            return Err(Refusal::InvalidBody(cause));
        }
        let user_id = required(body, "user_id")?;
        let Some(user_id_text) = text_or_integer(user_id) else {
            return Err(body::wrong_type("string", user_id, "user_id"));
        };
        Ok(Self::Named {
            provider: provider.to_owned(),
            user_id: user_id_text,
            has_connection: has_connection_id(body)?,
        })
    }
}

fn required<'a>(body: &'a JsonObject, property: &str) -> Result<&'a Value, Refusal> {
    body.get(property)
        .ok_or_else(|| Refusal::InvalidBody(format!("Missing required property: {property}")))
}

fn required_text<'a>(body: &'a JsonObject, property: &str) -> Result<&'a str, Refusal> {
    let value = required(body, property)?;
    value.as_str().ok_or_else(|| body::wrong_type("string", value, property))
}

/// Some providers number their users.
fn text_or_integer(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    text.or_else(|| value.as_i64().map(|number| number.to_string()))
}

/// Whether a connection is named. It must look like one (`con_` and 16 letters or digits); which one it is makes no
/// difference here, for the tenant has one database.
fn has_connection_id(body: &JsonObject) -> Result<bool, Refusal> {
    if !body.contains_key("connection_id") {
        return Ok(false);
    }
    let id = required_text(body, "connection_id")?;
    if is_connection_id(id) {
        return Ok(true);
    }
    let pattern = "^con_[A-Za-z0-9]{16}$";
    let cause = format!("String does not match pattern {pattern}: {id} on property connection_id");
    Err(Refusal::InvalidBody(cause))
}

fn is_connection_id(id: &str) -> bool {
    id.strip_prefix("con_").is_some_and(|rest| {
        rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The user id that `provider` and `user_id` name. A user's own token may not name anybody: since 19 October 2018 that takes
/// `update:users`, for it let anyone who knew an id take the account over.
fn named(caller: &Caller, provider: &str, user_id: &str) -> Result<String, Refusal> {
    if caller.has_any(&["update:users"]) {
        Ok(format!("{provider}|{user_id}"))
    } else {
        Err(Refusal::InsufficientScope("update:users"))
    }
}

/// Whether the two accounts can become one. For a primary that does not exist the API documents no answer; here it is that of
/// Get a user, 404 `inexistent_user`.
fn check_pair(
    tenant: &Tenant,
    primary: &str,
    secondary: &str,
    body: &LinkBody,
) -> Result<(), Refusal> {
    let directory = tenant.directory();
    directory.user(primary).ok_or(Refusal::InexistentUser)?;
    if primary == secondary {
        return Err(Refusal::SameAsMain);
    }
    if directory.is_linked(secondary) {
        return Err(Refusal::IdentityExists);
    }
    if directory.user(secondary).is_some() {
        return Ok(());
    }
    Err(match body {
        LinkBody::Token(_) => Refusal::SecondaryNotFound,
        LinkBody::Named { provider, .. } if !directory.has_provider(provider) => {
            Refusal::ProviderNotConfigured
        }
        LinkBody::Named { has_connection: false, .. } => Refusal::InexistentNeedsConnection,
        LinkBody::Named { has_connection: true, .. } => Refusal::InexistentNotAllowed,
    })
}
