//! What the gate's own requests have in common: keys, discovery, its token, metadata.

use super::message::Header;
use super::outgoing::Answer;
use crate::text::escape::shown;

/// Who asks. Auth0 and others answer 403 to a request without one.
const USER_AGENT: &str = concat!("linkgate/", env!("CARGO_PKG_VERSION"));

/// The header lines of a request of the gate's own: what it can read, and who it is.
pub(crate) fn headers(accept: &str) -> Vec<Header> {
    vec![Header::new("accept", accept), Header::new("user-agent", USER_AGENT)]
}

/// Whether the body of an answer can be read as it is. Nothing is asked for in a coding (RFC 9110
/// section 12.5.3), and a compressed set would look like broken JSON.
pub(crate) fn is_plain(answer: &Answer) -> Result<(), String> {
    let coded = answer
        .headers
        .iter()
        .filter(|line| line.name == "content-encoding")
        .map(|line| String::from_utf8_lossy(&line.value).trim().to_ascii_lowercase())
        .find(|coding| !coding.is_empty() && coding != "identity");
    match coded {
        None => Ok(()),
        Some(coding) => Err(format!(
            "expected an answer without `content-encoding`, found {}, which was not asked for",
            shown(&coding)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_that_was_not_asked_for_is_named() {
        let found = |value: &str| {
            let headers = vec![Header::new("content-encoding", value)];
            is_plain(&Answer { status: 200, headers, body: vec![] })
        };
        for plain in ["identity", "Identity", "", " "] {
            assert_eq!(found(plain), Ok(()), "{plain:?}");
        }
        for (coded, shown) in
            [("gzip", "gzip"), (" BR", "br"), ("identity, gzip", "identity, gzip")]
        {
            let expected = format!(
                "expected an answer without `content-encoding`, found `{shown}`, which was not asked for"
            );
            assert_eq!(found(coded), Err(expected), "{coded:?}");
        }
    }
}
