//! What is known of issuers that many people use, by the look of their names: for warnings alone, and for no decision.

/// A name in the place of another, if there is one in a text.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    let of_words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let word = of_words.into_iter().find(|word| {
        let small = word.to_ascii_lowercase();
        PLACEHOLDERS.contains(word) || small.starts_with("your-") || small.starts_with("your_")
    });
    let marked = ["<>", "{}"].iter().find_map(|marks| {
        let (open, close) = marks.split_at(1);
        let from = text.find(open)?;
        let rest = text.get(from..)?;
        rest.get(..=rest.find(close)?)
    });
    word.or(marked)
        .or_else(|| variable(text))
        .or_else(|| host(text).filter(|host| is_reserved(host)))
}

/// A variable that some tool should have filled in: `$NAME`, `$(NAME)` or `%NAME%`, in capitals. Of `${NAME}` the
/// document is refused.
fn variable(text: &str) -> Option<&str> {
    let is_of_a_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    [("$(", ")"), ("$", ""), ("%", "%")].iter().find_map(|(open, close)| {
        let from = text.find(open)?;
        let rest = text.get(from + open.len()..)?;
        let length = rest.bytes().take_while(|byte| is_of_a_name(*byte)).count();
        let name = rest.get(..length)?;
        // `%7C` and its like are bytes.
        let is_byte = *open == "%" && name.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && !is_byte;
        let ends = rest.get(length..)?.starts_with(close);
        (is_name && ends).then(|| text.get(from..from + open.len() + length + close.len()))?
    })
}

/// Words that examples of policies and pages of vendors put where a name belongs.
const PLACEHOLDERS: [&str; 12] = [
    "TENANT",
    "TENANT_ID",
    "TENANT-ID",
    "ORG",
    "REGION",
    "POOL_ID",
    "REALM",
    "DOMAIN",
    "CLIENT_ID",
    "API_CLIENT_ID",
    "EXAMPLE",
    "CHANGEME",
];

/// Names that are kept for documentation (RFC 2606 sections 2 and 3).
fn is_reserved(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    matches!(
        (labels.next(), labels.next()),
        (Some("example"), _) | (Some("com" | "net" | "org"), Some("example"))
    )
}

/// The host of an `https` or `http` URL.
fn host(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    rest.split(['/', ':', '?', '#']).next()
}

/// What comes behind the host.
fn path(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The issuer as it writes itself, where it differs by a slash.
pub(super) fn other_slash(issuer: &str, audiences: &[String]) -> Option<String> {
    let host = host(issuer)?;
    let of_auth0 = |text: &str| self::host(text).is_some_and(|host| is_below(host, "auth0.com"));
    // With a domain of its own, a tenant keeps its audience.
    let is_auth0 = of_auth0(issuer) || audiences.iter().any(|audience| of_auth0(audience));
    let path = path(issuer);
    if (is_auth0 && path.is_empty()) || (host == "sts.windows.net" && !issuer.ends_with('/')) {
        return Some(format!("{issuer}/"));
    }
    let is_bare = ENTRA.contains(&host)
        || is_below(host, "okta.com")
        || is_below(host, "oktapreview.com")
        || host.starts_with("cognito-idp.")
        || host == "accounts.google.com"
        || path.contains("/realms/");
    let bare = issuer.strip_suffix('/').filter(|_| is_bare);
    bare.map(str::to_owned)
}

/// The Management API of an Auth0 tenant without the slash at its end.
pub(super) fn lacks_slash(audience: &str) -> bool {
    host(audience).is_some_and(|host| is_below(host, "auth0.com")) && path(audience) == "/api/v2"
}

const ENTRA: [&str; 3] =
    ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];

/// The tenant of an Entra issuer, where it means several.
pub(super) fn of_any_tenant(issuer: &str) -> Option<&str> {
    let host = host(issuer)?;
    let tenant = path(issuer).split('/').nth(1)?;
    let is_entra = ENTRA.contains(&host) || host == "sts.windows.net";
    (is_entra && ["common", "organizations", "consumers"].contains(&tenant)).then_some(tenant)
}

/// An issuer whose access tokens have no scope of Auth0's: its name, and the form of its scopes.
pub(super) fn scopes_elsewhere(issuer: &str) -> Option<(&'static str, &'static str)> {
    let host = host(issuer)?;
    if ENTRA.contains(&host) || host == "sts.windows.net" {
        return Some((
            "Microsoft Entra ID",
            "write the scope's own name, without its API, such as `Accounts.Link`",
        ));
    }
    if host.starts_with("cognito-idp.") {
        return Some((
            "Amazon Cognito",
            "write a scope of a resource server, such as `accounts/link`",
        ));
    }
    if is_below(host, "okta.com") || is_below(host, "oktapreview.com") {
        return Some((
            "Okta",
            "write a scope of the authorization server's, such as `accounts.link`",
        ));
    }
    path(issuer)
        .contains("/realms/")
        .then_some(("Keycloak", "write a client scope of the realm, such as `link`"))
}

/// Whether such an issuer can write a scope into an access token.
pub(super) fn writes(issuer: &str, scope: &str) -> bool {
    let host = host(issuer).unwrap_or_default();
    if ENTRA.contains(&host) || host == "sts.windows.net" {
        return !scope.contains('/') && scope != ".default";
    }
    if host.starts_with("cognito-idp.") {
        return scope.contains('/') || COGNITO.contains(&scope);
    }
    true
}

/// Scopes of a user pool itself.
const COGNITO: [&str; 5] = ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_found_and_a_name_is_not() {
        for (text, expected) in [
            ("https://TENANT.auth0.com/", Some("TENANT")),
            ("https://login.microsoftonline.com/{tenantid}/v2.0", Some("{tenantid}")),
            ("https://<tenant>/", Some("<tenant>")),
            ("https://your-tenant.auth0.com/", Some("your-tenant")),
            ("YOUR_CLIENT_ID", Some("YOUR_CLIENT_ID")),
            ("api://API_CLIENT_ID", Some("API_CLIENT_ID")),
            ("https://tenant.example/", Some("tenant.example")),
            ("https://app.example.com:8443", Some("app.example.com")),
            ("https://example.org/x", Some("example.org")),
            ("https://myexample.com/", None),
            ("https://example.com.acme.test/", None),
            ("https://acme.eu.auth0.com/api/v2/", None),
            ("https://sso.acme.test/realms/PROD", None),
            ("$AUD", Some("$AUD")),
            ("https://$HOST/", Some("$HOST")),
            ("$(AUD_1)", Some("$(AUD_1)")),
            ("%AUDIENCE%", Some("%AUDIENCE%")),
            ("a%7Cb%7C", None),
            ("a%AB%CD%", None),
            ("$1", None),
            ("100%", None),
            ("$aud", None),
            ("orgs", None),
            ("yourself", None),
            ("", None),
        ] {
            assert_eq!(placeholder(text), expected, "{text}");
        }
    }

    #[test]
    fn a_slash_is_missed_where_the_issuer_writes_one() {
        let api = ["https://acme.auth0.com/api/v2/".to_owned()];
        for (issuer, audiences, expected) in [
            ("https://acme.eu.auth0.com", &[][..], Some("https://acme.eu.auth0.com/")),
            ("https://acme.eu.auth0.com/", &[], None),
            ("https://login.acme.test", &api, Some("https://login.acme.test/")),
            ("https://login.acme.test", &[], None),
            ("https://notauth0.com", &[], None),
            ("https://sts.windows.net/1", &[], Some("https://sts.windows.net/1/")),
            (
                "https://acme.okta.com/oauth2/default/",
                &[],
                Some("https://acme.okta.com/oauth2/default"),
            ),
            ("https://sso.acme.test/realms/a/", &[], Some("https://sso.acme.test/realms/a")),
            (
                "https://login.microsoftonline.com/1/v2.0/",
                &[],
                Some("https://login.microsoftonline.com/1/v2.0"),
            ),
            ("https://login.acme.test/", &[], None),
            ("no URL", &[], None),
        ] {
            assert_eq!(other_slash(issuer, audiences).as_deref(), expected, "{issuer}");
        }
    }

    #[test]
    fn scopes_are_held_against_what_an_issuer_writes() {
        let entra = "https://login.microsoftonline.com/1/v2.0";
        let cognito = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_x";
        for (issuer, scope, expected) in [
            (entra, "Accounts.Link", true),
            (entra, "api://1/Accounts.Link", false),
            (entra, ".default", false),
            (cognito, "accounts/link", true),
            (cognito, "openid", true),
            (cognito, "link", false),
            ("https://acme.okta.com/oauth2/default", "link", true),
        ] {
            assert_eq!(writes(issuer, scope), expected, "{issuer} {scope}");
        }
        assert_eq!(of_any_tenant("https://login.microsoftonline.com/common/v2.0"), Some("common"));
        assert_eq!(of_any_tenant(entra), None);
        assert_eq!(of_any_tenant("https://sts.windows.net/common/"), Some("common"));
        assert_eq!(of_any_tenant("https://acme.test/common/"), None);
    }
}
