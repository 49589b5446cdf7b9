//! Where an issuer says its keys are (`OpenID` Connect Discovery 1.0), and how long an answer is fresh
//! (RFC 9111).

use crate::decision::escaped;
use crate::json::{self, Json};
use crate::protocol::Answer;
use crate::url::{Reach, Url};

/// Where an issuer's document lies (`OpenID` Connect Discovery 1.0 section 4).
pub(crate) fn document_url(issuer: &str) -> Option<Url> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))
}

/// The key set URL of a discovery document. Says in a phrase why there is none to be used.
///
/// The `issuer` in it must be the configured one, to the byte (section 4.3): else whoever answers
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

/// Milliseconds for which an answer says it is fresh: `max-age` less `Age` (RFC 9111 sections 4.2.1
/// and 5.1). Nothing when it does not say.
pub(crate) fn stated_freshness_ms(answer: &Answer) -> Option<u64> {
    let directives = || {
        let lines = answer.headers.iter().filter(|line| line.name == "cache-control");
        lines
            .filter_map(|line| std::str::from_utf8(&line.value).ok())
            .flat_map(|value| value.split(','))
            .map(|directive| directive.trim().to_ascii_lowercase())
    };
    if directives().any(|directive| matches!(&*directive, "no-store" | "no-cache")) {
        return Some(0);
    }
    let max_age_s =
        directives().find_map(|directive| directive.strip_prefix("max-age=").and_then(seconds))?;
    let age_s = header(answer, "age").and_then(seconds).unwrap_or(0);
    Some(max_age_s.saturating_sub(age_s).saturating_mul(1000))
}

/// Milliseconds after which an answer says it may be asked for again (RFC 9110 section 10.2.3).
/// Dates are not read.
pub(crate) fn retry_after_ms(answer: &Answer) -> Option<u64> {
    header(answer, "retry-after").and_then(seconds).map(|seconds| seconds.saturating_mul(1000))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let line = answer.headers.iter().find(|line| line.name == name)?;
    std::str::from_utf8(&line.value).ok()
}

/// `delta-seconds`, capped as RFC 9111 section 1.2.2 has it; quotes around it are tolerated.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.parse().unwrap_or(u64::MAX).min(1 << 31))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Header;

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

    #[test]
    fn freshness_is_what_the_answer_says() {
        for (row, headers, expected) in [
            ("nothing said", &[][..], None),
            ("max-age", &[("cache-control", "public, max-age=60")][..], Some(60_000)),
            ("less its age", &[("cache-control", "max-age=60"), ("age", "20")][..], Some(40_000)),
            ("older than that", &[("cache-control", "max-age=60"), ("age", "90")][..], Some(0)),
            ("no-store", &[("cache-control", "max-age=60, no-store")][..], Some(0)),
            ("capitals", &[("cache-control", "Max-Age=5")][..], Some(5000)),
            ("not a number", &[("cache-control", "max-age=x")][..], None),
            (
                "huge",
                &[("cache-control", "max-age=99999999999999999999")][..],
                Some((1 << 31) * 1000),
            ),
        ] {
            let headers = headers.iter().map(|(name, value)| Header::new(name, value)).collect();
            let answer = Answer { status: 200, headers, body: vec![] };
            assert_eq!(stated_freshness_ms(&answer), expected, "{row}");
        }
    }
}
