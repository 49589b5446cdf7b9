//! What tokens of an issuer must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::Algorithm;

use super::names::Names;
use super::shadow::{BearerShadow, SecondaryShadow};

/// The rules of each issuer. They are found in a tree, so that a thousand of them are ten comparisons, and no name that a
/// token has makes it more.
#[derive(Default)]
pub(crate) struct Issuers {
    listed: Vec<Arc<IssuerRules>>,
    by_name: BTreeMap<String, Arc<IssuerRules>>,
}

impl FromIterator<IssuerRules> for Issuers {
    fn from_iter<I: IntoIterator<Item = IssuerRules>>(all: I) -> Self {
        let mut issuers = Self::default();
        for rules in all.into_iter().map(Arc::new) {
            issuers.by_name.insert(rules.issuer.clone(), Arc::clone(&rules));
            issuers.listed.push(rules);
        }
        issuers
    }
}

impl Issuers {
    /// The one of this exact name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<IssuerRules>> {
        self.by_name.get(name).cloned()
    }

    /// All of them, in the order of the document.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &IssuerRules> {
        self.listed.iter().map(Arc::as_ref)
    }
}

/// What a token of one issuer must be.
pub(crate) struct IssuerRules {
    /// `iss`, exact.
    pub(crate) issuer: String,
    /// The place in the policy document, and in the keyring.
    pub(crate) position: usize,
    pub(crate) kind: Kind,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted `aud`. None at all: access tokens must have no `aud`, and are accepted by their client.
    pub(crate) audiences: Names,
    /// What an access token may name beside an accepted `aud`: the issuer's own `userinfo`, and what the policy lists.
    pub(crate) audiences_beside: Names,
    /// Where an access token names its client. None: nowhere, and no rule asks.
    pub(crate) client_claim: Option<&'static str>,
    /// The accepted clients. None: any.
    pub(crate) clients: Option<Names>,
    pub(crate) scopes: Vec<String>,
    pub(crate) scope_claim: ScopeClaim,
    pub(crate) clock_skew_ms: u64,
    pub(crate) max_token_age_ms: Option<u64>,
    /// `typ`, when it is asked for.
    pub(crate) token_type: Option<String>,
    /// The claim `token_use`, when it is asked for.
    pub(crate) token_use: Option<&'static str>,
    /// Scope claims that ID tokens may hold.
    pub(crate) id_token_scopes: Vec<&'static str>,
    /// Who may act for a user (`act`).
    pub(crate) actors: Vec<String>,
    /// Whether a bearer that is bound to a key is refused. False: switched off in so many words.
    pub(crate) refuses_bound: bool,
    /// How strong and how fresh a sign-in linking and unlinking ask for, if they do.
    pub(crate) step_up: Option<StepUpRules>,
    pub(crate) secondary: SecondaryRules,
    pub(crate) shadow: BearerShadow,
}

/// What a secondary token of the same issuer must be.
pub(crate) struct SecondaryRules {
    pub(crate) algorithms: Vec<Algorithm>,
    /// None: the bearer's own client.
    pub(crate) audiences: Option<Names>,
    /// Since `auth_time`, else `iat`. None: switched off in so many words.
    pub(crate) max_age_ms: Option<u64>,
    /// Whether `auth_time` has to be there, and `iat` does not replace it.
    pub(crate) require_auth_time: bool,
    pub(crate) email_verified: bool,
    /// Who may act for the user of the second account.
    pub(crate) actors: Vec<String>,
    pub(crate) shadow: SecondaryShadow,
}

/// What a bearer token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    AccessToken,
    IdToken,
}

impl IssuerRules {
    /// The algorithms that its tokens may be signed with.
    pub(crate) fn all_algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.algorithms.iter().chain(&self.secondary.algorithms).copied()
    }

    /// The header `typ` of its ID tokens, where the policy names it: `type` is that of bearers.
    pub(crate) fn id_token_type(&self) -> Option<&str> {
        self.token_type.as_deref().filter(|_| self.kind == Kind::IdToken)
    }
}

/// Where an issuer writes scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeClaim {
    /// In `scope` or in `scp`, whichever is there. Where both are, they have to say the same.
    Either,
    /// In this claim alone.
    Named(&'static str),
}

/// What the sign-in behind a bearer must have been.
pub(crate) struct StepUpRules {
    /// Accepted `acr` (OIDC Core section 2).
    pub(crate) acr: Vec<String>,
    /// Accepted `amr` (RFC 8176). With `acr`, one of either is enough.
    pub(crate) amr: Vec<String>,
    /// The longest since `auth_time`.
    pub(crate) max_age_ms: Option<u64>,
}

impl Default for SecondaryRules {
    fn default() -> Self {
        Self {
            algorithms: vec![Algorithm::RS256],
            audiences: None,
            max_age_ms: Some(3_600_000),
            require_auth_time: false,
            email_verified: false,
            actors: Vec::new(),
            shadow: SecondaryShadow::default(),
        }
    }
}
