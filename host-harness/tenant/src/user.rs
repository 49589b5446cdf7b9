//! A user of the tenant: one main identity, those linked to it, and metadata.

use serde_json::{Map, Value, json};

use crate::identity::Identity;
use crate::timestamp::rfc3339;

/// A JSON object, such as a user's metadata.
pub type JsonObject = Map<String, Value>;

/// A user. Its id is that of its main identity, which it can therefore not lose.
#[expect(clippy::struct_field_names, reason = "`user_metadata` is the API's own word")]
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub(crate) main: Identity,
    pub(crate) linked: Vec<Identity>,
    /// `None` until something is written: the API then leaves the member out.
    pub(crate) user_metadata: Option<JsonObject>,
    pub(crate) app_metadata: Option<JsonObject>,
    pub(crate) created_unix_s: u64,
    pub(crate) updated_unix_s: u64,
    pub(crate) last_login_unix_s: Option<u64>,
    pub(crate) logins: u64,
}

impl User {
    /// A standalone user: no other identity, no metadata.
    pub(crate) fn standalone(main: Identity, now_unix_s: u64) -> Self {
        Self {
            main,
            linked: Vec::new(),
            user_metadata: None,
            app_metadata: None,
            created_unix_s: now_unix_s,
            updated_unix_s: now_unix_s,
            last_login_unix_s: None,
            logins: 0,
        }
    }

    /// The user's id, such as `auth0|5f7c8ec7`.
    #[must_use]
    pub fn user_id(&self) -> String {
        self.main.id()
    }

    /// The ids of the linked identities, each as the user id it had when it stood alone.
    #[must_use]
    pub fn linked_ids(&self) -> Vec<String> {
        self.linked.iter().map(Identity::id).collect()
    }

    /// The name and password of each identity that has a password: its e-mail address in the tenant's database, elsewhere its id.
    pub fn passwords(&self) -> impl Iterator<Item = (String, &str)> {
        self.identities().filter_map(|identity| {
            let email = identity.profile.email.clone();
            let name = email.filter(|_| identity.provider == "auth0");
            Some((name.unwrap_or_else(|| identity.id()), identity.password.as_deref()?))
        })
    }

    /// The user's own metadata; `None` when nothing was ever written.
    #[must_use]
    pub fn user_metadata(&self) -> Option<&JsonObject> {
        self.user_metadata.as_ref()
    }

    /// The application's metadata on the user; `None` when nothing was ever written.
    #[must_use]
    pub fn app_metadata(&self) -> Option<&JsonObject> {
        self.app_metadata.as_ref()
    }

    pub(crate) fn main(&self) -> &Identity {
        &self.main
    }

    /// Main identity first.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        std::iter::once(&self.main).chain(&self.linked)
    }

    /// The identities as the API lists them: the main one first and without `profileData`.
    pub(crate) fn identities_json(&self, provider_tokens: bool) -> Value {
        let main = self.main.to_json(false, provider_tokens);
        let linked = self.linked.iter().map(|identity| identity.to_json(true, provider_tokens));
        Value::Array(std::iter::once(main).chain(linked).collect())
    }

    /// The user as `GET /api/v2/users/{id}` shows it, whole.
    pub(crate) fn to_json(&self, provider_tokens: bool) -> JsonObject {
        let mut user = self.main.profile.to_json();
        user.insert("user_id".to_owned(), json!(self.user_id()));
        user.insert("identities".to_owned(), self.identities_json(provider_tokens));
        user.insert("created_at".to_owned(), json!(rfc3339(self.created_unix_s)));
        user.insert("updated_at".to_owned(), json!(rfc3339(self.updated_unix_s)));
        user.insert("logins_count".to_owned(), json!(self.logins));
        if let Some(last_login_unix_s) = self.last_login_unix_s {
            user.insert("last_login".to_owned(), json!(rfc3339(last_login_unix_s)));
        }
        for (name, metadata) in
            [("user_metadata", &self.user_metadata), ("app_metadata", &self.app_metadata)]
        {
            if let Some(metadata) = metadata {
                user.insert(name.to_owned(), Value::Object(metadata.clone()));
            }
        }
        user
    }
}

impl User {
    /// How large the user is, in bytes of its compact JSON without its providers' tokens.
    pub(crate) fn profile_bytes(&self) -> usize {
        Value::Object(self.to_json(false)).to_string().len()
    }

    /// Whether this user, which was `before`, has outgrown `limit_bytes` just now.
    pub(crate) fn outgrew(&self, before: &Self, limit_bytes: usize) -> bool {
        let bytes = self.profile_bytes();
        bytes > limit_bytes && bytes > before.profile_bytes()
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("user_id", &self.user_id())
            .field("linked", &self.linked_ids())
            .finish_non_exhaustive()
    }
}
