//! The comparison that this product is about: the token's subject is the user in the path.

use crate::bearer::Bearer;
use crate::denial::Flaw;

/// The right to act on one user's account.
///
/// INVARIANT: the fields are private and [`Permit::grant`] is the only constructor, so whoever
/// holds one has seen a verified bearer whose subject is this user.
pub(crate) struct Permit {
    user_id: String,
    bearer: Bearer,
}

impl Permit {
    /// Compares the bearer's subject with the decoded user id of the path, byte for byte: no case
    /// folding, no Unicode normalisation.
    pub(crate) fn grant(bearer: Bearer, user_id: &str) -> Result<Self, Flaw> {
        if bearer.subject() == Some(user_id) {
            Ok(Self { user_id: user_id.to_owned(), bearer })
        } else {
            Err(Flaw::SubjectMismatch)
        }
    }

    /// Whose account it is.
    pub(crate) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The token that proved it.
    pub(crate) fn bearer(&self) -> &Bearer {
        &self.bearer
    }
}
