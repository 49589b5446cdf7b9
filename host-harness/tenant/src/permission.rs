//! What a caller may do to which user.

use crate::bearer::Caller;
use crate::refusal::Refusal;

/// The scopes that an operation asks for. Source: Auth0 Management API v2, the security of each operation.
pub(crate) struct Needs {
    /// Scopes that allow it on every user.
    any_user: &'static [&'static str],
    /// The scope that allows it on the user the token was issued to.
    own_user: &'static str,
    /// Both, as the refusal lists them.
    listed: &'static str,
}

/// Get a user.
pub(crate) const READ: Needs = Needs {
    any_user: &["read:users", "read:user_idp_tokens"],
    own_user: "read:current_user",
    listed: "read:users, read:user_idp_tokens, read:current_user",
};

/// Update a user.
pub(crate) const UPDATE: Needs = Needs {
    any_user: &["update:users", "update:users_app_metadata"],
    own_user: "update:current_user_metadata",
    listed: "update:users,update:users_app_metadata,update:current_user_metadata",
};

/// Link and unlink a user account.
pub(crate) const IDENTITIES: Needs = Needs {
    any_user: &["update:users"],
    own_user: "update:current_user_identities",
    listed: "update:users, update:current_user_identities",
};

impl Needs {
    /// Allows `caller` to act on `user_id`, or says what is missing. Ids are compared byte for byte.
    pub(crate) fn allow(&self, caller: &Caller, user_id: &str) -> Result<(), Refusal> {
        if caller.has_any(self.any_user) {
            return Ok(());
        }
        if !caller.has_any(&[self.own_user]) {
            return Err(self.insufficient());
        }
        if caller.subject == user_id { Ok(()) } else { Err(Refusal::UnownedResource) }
    }

    /// The refusal for want of a scope.
    pub(crate) fn insufficient(&self) -> Refusal {
        Refusal::InsufficientScope(self.listed)
    }
}
