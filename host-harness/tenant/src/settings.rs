//! How a tenant is set up: its issuer, its applications, how long its tokens last.

use std::fmt;

use crate::sign_in::origin_of;

/// The settings that a tenant is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    issuer: String,
    /// The applications that may ask for tokens.
    pub applications: Vec<Application>,
    /// Accept an ID token in the place of an access token, as tenants of 2017 and before still may. It then grants what the
    /// scopes in [`LEGACY_ID_TOKEN_SCOPES`] grant.
    pub id_tokens_as_bearer: bool,
    /// How large a user may become, in bytes of its compact JSON: 10 KB, the limit that Auth0 documents. Auth0 lets writes
    /// beyond it succeed for now and says that they may start to fail; here they do. A user that is larger from the start
    /// may stay so, and shrink. Source: Auth0 docs, "Metadata Field Names and Data Types", size limits.
    pub profile_limit_bytes: usize,
    /// A write of metadata replaces what is there, as on servers that only resemble Auth0: what it does not name is gone.
    pub patch_replaces: bool,
    /// Lifetime of access tokens, in seconds. A day, as on a new tenant.
    pub access_token_lifetime_s: u64,
    /// Lifetime of ID tokens, in seconds. Ten hours, as on a new tenant.
    pub id_token_lifetime_s: u64,
}

impl Settings {
    /// A tenant at `issuer`, such as `http://127.0.0.1:8080/`, with the applications of [`Application::samples`].
    ///
    /// A missing slash at the end is added: issuers of Auth0 end with one.
    #[must_use]
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: format!("{}/", issuer.trim_end_matches('/')),
            applications: Application::samples(),
            id_tokens_as_bearer: false,
            profile_limit_bytes: 10 * 1024,
            patch_replaces: false,
            access_token_lifetime_s: 86_400,
            id_token_lifetime_s: 36_000,
        }
    }

    /// The issuer, with its slash at the end: the `iss` of every token.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The identifier of the Management API: the `aud` of every access token for it.
    #[must_use]
    pub fn management_audience(&self) -> String {
        format!("{}api/v2/", self.issuer)
    }

    /// The `aud` that an access token has beside the API's, when `openid` was asked for.
    #[must_use]
    pub fn userinfo_audience(&self) -> String {
        format!("{}userinfo", self.issuer)
    }

    /// Lets the page at `url` sign users in as `client_id`: its address is a callback, its origin may call the tenant.
    /// Nothing changes for a client that is not registered.
    pub fn register_page(&mut self, client_id: &str, url: &str) {
        let mut applications = self.applications.iter_mut();
        if let Some(application) = applications.find(|one| one.client_id == client_id) {
            application.callbacks.push(url.to_owned());
            application.origins.push(origin_of(url).to_owned());
        }
    }

    pub(crate) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.client_id == client_id)
    }
}

/// What an ID token may do as a bearer, on tenants that accept it.
pub const LEGACY_ID_TOKEN_SCOPES: [&str; 3] =
    ["read:current_user", "update:current_user_identities", "update:current_user_metadata"];

/// What a signed-in user may be granted on the Management API.
pub const USER_SCOPES: [&str; 5] = [
    "read:current_user",
    "update:current_user_identities",
    "update:current_user_metadata",
    "create:current_user_metadata",
    "delete:current_user_metadata",
];

/// A client registered with the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its client id: the `azp` of access tokens and the `aud` of ID tokens.
    pub client_id: String,
    /// What it does.
    pub kind: ApplicationKind,
    /// Where its users may be sent back to, after signing in and out: compared byte for byte. Without a fragment.
    pub callbacks: Vec<String>,
    /// The origins of its pages, such as `http://localhost:3000`: compared byte for byte.
    pub origins: Vec<String>,
}

/// Whom an application asks tokens for. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum ApplicationKind {
    /// A page in a browser: signs users in, keeps no secret.
    SinglePage,
    /// A machine: asks for tokens of its own with the client-credentials grant.
    Machine {
        /// Its client secret.
        secret: String,
        /// What it may be granted on the Management API.
        scopes: Vec<String>,
    },
}

impl Application {
    /// A page in a browser.
    #[must_use]
    pub fn single_page(client_id: &str) -> Self {
        Self::without_pages(client_id, ApplicationKind::SinglePage)
    }

    fn without_pages(client_id: &str, kind: ApplicationKind) -> Self {
        Self { client_id: client_id.to_owned(), kind, callbacks: Vec::new(), origins: Vec::new() }
    }

    /// A machine with its secret and scopes.
    #[must_use]
    pub fn machine(client_id: &str, secret: &str, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let kind = ApplicationKind::Machine { secret: secret.to_owned(), scopes };
        Self::without_pages(client_id, kind)
    }

    /// Two pages, `spa` (at `http://localhost:3000/`) and `other-spa`, and two machines: `machine`, which may read and update every user, and
    /// `reader`, which may only read them. The machines' secrets are `machine-secret` and `reader-secret`.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let page = "http://localhost:3000/";
        vec![
            Self {
                callbacks: vec![page.to_owned()],
                origins: vec![origin_of(page).to_owned()],
                ..Self::single_page("spa")
            },
            Self::single_page("other-spa"),
            Self::machine(
                "machine",
                "machine-secret",
                &["read:users", "update:users", "read:user_idp_tokens"],
            ),
            Self::machine("reader", "reader-secret", &["read:users"]),
        ]
    }
}

impl fmt::Debug for ApplicationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SinglePage => f.write_str("SinglePage"),
            Self::Machine { secret: _, scopes } => {
                f.debug_struct("Machine").field("scopes", scopes).finish_non_exhaustive()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_ends_with_one_slash() {
        for given in ["http://t", "http://t/", "http://t//"] {
            let settings = Settings::new(given);
            assert_eq!(settings.issuer(), "http://t/", "{given}");
            assert_eq!(settings.management_audience(), "http://t/api/v2/", "{given}");
        }
    }
}
