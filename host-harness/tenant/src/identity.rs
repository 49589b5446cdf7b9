//! One way a user signs in.

use serde_json::{Value, json};

use crate::provider;
use crate::user::JsonObject;

/// An identity: an account with one provider, which belongs to one user.
///
/// The password is here and not on the user, because after linking each identity still signs in by itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) provider: String,
    /// What follows the provider and `|` in a user id; for a company's directory this begins with the connection and `|`.
    pub(crate) user_id: String,
    /// Whether the API writes `user_id` as a number, as it does for providers that number their users.
    pub(crate) numbered: bool,
    pub(crate) connection: String,
    pub(crate) profile: Profile,
    pub(crate) password: Option<String>,
    /// The provider's own access token, shown to `read:user_idp_tokens` alone.
    pub(crate) provider_token: Option<String>,
}

impl Identity {
    /// An identity from a user id; `None` without a known provider, `|` and something after it.
    pub(crate) fn from_id(id: &str, profile: Profile) -> Option<Self> {
        let (provider, user_id) = id.split_once('|')?;
        if user_id.is_empty() || !provider::is_known(provider) {
            return None;
        }
        Some(Self {
            provider: provider.to_owned(),
            user_id: user_id.to_owned(),
            numbered: false,
            connection: connection_of(provider, user_id).to_owned(),
            profile,
            password: None,
            provider_token: None,
        })
    }

    /// `{provider}|{user_id}`: the id of the user this identity is the main one of.
    pub(crate) fn id(&self) -> String {
        format!("{}|{}", self.provider, self.user_id)
    }

    /// Whether a path's `{provider}/{user_id}` names this identity. The connection may stand before the user id or not.
    pub(crate) fn is_named(&self, provider: &str, user_id: &str) -> bool {
        let without_connection =
            |id: &str| id.strip_prefix(&self.connection)?.strip_prefix('|').map(str::to_owned);
        self.provider == provider
            && (self.user_id == user_id
                || without_connection(&self.user_id).as_deref() == Some(user_id)
                || without_connection(user_id).as_deref() == Some(&self.user_id))
    }

    /// The number, where `user_id` is one: digits that JSON would write in the same way.
    pub(crate) fn number(&self) -> Option<u64> {
        self.user_id.parse().ok().filter(|number: &u64| number.to_string() == self.user_id)
    }

    fn user_id_json(&self) -> Value {
        match self.number().filter(|_| self.numbered) {
            Some(number) => json!(number),
            None => json!(self.user_id),
        }
    }

    pub(crate) fn to_json(&self, profile_data: bool, provider_tokens: bool) -> Value {
        let profile = profile_data.then(|| Value::Object(self.profile.to_json()));
        let token =
            self.provider_token.as_ref().filter(|_| provider_tokens).map(|token| json!(token));
        let members = [
            ("connection", Some(json!(self.connection))),
            ("provider", Some(json!(self.provider))),
            ("user_id", Some(self.user_id_json())),
            ("isSocial", Some(json!(provider::is_social(&self.provider)))),
            ("profileData", profile),
            ("access_token", token),
        ];
        Value::Object(present(members))
    }
}

/// What a provider says of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) email: Option<String>,
    pub(crate) email_verified: Option<bool>,
    pub(crate) name: Option<String>,
    pub(crate) nickname: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) phone_verified: Option<bool>,
}

impl Profile {
    /// What the scopes let a client know (`OpenID` Connect Core, section 5.4).
    pub(crate) fn claims(&self, scopes: &[&str]) -> JsonObject {
        let scope = |name: &str| match name {
            "email" | "email_verified" => "email",
            "phone_number" | "phone_verified" => "phone",
            _ => "profile",
        };
        let mut claims = self.to_json();
        claims.retain(|name, _| scopes.contains(&scope(name)));
        if let Some(verified) = claims.remove("phone_verified") {
            claims.insert("phone_number_verified".to_owned(), verified);
        }
        claims
    }

    pub(crate) fn to_json(&self) -> JsonObject {
        present([
            ("email", self.email.as_ref().map(|email| json!(email))),
            ("email_verified", self.email_verified.map(|verified| json!(verified))),
            ("name", self.name.as_ref().map(|name| json!(name))),
            ("nickname", self.nickname.as_ref().map(|nickname| json!(nickname))),
            ("phone_number", self.phone_number.as_ref().map(|number| json!(number))),
            ("phone_verified", self.phone_verified.map(|verified| json!(verified))),
        ])
    }
}

fn present<const N: usize>(members: [(&str, Option<Value>); N]) -> JsonObject {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `my conn` of `samlp|my conn|jo@ex.com`; a database has its usual name, a social network the provider's.
fn connection_of<'a>(provider: &'a str, user_id: &'a str) -> &'a str {
    match user_id.split_once('|') {
        Some((connection, _)) if !connection.is_empty() => connection,
        _ if provider == "auth0" => "Username-Password-Authentication",
        _ => provider,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_named_with_or_without_its_connection() {
        let saml = Identity::from_id("samlp|my conn|jo/hn@ex.com", Profile::default()).unwrap();
        let google = Identity::from_id("google-oauth2|115", Profile::default()).unwrap();
        let rows = [
            ("with the connection", &saml, "samlp", "my conn|jo/hn@ex.com", true),
            ("without it", &saml, "samlp", "jo/hn@ex.com", true),
            ("another connection", &saml, "samlp", "your conn|jo/hn@ex.com", false),
            ("another provider", &saml, "adfs", "jo/hn@ex.com", false),
            ("plain", &google, "google-oauth2", "115", true),
            ("plain with the connection", &google, "google-oauth2", "google-oauth2|115", true),
            ("part of an id", &google, "google-oauth2", "11", false),
        ];
        for (name, identity, provider, user_id, expected) in rows {
            assert_eq!(identity.is_named(provider, user_id), expected, "{name}");
        }
    }

    #[test]
    fn an_id_has_a_provider_and_a_rest() {
        for id in ["", "auth0", "auth0|", "|x", "nobody|x", "Auth0|x"] {
            assert!(Identity::from_id(id, Profile::default()).is_none(), "{id}");
        }
        assert_eq!(Identity::from_id("auth0|a|b", Profile::default()).unwrap().connection, "a");
    }
}
