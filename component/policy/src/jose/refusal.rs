//! Why a token is refused, and the claim that it is refused for.

use crate::verdict::cause::TokenFlaw;

/// A flaw of a token. Of a claim, the record and `linkgate explain` name it; the client never learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) flaw: TokenFlaw,
    /// The name of the claim, from the code or the policy and never from the token.
    pub(crate) claim: Option<&'static str>,
}

impl Refusal {
    /// A flaw of this claim.
    pub(crate) const fn of(flaw: TokenFlaw, claim: &'static str) -> Self {
        Self { flaw, claim: Some(claim) }
    }

    /// A claim that a rule reads is there with a type that the rule cannot read. It is never taken for absent.
    pub(crate) const fn ill_typed(claim: &'static str) -> Self {
        Self::of(TokenFlaw::ClaimType, claim)
    }
}

impl From<TokenFlaw> for Refusal {
    fn from(flaw: TokenFlaw) -> Self {
        Self { flaw, claim: None }
    }
}
