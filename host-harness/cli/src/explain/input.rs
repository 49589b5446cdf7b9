//! A request as people have it at hand: raw HTTP, a `curl` line, or its parts.

use linkgate_policy::{Head, Header, Policy};

use super::{curl, har, shell};

/// A request to be explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) method: String,
    /// As it goes over the wire.
    pub(crate) target: Vec<u8>,
    /// Names in lower case.
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    /// It comes out of a HAR file.
    pub(crate) of_har: bool,
}

/// Bytes of a request, or of a body in a file: far more than any gate reads of one, and a HAR file of a small page. Raised, a
/// wrong file is read for long.
pub(crate) const MAX_REQUEST: u64 = 16 << 20;

impl Input {
    /// A request in whichever of the two forms it is.
    pub(crate) fn of_text(text: &[u8]) -> Result<Self, String> {
        let begins = text.trim_ascii_start();
        if begins.is_empty() {
            return Err("expected a request, a `curl` line or raw HTTP, found nothing".to_owned());
        }
        if begins.starts_with(b"{") {
            return Self::of_har(begins, None);
        }
        let is_curl = [&b"curl "[..], b"$ curl ", b"curl.exe "];
        if is_curl.iter().any(|begin| begins.starts_with(begin)) {
            let line = std::str::from_utf8(begins)
                .map_err(|_| "expected a `curl` line in UTF-8, found other bytes".to_owned())?;
            return Self::of_curl(line);
        }
        Self::of_http(begins)
    }

    /// A request of a HAR file, or one entry of it: the one whose URL has this text in it.
    pub(crate) fn of_har(text: &[u8], url: Option<&str>) -> Result<Self, String> {
        har::read(text, url)
    }

    /// The request that a `curl` line sends.
    pub(crate) fn of_curl(line: &str) -> Result<Self, String> {
        curl::read(line)
    }

    /// A request as it goes over the wire (RFC 9112), with either end of a line.
    pub(crate) fn of_http(text: &[u8]) -> Result<Self, String> {
        let mut rest = text;
        let first = line(&mut rest);
        let mut words = first.split(|byte| *byte == b' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err("expected a line such as `POST /path HTTP/1.1`, found none".to_owned());
        };
        let version = words.next();
        let is_version = version.is_none_or(|version| version.starts_with(b"HTTP/"));
        // Two words are a request as people shorten it, and any other sentence.
        let is_plain = version.is_some()
            || (method.iter().all(u8::is_ascii_uppercase) && target.starts_with(b"/"));
        if !is_version
            || words.next().is_some()
            || method.is_empty()
            || target.is_empty()
            || !is_plain
        {
            return Err("expected a `curl` line, or raw HTTP that begins with a line such as `POST /path HTTP/1.1`, found another".to_owned());
        }
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let line = line(&mut rest);
            if line.is_empty() {
                break;
            }
            headers.push(header(line)?);
        }
        let method = String::from_utf8_lossy(method).into_owned();
        // An editor's last line ends; a body's does not.
        let body = rest.strip_suffix(b"\r\n").or(rest.strip_suffix(b"\n")).unwrap_or(rest);
        let (target, body) = (target.to_vec(), body.to_vec());
        Ok(Self { method, target, headers, body, of_har: false })
    }

    /// A variable of a shell in the place of a value: `$TOKEN`. The request would be explained as one with a broken token,
    /// which is not what was meant.
    pub(crate) fn check_filled_in(&self) -> Result<(), String> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        let link_with = body.find("link_with").and_then(|at| body.get(at..)).map(str::to_owned);
        // No credential has such a letter in it. Elsewhere small letters are there for other reasons, as in `$schema`.
        let credentials = self.all("authorization").into_iter().chain(link_with);
        let credentials: Vec<String> = credentials.collect();
        if let Some(mark) = credentials.iter().find_map(|text| placeholder_in(text)) {
            return Err(format!(
                "expected a token, found the placeholder `{mark}`: write the token in its place"
            ));
        }
        let credentials = credentials.iter().map(|text| shell::variable_in(text, |_| true));
        let is_of_a_shell = |name: &str| !name.bytes().any(|byte| byte.is_ascii_lowercase());
        let target = String::from_utf8_lossy(&self.target).into_owned();
        let others = [body, target].map(|text| shell::variable_in(&text, is_of_a_shell));
        match credentials.chain(others).flatten().next() {
            Some(variable) => Err(shell::not_filled_in(&variable)),
            None => Ok(()),
        }
    }

    /// What to know of a request without a token that a browser saved.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        let lacks_token =
            self.of_har && self.method != "OPTIONS" && self.all("authorization").is_empty();
        lacks_token.then_some(
            "the HAR file has no `Authorization` of this request: browsers leave credentials out unless they are asked for (Chrome: `Export HAR (with sensitive data)`)",
        )
    }

    /// What the policy gets to see of it.
    pub(super) fn head(&self, policy: &Policy) -> Head {
        let headers = self.headers.iter().filter(|line| policy.wants(&line.name));
        Head {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: headers.cloned().collect(),
            peer: None,
        }
    }

    /// The values of a header, one a line.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let lines = self.headers.iter().filter(|line| line.name == name);
        lines.map(|line| String::from_utf8_lossy(&line.value).into_owned()).collect()
    }
}

/// `<token>`: no credential has such letters in it (RFC 6750 section 2.1).
fn placeholder_in(text: &str) -> Option<&str> {
    let rest = text.get(text.find('<')?..)?;
    rest.get(..=rest.find('>')?)
}

/// `name: value`.
pub(crate) fn header(line: &[u8]) -> Result<Header, String> {
    let at = line.iter().position(|byte| *byte == b':');
    let parts = at.and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)));
    let Some((name, value)) = parts.filter(|(name, _)| !name.is_empty()) else {
        return Err("expected a header as `name: value`, found one without a colon".to_owned());
    };
    let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
    Ok(Header { name, value: value.trim_ascii().to_vec() })
}

/// The next line, without its end.
fn line<'t>(rest: &mut &'t [u8]) -> &'t [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n');
    let (line, after) = end.map_or((*rest, &[][..]), |end| {
        (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default())
    });
    *rest = after;
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_in_the_place_of_a_credential_is_named() {
        for (text, found) in [
            ("GET /a HTTP/1.1\nAuthorization: Bearer $TOKEN\n", Some("`$TOKEN`")),
            ("POST /a HTTP/1.1\nA: b\n\n{\"link_with\":\"${ID_TOKEN}\"}", Some("`${ID_TOKEN}`")),
            ("POST /a HTTP/1.1\nA: b\n\n{\"$schema\":\"x\"}", None),
            ("GET /a HTTP/1.1\nAuthorization: Bearer $token\n", Some("`$token`")),
            ("GET /a HTTP/1.1\nAuthorization: Bearer $(cat token)\n", Some("`$(cat token)`")),
            ("GET /a HTTP/1.1\nAuthorization: Bearer %TOKEN%\n", Some("`%TOKEN%`")),
            ("GET /a HTTP/1.1\nAuthorization: Bearer <token>\n", Some("placeholder `<token>`")),
            ("POST /a HTTP/1.1\nA: b\n\n{\"link_with\":\"<ID token>\"}", Some("`<ID token>`")),
            ("POST /a HTTP/1.1\nA: b\n\nlink_with=$id_token", Some("`$id_token`")),
            ("POST /a HTTP/1.1\nA: b\n\nlink_with=%ID_TOKEN%", Some("`%ID_TOKEN%`")),
            ("POST /users/$USER_ID/identities HTTP/1.1\nA: b\n", Some("`$USER_ID`")),
            ("POST /users/a%7CFACE%7Cb HTTP/1.1\nA: b\n", None),
            ("POST /users/a%7C$b HTTP/1.1\nA: b\n", None),
            ("GET /a HTTP/1.1\nAuthorization: Bearer a.b.c\nCookie: a=$B\n", None),
        ] {
            let checked = Input::of_text(text.as_bytes()).unwrap().check_filled_in();
            assert_eq!(checked.is_err(), found.is_some(), "{text}: {checked:?}");
            assert!(found.is_none_or(|found| checked.unwrap_err().contains(found)), "{text}");
        }
    }

    #[test]
    fn raw_http_is_read_with_either_end_of_a_line() {
        for text in [
            "POST /a?b HTTP/1.1\r\nHost: x\r\nA: 1\r\nA:2\r\n\r\n{\"c\":\n1}",
            "POST /a?b HTTP/1.1\nHost: x\nA: 1\nA:2\n\n{\"c\":\n1}\n",
        ] {
            let asked = Input::of_text(text.as_bytes()).unwrap();
            assert_eq!((asked.method.as_str(), asked.target.as_slice()), ("POST", &b"/a?b"[..]));
            assert_eq!(
                (asked.all("a"), asked.body.as_slice()),
                (vec!["1".into(), "2".into()], &b"{\"c\":\n1}"[..])
            );
        }
        for text in [
            "",
            "  \n",
            "nonsense",
            "hello world",
            "see /etc/hosts",
            "Invoke-WebRequest -Uri x",
            "GET  /",
            "GET / HTTP/1.1\nno colon\n",
            "GET / x y",
        ] {
            assert!(Input::of_text(text.as_bytes()).is_err(), "{text}");
        }
    }
}
