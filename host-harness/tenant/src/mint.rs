//! Tokens made to order: what sign-in hands out, and what tests and demos need beside it.

use serde_json::{Map, Value, json};

use crate::key::KeyError;
use crate::tenant::Tenant;

/// When a token was issued and how long it lasts.
///
/// A token that has already expired is one that was issued long enough ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `iat` and, for ID tokens, `auth_time`: seconds since 1970.
    pub issued_unix_s: u64,
    /// Seconds from then to `exp`.
    pub lifetime_s: u64,
}

impl Validity {
    /// From `issued_unix_s` on, for `lifetime_s` seconds.
    #[must_use]
    pub fn new(issued_unix_s: u64, lifetime_s: u64) -> Self {
        Self { issued_unix_s, lifetime_s }
    }

    /// A validity that ended a minute before `now_unix_s`.
    #[must_use]
    pub fn expired(now_unix_s: u64) -> Self {
        Self::new(now_unix_s.saturating_sub(3_660), 3_600)
    }
}

impl Tenant {
    /// A user's access token for the Management API, as the password grant gives it: one `aud`, `azp`, `scope`, `gty`.
    /// The user need not exist, nor the application.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint_access_token(
        &self,
        user_id: &str,
        client_id: &str,
        scopes: &[&str],
        validity: Validity,
    ) -> Result<String, KeyError> {
        self.access_token(user_id, client_id, "password", scopes, validity)
    }

    /// A machine's access token for the Management API: `sub` is `{client_id}@clients`, `gty` is `client-credentials`.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint_machine_token(
        &self,
        client_id: &str,
        scopes: &[&str],
        validity: Validity,
    ) -> Result<String, KeyError> {
        self.access_token(
            &format!("{client_id}@clients"),
            client_id,
            "client-credentials",
            scopes,
            validity,
        )
    }

    /// A user's ID token, with the profile claims of the user if there is such a user.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint_id_token(
        &self,
        user_id: &str,
        client_id: &str,
        validity: Validity,
    ) -> Result<String, KeyError> {
        self.id_token(user_id, client_id, &["openid", "profile", "email"], validity)
    }

    /// A token with exactly these claims, signed by the current key.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint_claims(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        self.signing_key().sign(claims)
    }

    fn access_token(
        &self,
        subject: &str,
        client_id: &str,
        grant: &str,
        scopes: &[&str],
        validity: Validity,
    ) -> Result<String, KeyError> {
        let mut claims = self.dated_claims(subject, validity);
        claims.insert("aud".to_owned(), json!(self.settings().management_audience()));
        claims.insert("scope".to_owned(), json!(scopes.join(" ")));
        claims.insert("azp".to_owned(), json!(client_id));
        claims.insert("gty".to_owned(), json!(grant));
        self.mint_claims(&claims)
    }

    /// `profile` and `email` among the scopes ask for the claims of `OpenID` Connect Core, section 5.4.
    pub(crate) fn id_token(
        &self,
        user_id: &str,
        client_id: &str,
        scopes: &[&str],
        validity: Validity,
    ) -> Result<String, KeyError> {
        let mut claims = self.dated_claims(user_id, validity);
        claims.insert("aud".to_owned(), json!(client_id));
        claims.insert("auth_time".to_owned(), json!(validity.issued_unix_s));
        let profile =
            self.user(user_id).map(|user| user.main().profile.to_json()).unwrap_or_default();
        for (name, value) in profile {
            let scope = if name.starts_with("email") { "email" } else { "profile" };
            if scopes.contains(&scope) {
                claims.insert(name, value);
            }
        }
        self.mint_claims(&claims)
    }

    fn dated_claims(&self, subject: &str, validity: Validity) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(self.settings().issuer()));
        claims.insert("sub".to_owned(), json!(subject));
        claims.insert("iat".to_owned(), json!(validity.issued_unix_s));
        claims.insert(
            "exp".to_owned(),
            json!(validity.issued_unix_s.saturating_add(validity.lifetime_s)),
        );
        claims
    }
}
