//! The people of a tenant, as a JSON document.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use crate::identity::{Identity, Profile};
use crate::user::{JsonObject, User};

/// A document with a handful of people, several of whom have more than one account. It is also the format's example.
///
/// | person | accounts | sign in as, with password |
/// |---|---|---|
/// | alice | `auth0\|alice-5f7c8ec7`, `google-oauth2\|115015401343387192604` | `alice@example.com` / `alice-pw`, the Google id / `alice-google-pw` |
/// | bob | `auth0\|bob-60d1f2a4`, `github\|583231` | `bob@example.com` / `bob-pw`, the GitHub id / `bob-github-pw` |
/// | carol | `auth0\|carol-61aa03bc`, which already has a linked `twitter\|2244994945`; `linkedin\|carol-l1nk` | `carol@example.com` / `carol-pw`, the Twitter id / `carol-twitter-pw`, the LinkedIn id / `carol-linkedin-pw` |
/// | john | `samlp\|my conn\|jo/hn@ex.com`, `oauth2\|siwe\|eip155%3A5%3A0xD70b`, `custom\|zoë` | the id / `john-pw` |
/// | mallory | `auth0\|mallory-66ee1f00`, `google-oauth2\|103547991597142817347` | `mallory@example.com` / `mallory-pw`, the Google id / `mallory-google-pw` |
pub const DEFAULT_USERS: &str = include_str!("default_users.json");

/// Users that a tenant can be made with: every id known by its form, every identity there once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users(Vec<User>);

impl Users {
    /// Reads a document `{"users": [...]}`. Members that are not known are refused.
    ///
    /// A user has a `user_id` and may have `email`, `email_verified`, `password`, `name`, `nickname`, `phone_number`, `access_token` (the
    /// provider's own), `numbered` (the API writes the identity's `user_id` as a number), `user_metadata`, `app_metadata`, and
    /// `identities`: accounts already linked to it, each like a user but without metadata.
    ///
    /// ```
    /// use linkgate_tenant::Users;
    ///
    /// let document = r#"{"users": [{"user_id": "auth0|ada", "email": "ada@example.com", "password": "pw"}]}"#;
    /// assert!(Users::parse(document).is_ok());
    ///
    /// let mistakes = Users::parse(r#"{"users": [{"user_id": "ada"}]}"#).unwrap_err();
    /// assert_eq!(mistakes.to_string(), "users[0].user_id: expected `provider|id` with a known provider, found `ada`");
    /// ```
    ///
    /// # Errors
    ///
    /// The place and nature of the first mistake in the document's form; if its form is good, all mistakes in its content.
    pub fn parse(document: &str) -> Result<Self, UsersError> {
        let written: Document =
            serde_json::from_str(document).map_err(|error| UsersError(vec![error.to_string()]))?;
        let mut reading = Reading::default();
        let users: Vec<Option<User>> = written
            .users
            .into_iter()
            .enumerate()
            .map(|(index, user)| reading.user(index, user))
            .collect();
        if reading.mistakes.is_empty() {
            Ok(Self(users.into_iter().flatten().collect()))
        } else {
            Err(UsersError(reading.mistakes))
        }
    }

    pub(crate) fn into_vec(self) -> Vec<User> {
        self.0
    }
}

/// The mistakes of a users document, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersError(Vec<String>);

impl fmt::Display for UsersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for UsersError {}

/// When the users of a document were created: 1 January 2024, for a document does not say.
const CREATED_UNIX_S: u64 = 1_704_067_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    users: Vec<WrittenUser>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    user_id: String,
    email: Option<String>,
    email_verified: Option<bool>,
    password: Option<String>,
    name: Option<String>,
    nickname: Option<String>,
    phone_number: Option<String>,
    access_token: Option<String>,
    #[serde(default)]
    numbered: bool,
    user_metadata: Option<JsonObject>,
    app_metadata: Option<JsonObject>,
    #[serde(default)]
    identities: Vec<WrittenIdentity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIdentity {
    user_id: String,
    email: Option<String>,
    email_verified: Option<bool>,
    password: Option<String>,
    name: Option<String>,
    nickname: Option<String>,
    phone_number: Option<String>,
    access_token: Option<String>,
    #[serde(default)]
    numbered: bool,
}

/// A reading in progress: the ids met so far, and what was wrong.
#[derive(Default)]
struct Reading {
    ids: BTreeSet<String>,
    mistakes: Vec<String>,
}

impl Reading {
    fn user(&mut self, index: usize, written: WrittenUser) -> Option<User> {
        let place = format!("users[{index}]");
        for (name, metadata) in
            [("user_metadata", &written.user_metadata), ("app_metadata", &written.app_metadata)]
        {
            self.metadata_keys(&format!("{place}.{name}"), metadata.as_ref());
        }
        let main = self.identity(
            &place,
            WrittenIdentity {
                user_id: written.user_id,
                email: written.email,
                email_verified: written.email_verified,
                password: written.password,
                name: written.name,
                nickname: written.nickname,
                phone_number: written.phone_number,
                access_token: written.access_token,
                numbered: written.numbered,
            },
        );
        let linked: Vec<Option<Identity>> = written
            .identities
            .into_iter()
            .enumerate()
            .map(|(nth, identity)| self.identity(&format!("{place}.identities[{nth}]"), identity))
            .collect();
        Some(User {
            linked: linked.into_iter().flatten().collect(),
            user_metadata: written.user_metadata,
            app_metadata: written.app_metadata,
            ..User::standalone(main?, CREATED_UNIX_S)
        })
    }

    fn identity(&mut self, place: &str, written: WrittenIdentity) -> Option<Identity> {
        let WrittenIdentity {
            user_id,
            email,
            email_verified,
            password,
            name,
            nickname,
            phone_number,
            access_token,
            numbered,
        } = written;
        if let Some(email) = email.as_ref().filter(|email| !email.contains('@')) {
            self.mistakes
                .push(format!("{place}.email: expected an e-mail address, found `{email}`"));
        }
        if !self.ids.insert(user_id.clone()) {
            self.mistakes.push(format!("{place}.user_id: `{user_id}` is there twice"));
        }
        let phone_verified = phone_number.is_some().then_some(true);
        let profile =
            Profile { email, email_verified, name, nickname, phone_number, phone_verified };
        let identity = Identity::from_id(&user_id, profile);
        if identity.is_none() {
            let expected = "expected `provider|id` with a known provider";
            self.mistakes.push(format!("{place}.user_id: {expected}, found `{user_id}`"));
        }
        if identity.as_ref().is_some_and(|identity| numbered && identity.number().is_none()) {
            let expected = "expected a number after the provider, since it is `numbered`";
            self.mistakes.push(format!("{place}.user_id: {expected}, found `{user_id}`"));
        }
        Some(Identity { password, provider_token: access_token, numbered, ..identity? })
    }

    fn metadata_keys(&mut self, place: &str, metadata: Option<&JsonObject>) {
        for key in
            metadata.into_iter().flat_map(JsonObject::keys).filter(|key| key.contains(['.', '$']))
        {
            self.mistakes
                .push(format!("{place}: a key may hold neither `.` nor `$`, found `{key}`"));
        }
    }
}
