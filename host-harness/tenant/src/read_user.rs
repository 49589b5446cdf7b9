//! Get a user: `GET /api/v2/users/{id}`.

use serde_json::Value;

use crate::answer::Answer;
use crate::bearer::Caller;
use crate::permission;
use crate::refusal::Refusal;
use crate::tenant::Tenant;

/// 200 with the user, or with the fields that the query chose. Source: Auth0 Management API v2, Get a user.
pub(crate) fn read_user(
    tenant: &Tenant,
    caller: &Caller,
    id: &str,
    query: &str,
) -> Result<Answer, Refusal> {
    let selection = Selection::parse(query)?;
    permission::READ.allow(caller, id)?;
    let user = tenant.user(id).ok_or(Refusal::InexistentUser)?;
    let mut body = user.to_json(caller.has_any(&["read:user_idp_tokens"]));
    body.retain(|name, _| selection.keeps(name));
    Ok(Answer::json(200, &Value::Object(body)))
}

/// `fields` and `include_fields`.
struct Selection {
    /// Empty for all fields.
    fields: Vec<String>,
    include: bool,
}

impl Selection {
    fn parse(query: &str) -> Result<Self, Refusal> {
        let mut selection = Self { fields: Vec::new(), include: true };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("fields", list) => selection.fields = list.split(',').map(str::to_owned).collect(),
                ("include_fields", "true") => selection.include = true,
                ("include_fields", "false") => selection.include = false,
                ("include_fields", _) => {
                    let cause =
                        "Expected type boolean but found type string on property include_fields";
                    return Err(Refusal::InvalidQuery(cause.to_owned()));
                }
                (other, _) => {
                    return Err(Refusal::InvalidQuery(format!(
                        "Additional properties not allowed: {other}"
                    )));
                }
            }
        }
        selection.fields.retain(|field| !field.is_empty());
        Ok(selection)
    }

    fn keeps(&self, name: &str) -> bool {
        self.fields.is_empty() || self.fields.iter().any(|field| field == name) == self.include
    }
}
