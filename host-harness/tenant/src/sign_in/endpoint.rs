//! Which endpoint of signing in a request asks for.

/// An endpoint that pages and their libraries ask, beside `/oauth/token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Authorize,
    /// What the tenant's own login page sends.
    LoginPage,
    CrossOrigin,
    ClientSettings(String),
    LegacyLogin,
    LegacyCallback,
    TokenInfo,
    UserInfo,
    PasswordlessStart,
    PasswordlessVerify,
    PasswordlessRedirect,
    ResourceOwner,
    SignUp,
    Logout,
    SingleSignOnData,
    Country,
    Challenge,
    /// The one-time codes, for people who try the tenant.
    Codes,
}

impl Endpoint {
    pub(crate) fn of(method: &str, segments: &[&str]) -> Option<Self> {
        Some(match (method, segments) {
            ("GET", ["authorize"]) => Self::Authorize,
            ("POST", ["u", "login"]) => Self::LoginPage,
            ("POST", ["co", "authenticate"]) => Self::CrossOrigin,
            ("GET", ["client", file]) => Self::ClientSettings(file.strip_suffix(".js")?.to_owned()),
            ("POST", ["usernamepassword", "login"]) => Self::LegacyLogin,
            ("POST", ["login", "callback"]) => Self::LegacyCallback,
            ("POST", ["tokeninfo"]) => Self::TokenInfo,
            ("GET" | "POST", ["userinfo"]) => Self::UserInfo,
            ("POST", ["passwordless", "start"]) => Self::PasswordlessStart,
            ("POST", ["passwordless", "verify"]) => Self::PasswordlessVerify,
            ("GET", ["passwordless", "verify_redirect"]) => Self::PasswordlessRedirect,
            ("POST", ["oauth", "ro"]) => Self::ResourceOwner,
            ("POST", ["dbconnections", "signup"]) => Self::SignUp,
            ("GET", ["v2", "logout"]) => Self::Logout,
            // Lock 10 asks with a slash at the end.
            ("GET", ["user", "ssodata"] | ["user", "ssodata", ""]) => Self::SingleSignOnData,
            ("GET", ["user", "geoloc", "country"]) => Self::Country,
            (
                "POST",
                ["usernamepassword" | "passwordless", "challenge"]
                | ["dbconnections", "signup", "challenge"],
            ) => Self::Challenge,
            ("GET", ["__codes"]) => Self::Codes,
            _ => return None,
        })
    }

    /// Whether scripts on another origin may read its answers. The others are navigations.
    pub(crate) fn is_for_scripts(&self) -> bool {
        match self {
            Self::Authorize
            | Self::LoginPage
            | Self::ClientSettings(_)
            | Self::LegacyCallback
            | Self::PasswordlessRedirect
            | Self::Logout
            | Self::Codes => false,
            Self::CrossOrigin
            | Self::LegacyLogin
            | Self::TokenInfo
            | Self::UserInfo
            | Self::PasswordlessStart
            | Self::PasswordlessVerify
            | Self::ResourceOwner
            | Self::SignUp
            | Self::SingleSignOnData
            | Self::Country
            | Self::Challenge => true,
        }
    }

    /// Whether libraries send cookies with it, which the answer has to allow.
    pub(crate) fn takes_credentials(&self) -> bool {
        matches!(self, Self::CrossOrigin | Self::SingleSignOnData)
    }
}
