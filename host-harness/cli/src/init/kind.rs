//! Kinds of issuers, and what their tokens have that others do not.

/// Whose tokens a policy accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Auth0, its own Management API
    Auth0,
    /// Keycloak
    Keycloak,
    /// Okta, a custom authorization server
    Okta,
    /// Microsoft Entra ID, tokens of version 2
    Entra,
    /// Amazon Cognito, a user pool
    Cognito,
    #[value(help = "Any OpenID Connect issuer with tokens by RFC 9068")]
    Plain,
}

/// What is in the place of a name that was not given.
pub(crate) struct Placeholders {
    pub(crate) issuer: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) scope: &'static str,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Auth0, Self::Keycloak, Self::Okta, Self::Entra, Self::Cognito, Self::Plain];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auth0 => "auth0",
            Self::Keycloak => "keycloak",
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Cognito => "cognito",
            Self::Plain => "plain",
        }
    }

    pub(crate) const fn placeholders(self) -> Placeholders {
        let (issuer, audience, scope) = match self {
            Self::Auth0 => (
                "https://TENANT.auth0.com/",
                "https://TENANT.auth0.com/api/v2/",
                "update:current_user_identities",
            ),
            Self::Keycloak => (
                "https://keycloak.example/realms/REALM",
                "https://accounts.example/api/v2/",
                "link",
            ),
            Self::Okta => {
                ("https://ORG.okta.com/oauth2/default", "api://accounts", "accounts.link")
            }
            Self::Entra => (
                "https://login.microsoftonline.com/TENANT_ID/v2.0",
                "API_CLIENT_ID",
                "Accounts.Link",
            ),
            Self::Cognito => {
                ("https://cognito-idp.REGION.amazonaws.com/POOL_ID", "CLIENT_ID", "accounts/link")
            }
            Self::Plain => ("https://login.example", "https://accounts.example/api/v2/", "link"),
        };
        Placeholders { issuer, audience, scope }
    }

    /// The issuer as its tokens name it, of what people have at hand: Auth0 writes a slash at its end, and Keycloak, Okta,
    /// Entra and Cognito write none.
    ///
    /// # Errors
    ///
    /// A word is the domain of no tenant.
    pub(crate) fn issuer(self, given: &str) -> Result<String, String> {
        let bare = given.trim_end_matches('/');
        Ok(match self {
            Self::Auth0 => {
                let domain = bare.strip_prefix("https://").unwrap_or(bare);
                if !domain.contains('.') {
                    return Err(format!(
                        "expected the tenant's whole domain as `--issuer`, such as `acme.eu.auth0.com`, found `{given}`"
                    ));
                }
                format!("https://{domain}/")
            }
            Self::Entra if !bare.contains('/') => {
                format!("https://login.microsoftonline.com/{bare}/v2.0")
            }
            Self::Entra | Self::Keycloak | Self::Okta | Self::Cognito => bare.to_owned(),
            Self::Plain => given.to_owned(),
        })
    }

    /// The audience, where it follows from the issuer. With a domain of its own, an Auth0 tenant keeps the audience of its
    /// first one, which nothing here says.
    pub(crate) fn audience_of(self, issuer: &str) -> Option<String> {
        let is_own = self == Self::Auth0 && issuer.ends_with(".auth0.com/");
        is_own.then(|| format!("{issuer}api/v2/"))
    }

    /// What is asked for as audience.
    pub(crate) const fn audience_is(self) -> &'static str {
        match self {
            Self::Cognito => "client id of the page",
            Self::Entra => "client id of the API",
            Self::Auth0 => "audience, which has the tenant's own domain",
            Self::Keycloak | Self::Okta | Self::Plain => "audience of access tokens",
        }
    }

    /// The key for clients and what else sets the tokens of such an issuer apart, as lines of the policy.
    pub(super) const fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Auth0 | Self::Entra => &[],
            Self::Keycloak => &["audiences_beside: [account]   # Keycloak's account console"],
            Self::Okta => &["client_claim: cid"],
            Self::Cognito => &["token_use: access", "client_claim: client_id"],
            Self::Plain => &["type: at+jwt   # RFC 9068", "client_claim: client_id"],
        }
    }

    /// Whether ID tokens say when the user signed in.
    pub(super) const fn has_auth_time(self) -> bool {
        matches!(self, Self::Keycloak | Self::Okta | Self::Cognito)
    }
}
