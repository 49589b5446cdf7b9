//! The tenant itself: its state, and the order in which a request is checked.

use std::sync::Arc;

use crate::allowance::Allowance;
use crate::answer::Answer;
use crate::bearer::authenticate;
use crate::directory::Directory;
use crate::discovery;
use crate::key::SigningKey;
use crate::keys::KeySet;
use crate::link::link;
use crate::read_user::read_user;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::route::{Operation, Route};
use crate::settings::Settings;
use crate::sign_in::{self, Endpoint, Issued, OneTimeCode};
use crate::unlink::unlink;
use crate::update_user::update_user;
use crate::user::User;
use crate::users_document::Users;

/// A simulated Auth0 tenant: users, keys and applications, and the answers that follow from them.
///
/// It does no I/O and reads no clock: the same requests at the same times get the same answers. A clone shares what neither
/// has changed since, so that it costs next to nothing. Two are equal when they answer alike from here on, the headers
/// that count calls included; whether they have the same users, `a.users().eq(b.users())` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    settings: Arc<Settings>,
    keys: Arc<KeySet>,
    directory: Directory,
    /// What signing in has handed out.
    issued: Arc<Issued>,
    allowance: Allowance,
}

impl Tenant {
    /// A tenant with these users, signing with this key.
    #[must_use]
    pub fn new(settings: Settings, key: SigningKey, users: Users) -> Self {
        Self {
            settings: Arc::new(settings),
            keys: Arc::new(KeySet::new(key)),
            directory: Directory::new(users.into_vec()),
            issued: Arc::default(),
            allowance: Allowance::default(),
        }
    }

    /// Answers one request at a time given in seconds since 1970. Every request gets an answer, however odd.
    pub fn answer(&mut self, request: &Request, now_unix_s: u64) -> Answer {
        let answer = self.decide(request, now_unix_s).unwrap_or_else(|refusal| refusal.answer());
        if Operation::of(request).is_management() {
            self.allowance.spend(now_unix_s, answer)
        } else {
            answer
        }
    }

    /// The user with that id, if there is one.
    #[must_use]
    pub fn user(&self, user_id: &str) -> Option<&User> {
        self.directory.user(user_id)
    }

    /// All users, by id.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.directory.users()
    }

    /// The latest one-time code, if it is still good: a person would find it in a text message.
    #[must_use]
    pub fn latest_code(&self, now_unix_s: u64) -> Option<OneTimeCode> {
        self.issued.latest_code(now_unix_s).cloned()
    }

    /// How the tenant was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn keys(&self) -> &KeySet {
        &self.keys
    }

    pub(crate) fn keys_mut(&mut self) -> &mut KeySet {
        Arc::make_mut(&mut self.keys)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn directory_mut(&mut self) -> &mut Directory {
        &mut self.directory
    }

    pub(crate) fn issued(&self) -> &Issued {
        &self.issued
    }

    pub(crate) fn issued_mut(&mut self) -> &mut Issued {
        Arc::make_mut(&mut self.issued)
    }

    fn decide(&mut self, request: &Request, now: u64) -> Result<Answer, Refusal> {
        let route = Route::of(request)?;
        match &route {
            Route::Discovery => Ok(self.readable(request, discovery::openid_configuration(self))),
            Route::Jwks => Ok(self.readable(request, discovery::jwks(self))),
            Route::SignIn => {
                let answer = sign_in::sign_in(self, request, now);
                Ok(self.readable(request, answer))
            }
            Route::Preflight { credentials } => {
                Ok(sign_in::preflight(&self.settings, request, *credentials))
            }
            Route::Login(endpoint) => Ok(self.login(endpoint, request, now)),
            Route::ReadUser { id, query } => {
                read_user(self, &authenticate(self, request, now)?, id, query)
            }
            Route::UpdateUser { id } => {
                update_user(self, &authenticate(self, request, now)?, id, request, now)
            }
            Route::Link { id } => link(self, &authenticate(self, request, now)?, id, request, now),
            Route::Unlink { id, provider, user_id } => {
                unlink(self, &authenticate(self, request, now)?, id, provider, user_id, now)
            }
        }
    }

    fn login(&mut self, endpoint: &Endpoint, request: &Request, now: u64) -> Answer {
        let answer = sign_in::answer(self, endpoint, request, now);
        if endpoint.is_for_scripts() {
            let credentials = endpoint.takes_credentials();
            sign_in::allow_origin(&self.settings, request, credentials, answer)
        } else {
            answer
        }
    }

    /// The answer, for scripts of registered pages as well.
    fn readable(&self, request: &Request, answer: Answer) -> Answer {
        sign_in::allow_origin(&self.settings, request, false, answer)
    }
}
