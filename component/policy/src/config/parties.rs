//! Whom the tokens of an issuer are for, and who they were issued to: `audiences` and the keys about clients.

use super::advice;
use super::section::{Entry, Section};
use crate::jose::audience::userinfo;
use crate::rules::issuer::{IssuerRules, Kind, SecondaryRules};

/// What a policy says of audiences and clients.
pub(super) struct Parties {
    pub(super) audiences: Vec<String>,
    pub(super) beside: Vec<String>,
    pub(super) client_claim: Option<&'static str>,
    pub(super) clients: Option<Vec<String>>,
    pub(super) token_use: Option<&'static str>,
}

/// The values of `client_claim`.
const CLIENT_CLAIMS: [(&str, Option<&str>); 5] = [
    ("azp", Some("azp")),
    ("client_id", Some("client_id")),
    ("cid", Some("cid")),
    ("appid", Some("appid")),
    ("none", None),
];

impl Parties {
    pub(super) fn read(section: &mut Section<'_>, kind: Kind, issuer: Option<&str>) -> Self {
        let userinfo = issuer.map(userinfo);
        let own = userinfo.as_deref().filter(|_| kind == Kind::IdToken);
        let audiences = section
            .optional("audiences")
            .map(|entry| entry.filled_list(|entry| audience(entry, own)));
        let of_access = |section: &Section<'_>, key: &str| {
            if kind == Kind::IdToken && section.has(key) {
                let message = format!("expected no `{key}` with `kind: id-token`, found one");
                let help =
                    "the audiences of ID tokens are their clients, and each has to be accepted";
                section.mistaken_at(key, message, Some(help.to_owned()));
            }
        };
        let beside = section.optional("audiences_beside");
        let beside = beside
            .map(|entry| entry.filled_list(|entry| audience(entry, None)))
            .unwrap_or_default();
        let token_use =
            section.optional("token_use").and_then(|entry| entry.one_of(&[("access", "access")]));
        let clients = section
            .optional("clients")
            .map(|entry| entry.filled_list(|entry| audience(entry, None)));
        let client_claim = section
            .optional("client_claim")
            .and_then(|entry| entry.one_of(&CLIENT_CLAIMS))
            .unwrap_or(Some("azp"));
        for key in ["audiences_beside", "token_use", "clients"] {
            of_access(section, key);
        }
        let is_unnamed = kind == Kind::AccessToken && token_use.is_some() && clients.is_some();
        if audiences.is_none() && !is_unnamed {
            let help = "access tokens without `aud` (Amazon Cognito) are accepted by `token_use: access` and `clients`";
            section.mistaken(
                "expected the key `audiences`, found none".to_owned(),
                (kind == Kind::AccessToken).then(|| help.to_owned()),
            );
        }
        Self {
            audiences: audiences.unwrap_or_default(),
            beside: beside.into_iter().chain(userinfo).collect(),
            client_claim,
            clients,
            token_use,
        }
    }

    /// Audiences that no ID token may have: those of access tokens.
    pub(super) fn of_access_tokens(&self, kind: Kind) -> Vec<String> {
        let own = self.audiences.iter().filter(|_| kind == Kind::AccessToken);
        own.chain(&self.beside).cloned().collect()
    }

    /// What hangs together across keys. `is_narrow`: a scope or a type tells tokens for this API from others.
    pub(super) fn check(&self, section: &Section<'_>, secondary: &SecondaryRules, is_narrow: bool) {
        let mistaken = |key: &str, message: &str, help: &str| {
            section.mistaken_at(key, message.to_owned(), Some(help.to_owned()));
        };
        let is_unnamed = self.audiences.is_empty() && !section.has("audiences");
        if self.client_claim.is_none() {
            if secondary.audiences.is_none() {
                let message = "expected a claim, or `secondary.audiences`, found `none` alone";
                let help = "without a client nothing says whose sign-ins `link_with` may hold";
                mistaken("client_claim", message, help);
            }
            if self.clients.is_some() {
                let message = "expected no `clients` with `client_claim: none`, found some";
                mistaken(
                    "clients",
                    message,
                    "name the claim that has the client, or leave `clients` out",
                );
            }
        }
        if (self.client_claim.is_none() || (is_unnamed && self.clients.is_some())) && !is_narrow {
            let key = if is_unnamed { "clients" } else { "client_claim" };
            let message = "expected `scopes` that are enforced, or `type: at+jwt`, found neither";
            let help =
                "else any token of this issuer for a user would do, whatever it was issued for";
            mistaken(key, message, help);
        }
    }
}

/// An audience; `userinfo` is none of ID tokens.
fn audience(entry: &Entry<'_>, userinfo: Option<&str>) -> Option<String> {
    let text = entry.text()?;
    if Some(text) == userinfo {
        return entry.wrong("an audience of ID tokens", "one of the issuer's access tokens");
    }
    advice::placeholder(entry, text);
    Some(text.to_owned())
}

impl IssuerRules {
    /// Whether this is a name of an API: an audience of access tokens.
    pub(crate) fn names_an_api(&self, name: &str) -> bool {
        self.audiences.has(name) || self.audiences_beside.has(name)
    }
}
