//! All users of the tenant, and how linking moves identities between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::identity::Identity;
use crate::user::User;

/// The tenant's users by id. A clone shares them; a change copies the user it changes, and the map of references around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// INVARIANT: each key is the id of its user, and no identity belongs to two users.
    users: Arc<BTreeMap<String, Arc<User>>>,
}

/// Why an identity cannot be taken off a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DetachFault {
    NoSuchUser,
    MainIdentity,
    NotLinked,
}

impl Directory {
    /// A directory of `users`, whose identities the caller found to be distinct.
    pub(crate) fn new(users: Vec<User>) -> Self {
        let by_id = users.into_iter().map(|user| (user.user_id(), Arc::new(user))).collect();
        Self { users: Arc::new(by_id) }
    }

    pub(crate) fn user(&self, user_id: &str) -> Option<&User> {
        self.users.get(user_id).map(Arc::as_ref)
    }

    pub(crate) fn user_mut(&mut self, user_id: &str) -> Option<&mut User> {
        Arc::make_mut(&mut self.users).get_mut(user_id).map(Arc::make_mut)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values().map(Arc::as_ref)
    }

    /// Whether some user has `id` among its linked identities.
    pub(crate) fn is_linked(&self, id: &str) -> bool {
        self.users().flat_map(|user| &user.linked).any(|identity| identity.id() == id)
    }

    /// Whether any identity is of `provider`.
    pub(crate) fn has_provider(&self, provider: &str) -> bool {
        self.users().flat_map(User::identities).any(|identity| identity.provider == provider)
    }

    /// The user who signs in with that name and password, and the identity that does: the name is an identity's id or e-mail
    /// address. With a connection, only accounts of it sign in.
    ///
    /// Of several accounts with one address and one password, that of the tenant's own database signs in.
    pub(crate) fn sign_in(
        &self,
        username: &str,
        password: &str,
        connection: Option<&str>,
    ) -> Option<(&User, &Identity)> {
        let matches = |identity: &Identity| {
            let email = identity.profile.email.as_deref().unwrap_or_default();
            let named = identity.id() == username
                || (!email.is_empty() && email.eq_ignore_ascii_case(username));
            named
                && identity.password.as_deref() == Some(password)
                && connection.is_none_or(|connection| connection == identity.connection)
        };
        let pairs =
            self.users().flat_map(|user| user.identities().map(move |identity| (user, identity)));
        let found = pairs.filter(|(_, identity)| matches(identity));
        found.min_by_key(|(_, identity)| identity.provider != "auth0")
    }

    /// The identity with that id, of any user.
    pub(crate) fn identity(&self, id: &str) -> Option<&Identity> {
        self.users().flat_map(User::identities).find(|identity| identity.id() == id)
    }

    /// The user that the identity with that id belongs to.
    pub(crate) fn holder(&self, id: &str) -> Option<&User> {
        self.users().find(|user| user.identities().any(|identity| identity.id() == id))
    }

    /// The identity of `connection`, `sms` or `email`, that goes by that telephone number or address.
    pub(crate) fn by_name(&self, connection: &str, name: &str) -> Option<&Identity> {
        let named = |identity: &&Identity| {
            let profile = &identity.profile;
            let held = if connection == "sms" { &profile.phone_number } else { &profile.email };
            identity.connection == connection && held.as_deref() == Some(name)
        };
        self.users().flat_map(User::identities).find(named)
    }

    /// A new user of one identity, unless some user has it.
    pub(crate) fn create(&mut self, identity: Identity, now_unix_s: u64) {
        if self.holder(&identity.id()).is_none() {
            let user = User::standalone(identity, now_unix_s);
            Arc::make_mut(&mut self.users).insert(user.user_id(), Arc::new(user));
        }
    }

    /// Moves every identity of `secondary` to the end of `primary`'s. The secondary and its metadata are gone afterwards.
    ///
    /// Returns the primary; `None`, with nothing changed, when either does not exist or they are the same.
    pub(crate) fn absorb(
        &mut self,
        primary: &str,
        secondary: &str,
        now_unix_s: u64,
    ) -> Option<&User> {
        if primary == secondary || !self.users.contains_key(primary) {
            return None;
        }
        let users = Arc::make_mut(&mut self.users);
        let absorbed = Arc::unwrap_or_clone(users.remove(secondary)?);
        let user = Arc::make_mut(users.get_mut(primary)?);
        user.linked.push(absorbed.main);
        user.linked.extend(absorbed.linked);
        user.updated_unix_s = now_unix_s;
        Some(user)
    }

    /// Takes one identity off `user_id` and makes a standalone user of it, without metadata.
    ///
    /// Returns the user it was taken off.
    pub(crate) fn detach(
        &mut self,
        user_id: &str,
        provider: &str,
        identity: &str,
        now_unix_s: u64,
    ) -> Result<&User, DetachFault> {
        let user = self.user_mut(user_id).ok_or(DetachFault::NoSuchUser)?;
        if user.main.is_named(provider, identity) {
            return Err(DetachFault::MainIdentity);
        }
        let position = user.linked.iter().position(|linked| linked.is_named(provider, identity));
        let detached = user.linked.remove(position.ok_or(DetachFault::NotLinked)?);
        user.updated_unix_s = now_unix_s;
        let standalone = Arc::new(User::standalone(detached, now_unix_s));
        Arc::make_mut(&mut self.users).insert(standalone.user_id(), standalone);
        self.user(user_id).ok_or(DetachFault::NoSuchUser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Profile;

    fn user(id: &str) -> User {
        User::standalone(Identity::from_id(id, Profile::default()).unwrap(), 0)
    }

    #[test]
    fn a_clone_shares_what_neither_changed() {
        let before = Directory::new(vec![user("auth0|a"), user("auth0|b"), user("github|1")]);
        let mut after = before.clone();
        assert!(Arc::ptr_eq(&before.users, &after.users), "nothing is copied to begin with");
        after.absorb("auth0|a", "github|1", 1).unwrap();
        let shared = |id: &str| Arc::ptr_eq(&before.users["auth0|b"], &after.users[id]);
        assert!(shared("auth0|b") && !shared("auth0|a"), "only the changed user was copied");
        assert_eq!((before.users.len(), after.users.len()), (3, 2));
        assert!(before.user("auth0|a").unwrap().linked.is_empty());
        assert_ne!(before, after);
    }
}
