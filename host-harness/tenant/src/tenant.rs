//! The tenant itself: its state, and the order in which a request is looked at.

use crate::allowance::Allowance;
use crate::answer::Answer;
use crate::bearer::authenticate;
use crate::directory::Directory;
use crate::discovery;
use crate::key::SigningKey;
use crate::link::link;
use crate::read_user::read_user;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::route::{Operation, Route};
use crate::settings::Settings;
use crate::sign_in::sign_in;
use crate::unlink::unlink;
use crate::update_user::update_user;
use crate::user::User;
use crate::users_document::Users;

/// A simulated Auth0 tenant: users, keys and applications, and the answers that follow from them.
///
/// It does no I/O and reads no clock: the same requests at the same times get the same answers.
#[derive(Debug)]
pub struct Tenant {
    settings: Settings,
    /// The key that signs; it and the earlier ones verify.
    signing: SigningKey,
    earlier: Vec<SigningKey>,
    directory: Directory,
    allowance: Allowance,
}

impl Tenant {
    /// A tenant with these users, signing with this key.
    #[must_use]
    pub fn new(settings: Settings, key: SigningKey, users: Users) -> Self {
        Self {
            settings,
            signing: key,
            earlier: Vec::new(),
            directory: Directory::new(users.into_vec()),
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

    /// How the tenant was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key that signs.
    #[must_use]
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// Signs with `key` from now on. The earlier keys stay in the JWKS, and their tokens good, until they are withdrawn.
    pub fn rotate_key(&mut self, key: SigningKey) {
        let previous = std::mem::replace(&mut self.signing, key);
        self.earlier.push(previous);
    }

    /// Takes every key but the one that signs out of the JWKS: tokens of theirs are no longer believed.
    pub fn withdraw_earlier_keys(&mut self) {
        self.earlier.clear();
    }

    /// Every key that verifies, the one that signs first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.signing).chain(&self.earlier)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn directory_mut(&mut self) -> &mut Directory {
        &mut self.directory
    }

    fn decide(&mut self, request: &Request, now: u64) -> Result<Answer, Refusal> {
        let route = Route::of(request)?;
        match &route {
            Route::Discovery => Ok(discovery::openid_configuration(self)),
            Route::Jwks => Ok(discovery::jwks(self)),
            Route::SignIn => Ok(sign_in(self, request, now)),
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
}
