//! Where an issuer says its keys are (`OpenID` Connect Discovery 1.0), and how long an answer is fresh
//! (RFC 9111).

use crate::http::url::{Reach, Url};
use crate::text::escape::escaped;
use crate::text::json::{self, Json};

/// Where an issuer's document lies (`OpenID` Connect Discovery 1.0 section 4).
pub(crate) fn document_url(issuer: &str) -> Option<Url> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
}

/// The key set URL of a discovery document. Says in a phrase why there is none to be used.
///
/// The `issuer` in it must be the configured one, to the byte (section 4.3): else a server that answers
/// could speak for somebody else.
pub(crate) fn jwks_uri(text: &[u8], issuer: &str, reach: &Reach) -> Result<Url, String> {
    let document = json::parse(text)
        .ok()
        .filter(|document| matches!(document, Json::Object(_)))
        .ok_or("expected a JSON object with every member once, found something else")?;
    let member = |name| document.member(name).and_then(Json::as_text);
    if member("issuer") != Some(issuer) {
        return Err(format!("expected `{issuer}` as `issuer`, found {}", found(&document)));
    }
    let url = member("jwks_uri")
        .and_then(Url::parse)
        .ok_or("expected a URL as `jwks_uri`, found none")?;
    url.check(issuer, reach).map_err(|why| format!("`jwks_uri`: {why}"))?;
    Ok(url)
}

/// The `issuer` of a document that has another.
fn found(document: &Json) -> String {
    match document.member("issuer") {
        None => "none".to_owned(),
        Some(Json::Text(other)) => format!("`{}`", escaped(other)),
        Some(other) => other.kind().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://t.example/";

    #[test]
    fn a_document_speaks_for_its_own_issuer_alone() {
        let reach = Reach { hosts: vec!["keys.example".to_owned()], allow_http: false };
        for (row, text, expected) in [
            (
                "good",
                r#"{"issuer":"https://t.example/","jwks_uri":"https://t.example/k"}"#,
                Ok("https://t.example/k"),
            ),
            (
                "listed host",
                r#"{"issuer":"https://t.example/","jwks_uri":"https://keys.example/k"}"#,
                Ok("https://keys.example/k"),
            ),
            (
                "another issuer",
                r#"{"issuer":"https://t.example","jwks_uri":"https://t.example/k"}"#,
                Err("expected `https://t.example/` as `issuer`, found `https://t.example`"),
            ),
            (
                "an issuer that is no text",
                r#"{"issuer":["https://t.example/"],"jwks_uri":"https://t.example/k"}"#,
                Err("expected `https://t.example/` as `issuer`, found a list"),
            ),
            (
                "an issuer that is not printable",
                r#"{"issuer":"\u001b[2J","jwks_uri":"https://t.example/k"}"#,
                Err(r"expected `https://t.example/` as `issuer`, found `\u{1b}[2J`"),
            ),
            (
                "no issuer",
                r#"{"jwks_uri":"https://t.example/k"}"#,
                Err("expected `https://t.example/` as `issuer`, found none"),
            ),
            (
                "issuer twice",
                r#"{"issuer":"https://t.example/","issuer":"https://t.example/","jwks_uri":"https://t.example/k"}"#,
                Err("expected a JSON object with every member once, found something else"),
            ),
            (
                "no keys",
                r#"{"issuer":"https://t.example/"}"#,
                Err("expected a URL as `jwks_uri`, found none"),
            ),
            (
                "no URL",
                r#"{"issuer":"https://t.example/","jwks_uri":"/k"}"#,
                Err("expected a URL as `jwks_uri`, found none"),
            ),
            (
                "no TLS",
                r#"{"issuer":"https://t.example/","jwks_uri":"http://t.example/k"}"#,
                Err("`jwks_uri`: expected an `https` URL"),
            ),
            (
                "elsewhere",
                r#"{"issuer":"https://t.example/","jwks_uri":"https://evil.example/k"}"#,
                Err(
                    "`jwks_uri`: expected a URL on the issuer's host or on one of `hosts`, found `evil.example`",
                ),
            ),
            (
                "HTML",
                "<html>",
                Err("expected a JSON object with every member once, found something else"),
            ),
        ] {
            let found = jwks_uri(text.as_bytes(), ISSUER, &reach);
            assert_eq!(found.as_ref().map(Url::as_str).map_err(String::as_str), expected, "{row}");
        }
    }
}
