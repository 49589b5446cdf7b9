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

/// What an ID token says of the sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// Seconds since 1970; when the token was issued, unless it is known.
    pub(crate) auth_time_unix_s: Option<u64>,
    /// Given back to the client that sent it (`OpenID` Connect Core, section 3.1.2.1).
    pub(crate) nonce: Option<String>,
}

impl Tenant {
    /// A user's access token for the Management API, as the password grant gives it: `aud` (two with the scope `openid`), `azp`, `scope`, `gty`.
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
        self.access_token(user_id, client_id, Some("password"), scopes, validity)
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
            Some("client-credentials"),
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
        let scopes = ["openid", "profile", "email", "phone"];
        self.id_token(user_id, client_id, &scopes, validity, &Session::default())
    }

    /// A token with exactly these claims, signed by the current key.
    ///
    /// # Errors
    ///
    /// When it cannot be signed.
    pub fn mint_claims(&self, claims: &Map<String, Value>) -> Result<String, KeyError> {
        self.signing_key().sign(claims)
    }

    /// With `openid` among the scopes the token is for `/userinfo` as well.
    pub(crate) fn access_token(
        &self,
        subject: &str,
        client_id: &str,
        grant: Option<&str>,
        scopes: &[&str],
        validity: Validity,
    ) -> Result<String, KeyError> {
        let mut claims = self.dated_claims(subject, validity);
        claims.insert("aud".to_owned(), self.audiences(scopes));
        claims.insert("scope".to_owned(), json!(scopes.join(" ")));
        claims.insert("azp".to_owned(), json!(client_id));
        if let Some(grant) = grant {
            claims.insert("gty".to_owned(), json!(grant));
        }
        self.mint_claims(&claims)
    }

    fn audiences(&self, scopes: &[&str]) -> Value {
        let management = self.settings().management_audience();
        if scopes.contains(&"openid") {
            json!([management, self.settings().userinfo_audience()])
        } else {
            json!(management)
        }
    }

    /// `profile`, `email` and `phone` among the scopes ask for the claims of `OpenID` Connect Core, section 5.4.
    pub(crate) fn id_token(
        &self,
        user_id: &str,
        client_id: &str,
        scopes: &[&str],
        validity: Validity,
        session: &Session,
    ) -> Result<String, KeyError> {
        let mut claims = self.dated_claims(user_id, validity);
        claims.insert("aud".to_owned(), json!(client_id));
        let auth_time_unix_s = session.auth_time_unix_s.unwrap_or(validity.issued_unix_s);
        claims.insert("auth_time".to_owned(), json!(auth_time_unix_s));
        if let Some(nonce) = &session.nonce {
            claims.insert("nonce".to_owned(), json!(nonce));
        }
        if let Some(user) = self.user(user_id) {
            claims.extend(user.main().profile.claims(scopes));
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
