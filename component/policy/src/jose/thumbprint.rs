//! The thumbprint of a public key (RFC 7638): what people compare keys by when a `kid` does not tell.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_signatures::base64url;
use sha2::{Digest as _, Sha256};

use crate::text::json::{Json, write_text};

/// What makes a public key the one that it is: those of its members that are text, sorted by name.
pub(crate) struct Members(Vec<(&'static str, String)>);

/// All that a thumbprint is made of (RFC 7638 section 3.2, RFC 8037 section 2).
const NAMES: [&str; 6] = ["crv", "e", "kty", "n", "x", "y"];

impl Members {
    /// Those of a key, whether it can be used or not.
    pub(crate) fn of(key: &Json) -> Self {
        let text = |name: &'static str| Some((name, key.member(name)?.as_text()?.to_owned()));
        Self(NAMES.into_iter().filter_map(text).collect())
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, text)| text.as_str())
    }

    /// The key as JSON, the same for each text of it: the required members, sorted by name and without white space
    /// (section 3.3). Nothing where one is missing.
    ///
    /// A symmetric key has none: its thumbprint would tell of the secret (section 7).
    pub(crate) fn canonical(&self) -> Option<String> {
        let required: &[&str] = match self.get("kty")? {
            "RSA" => &["e", "kty", "n"],
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            _ => return None,
        };
        let mut json = String::new();
        for name in required {
            json.push_str(if json.is_empty() { "{\"" } else { ",\"" });
            json.push_str(name);
            json.push_str("\":");
            let text = self.get(name)?;
            let shortest = if matches!(*name, "e" | "n") { without_zeros(text) } else { None };
            write_text(shortest.as_deref().unwrap_or(text), &mut json);
        }
        json.push('}');
        Some(json)
    }

    /// The SHA-256 thumbprint in base64url.
    pub(crate) fn thumbprint(&self) -> Option<String> {
        self.canonical().map(|json| URL_SAFE_NO_PAD.encode(Sha256::digest(json)))
    }
}

/// A number with zeros before it, as it should have been written: in the fewest bytes (RFC 7518 section 6.3.1.1). The
/// same key in two spellings is one key.
fn without_zeros(number: &str) -> Option<String> {
    let bytes = base64url(number)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    (first > 0).then(|| URL_SAFE_NO_PAD.encode(bytes.get(first..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json;

    #[test]
    fn it_is_the_rfcs() {
        for (row, key, expected) in [
            (
                "RFC 7638 section 3.1",
                r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
                Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            ),
            (
                "the same with zeros before its numbers",
                r#"{"kty":"RSA","n":"ANL8e2oKHmxnEErrj4iyV2abTfZ53a0Jm1xKbNmogBW1oTO_C4VseHG23wALVU_Os8LtUSu2jxRcboQ0dS-rUqHPwSRAj3m1ikV4wWQohVeJ96JJ44TLLZ-uLWf9lvuSbBmOB3OZ_cgVwK8Jfd5are_0TecOgn9IeEMkOb_uuWBo0EdPxQ1tkL86mN-vEEDInALWkqs7PCiWYJ2G_XO3dM4HQGR87uqjEL0S-YWo659Z_dQmzqWyEg9PKjS8q3ZLfmxU1oQCOLzEBYelnmbtHzOJRXdjXEcK91z5LCDR2kPhv8QZ4iKm8NC7NYxeOPnLBQrq_pBIFPGsGqScyp6gyoM","e":"AAEAAQ"}"#,
                Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
            ),
            (
                "RFC 8037 appendix A.3",
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
                Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
            ),
            ("a member is missing", r#"{"kty":"RSA","e":"AQAB"}"#, None),
            ("a member is no string", r#"{"kty":"RSA","e":"AQAB","n":1}"#, None),
            ("symmetric", r#"{"kty":"oct","k":"c2VjcmV0"}"#, None),
            ("not an object", "1", None),
        ] {
            let key = json::parse(key.as_bytes()).unwrap();
            assert_eq!(Members::of(&key).thumbprint().as_deref(), expected, "{row}");
        }
    }
}
