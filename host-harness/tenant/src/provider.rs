//! The identity providers that Auth0 knows. Source: Management API v2, `UserIdentityProviderEnum`.

/// Whether `name` is a provider.
pub(crate) fn is_known(name: &str) -> bool {
    PROVIDERS.contains(&name)
}

/// Whether the provider is a social network rather than a directory of a company, a database or a message.
pub(crate) fn is_social(name: &str) -> bool {
    !NOT_SOCIAL.contains(&name)
}

const NOT_SOCIAL: [&str; 16] = [
    "ad",
    "adfs",
    "auth0",
    "auth0-oidc",
    "custom",
    "email",
    "google-apps",
    "ip",
    "office365",
    "oidc",
    "okta",
    "pingfederate",
    "samlp",
    "sharepoint",
    "sms",
    "waad",
];

const PROVIDERS: [&str; 55] = [
    "ad",
    "adfs",
    "amazon",
    "apple",
    "auth0",
    "auth0-oidc",
    "baidu",
    "bitbucket",
    "bitly",
    "box",
    "custom",
    "daccount",
    "dropbox",
    "dwolla",
    "email",
    "evernote",
    "evernote-sandbox",
    "exact",
    "facebook",
    "fitbit",
    "github",
    "google-apps",
    "google-oauth2",
    "instagram",
    "ip",
    "line",
    "linkedin",
    "oauth1",
    "oauth2",
    "office365",
    "oidc",
    "okta",
    "paypal",
    "paypal-sandbox",
    "pingfederate",
    "planningcenter",
    "salesforce",
    "salesforce-community",
    "salesforce-sandbox",
    "samlp",
    "sharepoint",
    "shop",
    "shopify",
    "sms",
    "soundcloud",
    "thirtysevensignals",
    "twitter",
    "untappd",
    "vkontakte",
    "waad",
    "weibo",
    "windowslive",
    "wordpress",
    "yahoo",
    "yandex",
];
