//! What the tenant has handed out and has to know again.

use std::fmt;

use super::authorization::Authorization;
use super::grant::Granted;
use super::store::Store;
use crate::identity::Identity;

/// Somebody signed in.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SignedIn {
    /// The identity that signed in, such as `google-oauth2|115`. Whose it is may change, by linking.
    pub(super) identity: String,
    pub(super) connection: String,
    pub(super) at_unix_s: u64,
}

impl SignedIn {
    pub(super) fn now(identity: &Identity, now_unix_s: u64) -> Self {
        let connection = identity.connection.clone();
        Self { identity: identity.id(), connection, at_unix_s: now_unix_s }
    }
}

/// What a login ticket is good for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) client_id: String,
    pub(super) signed_in: SignedIn,
}

/// What an authorization code represents (RFC 6749, section 4.1.2).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) granted: Granted,
    pub(super) redirect_uri: String,
    /// S256, base64url (RFC 7636, section 4.2).
    pub(super) challenge: String,
}

/// The outcome of a sign-in of Lock 9, on its way through the browser.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct LegacyResult {
    pub(super) authorization: Authorization,
    pub(super) signed_in: SignedIn,
}

/// A one-time code and whom it was made for. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode {
    /// The number of the code since the start, from 1.
    pub number: u64,
    /// `sms` or `email`.
    pub connection: String,
    /// The telephone number or e-mail address.
    pub name: String,
    /// Six digits.
    pub code: String,
    pub(super) wrong_tries: u8,
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeCode").field("number", &self.number).finish_non_exhaustive()
    }
}

/// All of it. `Debug` shows how many values were made, and none of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Issued {
    /// How many unguessable values were made.
    pub(super) made: u64,
    pub(super) one_time_codes_made: u64,
    pub(super) sessions: Store<SignedIn>,
    pub(super) tickets: Store<Ticket>,
    pub(super) codes: Store<Code>,
    pub(super) legacy_results: Store<LegacyResult>,
    /// Access tokens that only `/userinfo` reads.
    pub(super) opaque_tokens: Store<Granted>,
    /// By connection and name, with a space between.
    pub(super) one_time_codes: Store<OneTimeCode>,
}

impl Issued {
    pub(crate) fn latest_code(&self, now_unix_s: u64) -> Option<&OneTimeCode> {
        self.one_time_codes.values(now_unix_s).max_by_key(|code| code.number)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("made", &self.made).finish_non_exhaustive()
    }
}
