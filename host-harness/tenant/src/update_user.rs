//! Update a user's metadata: `PATCH /api/v2/users/{id}`.

use serde_json::Value;

use crate::answer::Answer;
use crate::bearer::Caller;
use crate::body;
use crate::permission;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::tenant::Tenant;
use crate::user::JsonObject;

/// 200 with the user. Only the two metadata objects can be updated here: the API's other root attributes are refused as
/// unknown. Source: Auth0 Management API v2, Update a user.
pub(crate) fn update_user(
    tenant: &mut Tenant,
    caller: &Caller,
    id: &str,
    request: &Request,
    now_unix_s: u64,
) -> Result<Answer, Refusal> {
    permission::UPDATE.allow(caller, id)?;
    let patch = Patch::parse(body::object(request)?)?;
    patch.check_scopes(caller)?;
    let mut updated = tenant.user(id).ok_or(Refusal::InexistentUser)?.clone();
    let replaces = tenant.settings().patch_replaces;
    merge(&mut updated.user_metadata, patch.user_metadata, replaces);
    merge(&mut updated.app_metadata, patch.app_metadata, replaces);
    updated.updated_unix_s = now_unix_s;
    let limit_bytes = tenant.settings().profile_limit_bytes;
    let user = tenant.directory_mut().user_mut(id).ok_or(Refusal::InexistentUser)?;
    if updated.outgrew(user, limit_bytes) {
        return Err(Refusal::ProfileTooLarge(limit_bytes));
    }
    *user = updated;
    Ok(Answer::json(200, &Value::Object(user.to_json(caller.has_any(&["read:user_idp_tokens"])))))
}

struct Patch {
    user_metadata: Option<JsonObject>,
    app_metadata: Option<JsonObject>,
}

impl Patch {
    fn parse(mut body: JsonObject) -> Result<Self, Refusal> {
        body::only(&body, &["user_metadata", "app_metadata"])?;
        Ok(Self {
            user_metadata: metadata(body.remove("user_metadata"), "user_metadata")?,
            app_metadata: metadata(body.remove("app_metadata"), "app_metadata")?,
        })
    }

    /// A user's own token writes `user_metadata` alone; `update:users_app_metadata` writes `app_metadata` alone.
    fn check_scopes(&self, caller: &Caller) -> Result<(), Refusal> {
        let everything = caller.has_any(&["update:users"]);
        let own = everything || caller.has_any(&["update:current_user_metadata"]);
        let application = everything || caller.has_any(&["update:users_app_metadata"]);
        let allowed =
            (own || self.user_metadata.is_none()) && (application || self.app_metadata.is_none());
        if allowed { Ok(()) } else { Err(permission::UPDATE.insufficient()) }
    }
}

/// Names of keys may hold neither `.` nor `$`, at any depth. A key that does is an invalid body here; the API documents no text
/// for it. Source: Auth0 docs, "Metadata Field Names and Data Types".
fn metadata(value: Option<Value>, property: &str) -> Result<Option<JsonObject>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let Value::Object(object) = value else {
        return Err(body::wrong_type("object", &value, property));
    };
    match forbidden_key(&object) {
        Some(key) => Err(Refusal::InvalidBody(format!(
            "Property name not allowed: {key} on property {property}"
        ))),
        None => Ok(Some(object)),
    }
}

fn forbidden_key(object: &JsonObject) -> Option<&str> {
    let nested = || object.values().find_map(forbidden_key_within);
    object.keys().map(String::as_str).find(|key| key.contains(['.', '$'])).or_else(nested)
}

fn forbidden_key_within(value: &Value) -> Option<&str> {
    match value {
        Value::Object(object) => forbidden_key(object),
        Value::Array(values) => values.iter().find_map(forbidden_key_within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Merges at the first level, unless it `replaces`; `null` deletes a key, and an empty object deletes them all.
/// Source: Auth0 docs, "Manage Metadata with the Management API".
fn merge(current: &mut Option<JsonObject>, patch: Option<JsonObject>, replaces: bool) {
    let Some(patch) = patch else { return };
    let metadata = current.get_or_insert_default();
    if patch.is_empty() || replaces {
        metadata.clear();
    }
    for (key, value) in patch {
        if value.is_null() {
            metadata.remove(&key);
        } else {
            metadata.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_merged_at_the_first_level() {
        let rows = [
            ("adds", json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (
                "replaces nested objects whole",
                json!({"a": {"x": 1, "y": 2}}),
                json!({"a": {"x": 3}}),
                json!({"a": {"x": 3}}),
            ),
            ("null deletes", json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2})),
            (
                "null deletes what is not there",
                json!({"a": 1}),
                json!({"z": null}),
                json!({"a": 1}),
            ),
            ("nested null stays", json!({}), json!({"a": {"x": null}}), json!({"a": {"x": null}})),
            ("empty wipes", json!({"a": 1, "b": {}}), json!({}), json!({})),
        ];
        for (name, before, patch, after) in rows {
            let mut current = before.as_object().cloned();
            merge(&mut current, patch.as_object().cloned(), false);
            assert_eq!(current.map(Value::Object), Some(after), "{name}");
        }
    }

    #[test]
    fn no_patch_leaves_unwritten_metadata_unwritten() {
        let mut current = None;
        merge(&mut current, None, true);
        assert_eq!(current, None);
    }
}
