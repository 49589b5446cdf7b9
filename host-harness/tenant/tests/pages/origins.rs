//! Which pages on other origins may read what.

use super::*;

/// Method, path, and whether pages send cookies with it.
const FOR_SCRIPTS: &[(&str, &str, bool)] = &[
    ("POST", "/oauth/token", false),
    ("GET", "/.well-known/jwks.json", false),
    ("GET", "/.well-known/openid-configuration", false),
    ("POST", "/co/authenticate", true),
    ("POST", "/usernamepassword/login", false),
    ("POST", "/tokeninfo", false),
    ("GET", "/userinfo", false),
    ("POST", "/passwordless/start", false),
    ("POST", "/passwordless/verify", false),
    ("POST", "/oauth/ro", false),
    ("POST", "/dbconnections/signup", false),
    ("GET", "/user/ssodata", true),
    ("GET", "/user/ssodata/", true),
    ("GET", "/user/geoloc/country", false),
    ("POST", "/usernamepassword/challenge", false),
];

#[test]
fn a_registered_page_reads_every_answer_and_is_told_so_before() {
    for (method, path, credentials) in FOR_SCRIPTS {
        let preflight = Request::new("OPTIONS", path)
            .with_header("Access-Control-Request-Method", method)
            .with_header("Access-Control-Request-Headers", "auth0-client,content-type");
        for request in [preflight, Request::new(method, path)] {
            let answer = World::new().send(&request.with_header("Origin", ORIGIN));
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some(ORIGIN),
                "{method} {path}"
            );
            assert_eq!(answer.header("vary"), Some("Origin"), "{method} {path}");
            let allowed = answer.header("access-control-allow-credentials");
            assert_eq!(allowed, credentials.then_some("true"), "{method} {path}");
        }
    }
}

#[test]
fn another_page_reads_nothing() {
    for origin in [
        "http://evil",
        "null",
        "http://localhost:3000/",
        "http://localhost",
        "HTTP://localhost:3000",
    ] {
        for (method, path, _) in FOR_SCRIPTS {
            for method in ["OPTIONS", method] {
                let answer =
                    World::new().send(&Request::new(method, path).with_header("Origin", origin));
                let allowed =
                    answer.headers.iter().find(|(name, _)| name.starts_with("access-control"));
                assert_eq!(allowed, None, "{method} {path} from {origin}");
            }
        }
    }
}

#[test]
fn where_scripts_have_no_business_there_is_no_preflight() {
    for path in [
        "/authorize",
        "/login/callback",
        "/u/login",
        "/__codes",
        "/v2/logout",
        "/client/spa.js",
        "/nowhere",
    ] {
        let answer =
            World::new().send(&Request::new("OPTIONS", path).with_header("Origin", ORIGIN));
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (404, None),
            "{path}"
        );
    }
}
