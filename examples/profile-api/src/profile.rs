//! The one user.

use serde::Serialize;

/// A user as `GET /api/v2/users/{id}` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    pub(crate) user_id: String,
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    /// The main one first.
    pub(crate) identities: Vec<Identity>,
}

/// An account that the user signs in with.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Identity {
    pub(crate) provider: String,
    pub(crate) user_id: String,
}

impl Profile {
    /// Alice, as the simulated tenant has her too: its tokens are good for trying this out.
    pub(crate) fn alice() -> Self {
        let main = Identity { provider: "auth0".to_owned(), user_id: "alice-5f7c8ec7".to_owned() };
        Self {
            user_id: format!("{}|{}", main.provider, main.user_id),
            email: "alice@example.com",
            name: "Alice Adams",
            identities: vec![main],
        }
    }
}

impl Identity {
    /// The account of a subject such as `github|583231`.
    pub(crate) fn from_subject(subject: &str) -> Option<Self> {
        let (provider, user_id) = subject.split_once('|')?;
        Some(Self { provider: provider.to_owned(), user_id: user_id.to_owned() })
    }
}
