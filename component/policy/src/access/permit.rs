//! The comparison that this product is about: the token's subject is the user in the path.

use super::bearer::Bearer;
use crate::verdict::cause::Flaw;

/// The right to act on one user's account.
///
/// INVARIANT: the fields are private and [`Permit::grant`] is the only constructor, so a
/// holder has seen a verified bearer whose subject is this user.
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

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use crate::protocol::Step;
    use crate::testing::{self, NOW};

    /// Whether a link request is taken as far as its body: a permit was granted.
    fn permitted(user_id: &str, subject: &str) -> bool {
        let (_, turn) = testing::policy().open(testing::link_head(user_id, subject), NOW);
        matches!(turn.step, Step::ReadBody { .. })
    }

    #[test]
    fn near_misses_are_misses() {
        for (row, user_id, subject) in [
            ("case", "auth0|a", "auth0|A"),
            ("prefix", "auth0|a", "auth0|ab"),
            ("trailing space", "auth0|a", "auth0|a "),
            ("composed and decomposed", "auth0|\u{e9}", "auth0|e\u{301}"),
            ("encoded once more", "auth0|a", "auth0%7Ca"),
            ("look-alike", "auth0|a", "auth0|\u{430}"),
        ] {
            assert!(!permitted(user_id, subject), "{row}");
            assert!(permitted(subject, subject), "{row}: its own account");
        }
    }

    proptest! {
        #[test]
        fn a_permit_needs_equal_bytes(user_id in "[a-cA-C|%\u{e9}]{1,4}", subject in "[a-cA-C|%\u{e9}]{1,4}") {
            prop_assert_eq!(permitted(&user_id, &subject), user_id.as_bytes() == subject.as_bytes());
        }
    }
}
