//! Headers by which some servers take another path or method than the request line's.
//!
//! A guarded request does not carry them on, and no policy can add one to what goes on. A passed
//! request would carry them to the upstream, which would then judge by them: it is refused.
//!
//! Names are [`folded`]: a CGI-style server (RFC 3875 section 4.1.18) cannot tell `X_Original_URL` or
//! `X.Original.URL` from `X-Original-URL`.

use super::header_names::{after_prefix, folded};

/// What such a name begins with, if one of [`WORDS`] comes after it. A driver hands over all names that
/// begin so. In order, and none begins another.
pub(crate) const FAMILIES: [&str; 22] = [
    "x-envoy-original-",
    "x-forward-",
    "x-forwarded-",
    "x-http-",
    "x-invoke-",
    "x-matched-",
    "x-method-",
    "x-middleware-",
    "x-orig-",
    "x-original-",
    "x-originating-",
    "x-override-",
    "x-path-",
    "x-proxy-",
    "x-raw-",
    "x-real-",
    "x-replaced-",
    "x-request-",
    "x-rewrite-",
    "x-rewritten-",
    "x-url-",
    "x-waws-",
];

/// What such a name says further on, as a whole word: the place, the method, or that it replaces them.
/// `x-forwarded-for`, `-host` and `-proto` say none of it, nor does `x-request-id`.
const WORDS: [&str; 14] = [
    "destinationurl",
    "method",
    "override",
    "path",
    "pathbase",
    "pathinfo",
    "prefix",
    "query",
    "rewrite",
    "script",
    "target",
    "uri",
    "url",
    "verb",
];

/// Names that are none of a family, in order.
pub(crate) const NAMES: [&str; 30] = [
    "base-url",
    "http-method-override",
    "http-url",
    "method-override",
    "original-uri",
    "original-url",
    "path-info",
    "proxy-url",
    "request-uri",
    "rewrite-url",
    "script-name",
    "uri",
    "url",
    "x-accel-mapping",
    "x-accel-redirect",
    "x-base-path",
    "x-cf-forwarded-url",
    "x-context-path",
    "x-ingress-path",
    "x-method",
    "x-middleware-subrequest",
    "x-ms-original-url",
    "x-now-route-matches",
    "x-path",
    "x-path-info",
    "x-prefix",
    "x-script-name",
    "x-sendfile-type",
    "x-uri",
    "x-url",
];

/// Whether some server takes another path or method from a header of this name.
pub(crate) fn is_override(name: &str) -> bool {
    let name = folded(name);
    let says_so = |rest: &str| rest.split('-').any(|word| WORDS.contains(&word));
    NAMES.binary_search(&&*name).is_ok() || after_prefix(&FAMILIES, &name).is_some_and(says_so)
}

#[cfg(test)]
mod tests {
    use super::super::header_names::HeaderNames;
    use super::*;

    /// Each is read by a server, a framework or a gateway that is in use.
    const READ: [&str; 38] = [
        "SCRIPT_NAME",
        "PATH_INFO",
        "X-MS-Original-URL",
        "X-Now-Route-Matches",
        "X-Original-URL",
        "X_Original_URL",
        "x_original_url",
        "X.Original.Url",
        "X-Original-Uri",
        "X-Original-Path",
        "X-Original-Prefix",
        "X-Original-Method",
        "X-Original-Request-Uri",
        "X-Rewrite-URL",
        "X-Rewrite-Path",
        "X-Rewritten-Uri",
        "X-Forwarded-Uri",
        "X-Forwarded-Url",
        "X-Forwarded-Path",
        "X-Forwarded-Prefix",
        "X_Forwarded-Prefix",
        "X-Forwarded-Method",
        "X-Forwarded-Script-Name",
        "X-Script-Name",
        "X-Override-URL",
        "X-WAWS-Unencoded-Url",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X_METHOD_OVERRIDE",
        "X-HTTP-DestinationURL",
        "X-Envoy-Original-Path",
        "X-Replaced-Path",
        "X-Invoke-Path",
        "X-Accel-Mapping",
        "X-Sendfile-Type",
        "Request-Uri",
        "X-Url",
    ];

    #[test]
    fn a_name_that_some_server_takes_for_the_path_is_known_in_every_spelling() {
        let wanted = NAMES.into_iter().collect::<HeaderNames>().and_prefixes(&FAMILIES);
        for name in READ {
            assert!(is_override(name), "{name}");
            assert!(wanted.has(name), "{name}: the core has to see it");
        }
    }

    #[test]
    fn what_names_no_path_passes() {
        for name in [
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded-port",
            "x-original-forwarded-for",
            "x-original-host",
            "x-real-ip",
            "x-request-id",
            "x-requested-with",
            "x-envoy-attempt-count",
            "x-page-url",
            "x-http2-push",
            "authorization",
            "referer",
            "",
        ] {
            assert!(!is_override(name), "{name}");
        }
    }

    #[test]
    fn names_and_families_can_be_searched() {
        assert!(NAMES.is_sorted() && FAMILIES.is_sorted());
        for family in FAMILIES {
            let begun = FAMILIES.iter().filter(|other| other.starts_with(family)).count();
            assert_eq!(begun, 1, "{family} begins another");
        }
    }
}
