//! A `curl` line, as people write it and as browsers copy it.

use std::collections::VecDeque;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkgate_policy::{Header, escaped};

use super::input::{self, Input, MAX_REQUEST};
use super::shell;

/// Short options that say nothing of what is sent, and take no value. Several may be in one word: `-sSfL`.
const SILENT_SHORT: &str = "sSkivLfNqgj#046O";

/// Short options that take a value, in the same word or in the next.
const SHORT_WITH_VALUE: [(char, &str); 18] = [
    ('X', "--request"),
    ('H', "--header"),
    ('d', "--data"),
    ('A', "--user-agent"),
    ('e', "--referer"),
    ('b', "--cookie"),
    ('u', "--user"),
    ('F', "--form"),
    ('o', "--output"),
    ('w', "--write-out"),
    ('m', "--max-time"),
    ('x', "--proxy"),
    ('c', "--cookie-jar"),
    ('E', "--cert"),
    ('T', "--upload-file"),
    ('r', "--range"),
    ('D', "--dump-header"),
    ('K', "--config"),
];

/// Long options that say nothing of what is sent, and take no value.
const SILENT: [&str; 20] = [
    "--silent",
    "--show-error",
    "--insecure",
    "--include",
    "--verbose",
    "--location",
    "--fail",
    "--fail-with-body",
    "--compressed",
    "--http1.1",
    "--http2",
    "--http2-prior-knowledge",
    "--http3",
    "--no-buffer",
    "--path-as-is",
    "--globoff",
    "--progress-bar",
    "--ipv4",
    "--ipv6",
    "--no-progress-meter",
];

/// Long options that say nothing of what is sent, and take one.
const SILENT_WITH_VALUE: [&str; 14] = [
    "--output",
    "--write-out",
    "--max-time",
    "--connect-timeout",
    "--resolve",
    "--connect-to",
    "--cacert",
    "--cert",
    "--key",
    "--cookie-jar",
    "--dump-header",
    "--retry",
    "--retry-delay",
    "--max-redirs",
];

/// The request that a line sends.
pub(super) fn read(line: &str) -> Result<Input, String> {
    let line = line.trim().strip_prefix("$ ").unwrap_or(line.trim());
    if line.contains(" ^\n") || line.contains(" ^\r") || line.contains("^\"") {
        return Err("expected a line for a POSIX shell, found one for cmd.exe (`^`): copy it as cURL (bash)".to_owned());
    }
    let mut words: VecDeque<String> = shell::words(line)?.into();
    if words.pop_front().is_none_or(|first| first != "curl" && first != "curl.exe") {
        return Err("expected a line that begins with `curl`, found another".to_owned());
    }
    let mut sent = Sent::default();
    while let Some(word) = words.pop_front() {
        match word.as_str() {
            long if long.starts_with("--") => sent.long(long, &mut words)?,
            short if short.starts_with('-') && short.len() > 1 => sent.short(short, &mut words)?,
            _ => sent.url(word)?,
        }
    }
    sent.asked()
}

#[derive(Default)]
struct Sent {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<Header>,
    /// Names of header lines that curl is to send none of.
    without: Vec<String>,
    /// Header lines that curl adds unless the line has them.
    usual: Vec<(&'static str, &'static str)>,
    body: Option<String>,
    /// The data goes into the query.
    in_query: bool,
}

impl Sent {
    /// Letters in one word: `-sSXDELETE`. One that takes a value takes the rest of the word, else the next one.
    fn short(&mut self, word: &str, words: &mut VecDeque<String>) -> Result<(), String> {
        let mut letters = word.chars().skip(1);
        while let Some(letter) = letters.next() {
            if SILENT_SHORT.contains(letter) {
                continue;
            }
            match letter {
                'I' => self.method = self.method.take().or(Some("HEAD".to_owned())),
                'G' => self.in_query = true,
                _ => {
                    let long = SHORT_WITH_VALUE.iter().find(|(short, _)| *short == letter);
                    let (_, long) = long.ok_or_else(|| unknown(&format!("-{letter}")))?;
                    let rest: String = letters.collect();
                    if !rest.is_empty() {
                        words.push_front(rest);
                    }
                    return self.long(long, words);
                }
            }
        }
        Ok(())
    }

    fn long(&mut self, option: &str, words: &mut VecDeque<String>) -> Result<(), String> {
        if SILENT.contains(&option) {
            return Ok(());
        }
        match option {
            "--get" => self.in_query = true,
            "--head" => self.method = self.method.take().or(Some("HEAD".to_owned())),
            _ => {
                let value = || format!("expected a value after `{option}`, found none");
                let value = words.pop_front().ok_or_else(value);
                return self.with_value(option, value);
            }
        }
        Ok(())
    }

    fn with_value(&mut self, option: &str, value: Result<String, String>) -> Result<(), String> {
        match option {
            "--request" => self.method = Some(value?),
            "--header" => self.header(&value?)?,
            "--data" | "--data-ascii" | "--data-binary" | "--data-raw" | "--data-urlencode" => {
                let data = data(option, &value?)?;
                self.data(&data, "&");
            }
            "--json" => {
                let data = data("--data-binary", &value?)?;
                self.usual =
                    [("content-type", "application/json"), ("accept", "application/json")].to_vec();
                self.data(&data, "");
            }
            "--form" | "--form-string" | "--upload-file" => {
                return Err(format!(
                    "expected a body of JSON or `name=value`, found `{option}`: the link route takes no form of several parts (multipart) and no file; write `-d 'link_with=…'`"
                ));
            }
            "--oauth2-bearer" => self.header(&format!("authorization: Bearer {}", value?))?,
            "--user" => {
                let encoded = STANDARD.encode(value?);
                self.header(&format!("authorization: Basic {encoded}"))?;
            }
            "--user-agent" => self.header(&format!("user-agent: {}", value?))?,
            "--referer" => self.header(&format!("referer: {}", value?))?,
            "--cookie" => self.header(&format!("cookie: {}", value?))?,
            "--range" => self.header(&format!("range: bytes={}", value?))?,
            "--url" => self.url(value?)?,
            silent if SILENT_WITH_VALUE.contains(&silent) => drop(value?),
            other => return Err(unknown(other)),
        }
        Ok(())
    }

    fn header(&mut self, line: &str) -> Result<(), String> {
        // `name;` is curl's way to send an empty one, `name:` its way to send none of its own.
        if let Some(name) = line.trim_end().strip_suffix(':') {
            self.without.push(name.trim().to_ascii_lowercase());
            return Ok(());
        }
        let line =
            line.strip_suffix(';').map_or_else(|| line.to_owned(), |name| format!("{name}:"));
        self.headers.push(input::header(line.as_bytes())?);
        Ok(())
    }

    fn data(&mut self, data: &str, separator: &str) {
        if self.usual.is_empty() {
            self.usual = vec![("content-type", "application/x-www-form-urlencoded")];
        }
        self.body = Some(match self.body.take() {
            Some(before) => format!("{before}{separator}{data}"),
            None => data.to_owned(),
        });
    }

    fn url(&mut self, url: String) -> Result<(), String> {
        match self.url.replace(url) {
            None => Ok(()),
            Some(_) => Err("expected one URL, found several".to_owned()),
        }
    }

    fn asked(mut self) -> Result<Input, String> {
        let url = self.url.ok_or("expected a URL, found none")?;
        let mut target = target(&url);
        if self.in_query {
            if let Some(data) = self.body.take() {
                let joint = if target.contains('?') { '&' } else { '?' };
                target = format!("{target}{joint}{data}");
            }
            self.usual.clear();
        }
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        let mut headers = self.headers;
        for (name, value) in self.usual {
            let is_left_out = self.without.iter().any(|without| without == name);
            if !is_left_out && !headers.iter().any(|line| line.name == name) {
                headers.push(Header::new(name, value));
            }
        }
        Ok(Input {
            method: self.method.unwrap_or_else(|| usual.to_owned()),
            target: target.into_bytes(),
            headers,
            body: self.body.unwrap_or_default().into_bytes(),
            of_har: false,
        })
    }
}

fn unknown(option: &str) -> String {
    // What comes after the name may be a credential.
    let name = option.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next();
    let name = name.unwrap_or_default();
    format!("expected an option of curl's that is known here, found `{name}`")
}

/// What an option of data sends: its value, or what is in the file that `@` names.
fn data(option: &str, value: &str) -> Result<String, String> {
    if option == "--data-urlencode" {
        return url_encoded(value);
    }
    match value.strip_prefix('@').filter(|_| option != "--data-raw") {
        None => Ok(value.to_owned()),
        // curl takes the ends of lines out, unless the data is binary.
        Some(name) if option == "--data-binary" => file(name),
        Some(name) => Ok(file(name)?.replace(['\r', '\n'], "")),
    }
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`, as curl's manual has it.
fn url_encoded(value: &str) -> Result<String, String> {
    let at = value.find(['=', '@']);
    let (name, mark, content) = match at.and_then(|at| value.split_at_checked(at)) {
        None => ("", "=", value),
        Some((name, rest)) => {
            let (mark, content) = rest.split_at_checked(1).unwrap_or((rest, ""));
            (name, mark, content)
        }
    };
    let content = if mark == "@" { file(content)? } else { content.to_owned() };
    let encoded = linkgate_cases::encoded(&content);
    Ok(if name.is_empty() { encoded } else { format!("{name}={encoded}") })
}

fn file(name: &str) -> Result<String, String> {
    if name == "-" {
        return Err(
            "expected the body itself or a file, found `@-`: standard input has the request"
                .to_owned(),
        );
    }
    let name = Path::new(name);
    let shown = escaped(&name.display().to_string());
    let unreadable = |error: std::io::Error| format!("cannot read the body `{shown}`: {error}");
    // A device or a pipe may have no end.
    if !name.metadata().map_err(unreadable)?.is_file() {
        return Err(format!("expected a file for the body, found `{shown}`, which is none"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(name).map_err(unreadable)?;
    file.take(MAX_REQUEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// What of a URL goes over the wire: path and query.
pub(super) fn target(url: &str) -> String {
    let after = match url.split_once("://") {
        Some((scheme, after)) if !scheme.contains(['/', '?', '#']) => after,
        _ => url,
    };
    let path = after.find(['/', '?']).and_then(|at| after.get(at..)).unwrap_or("/");
    let path = path.split('#').next().unwrap_or_default();
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_curl_reads_it() {
        let line = r#"curl -sS 'https://gate.example/api/v2/users/a%7Cb/identities?x=1#y' \
  -H "Authorization: Bearer a.b.c" -H 'X-Empty;' --data-raw $'{"link_with":"it\'s"}' --compressed"#;
        let asked = read(line).unwrap();
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, b"/api/v2/users/a%7Cb/identities?x=1");
        assert_eq!(asked.body, br#"{"link_with":"it's"}"#);
        assert_eq!(asked.all("authorization"), ["Bearer a.b.c"]);
        assert_eq!(asked.all("content-type"), ["application/x-www-form-urlencoded"]);
        assert_eq!(asked.all("x-empty"), [""]);
        let asked = read("curl -X DELETE localhost:8080").unwrap();
        assert_eq!((asked.method.as_str(), asked.target.as_slice()), ("DELETE", &b"/"[..]));
        let asked = read(r#"curl h/p --json '{"a":1}'"#).unwrap();
        assert_eq!(asked.all("content-type"), ["application/json"]);
    }

    /// What people paste, a form a row.
    #[test]
    fn every_way_to_write_an_option_is_read() {
        let file = std::env::temp_dir().join(format!("linkgate-{}-body", std::process::id()));
        std::fs::write(&file, "{\"link_with\":\r\n\"a\"}\n").unwrap();
        let file = file.display();
        for (line, expected) in [
            ("curl -XDELETE h/a".to_owned(), "DELETE /a || "),
            ("curl -HX:y h/a".to_owned(), "GET /a |x: y| "),
            ("curl -sSfLXPUT h/a".to_owned(), "PUT /a || "),
            ("curl -H 'X:' -H 'Y: ' -H 'Z;' h/a".to_owned(), "GET /a |z: | "),
            ("curl -H Content-Type: h/a -d b".to_owned(), "POST /a || b"),
            ("curl -sSfL h/a".to_owned(), "GET /a || "),
            ("curl -u me:pw h/a".to_owned(), "GET /a |authorization: Basic bWU6cHc=| "),
            ("curl --url h/a".to_owned(), "GET /a || "),
            ("curl -G h/a -d b=1 -d c=2".to_owned(), "GET /a?b=1&c=2 || "),
            ("curl -G h/a?x --data-urlencode 'q=a b'".to_owned(), "GET /a?x&q=a%20b || "),
            (
                "curl h/a --data-urlencode '=a&b'".to_owned(),
                "POST /a |content-type: application/x-www-form-urlencoded| a%26b",
            ),
            ("curl -I h/a".to_owned(), "HEAD /a || "),
            (
                format!("curl h/a -d @{file} -H 'content-type: application/json'"),
                "POST /a |content-type: application/json| {\"link_with\":\"a\"}",
            ),
            (
                "curl 'h/a' --data-raw $'\\u007b\\x7d\\041'".to_owned(),
                "POST /a |content-type: application/x-www-form-urlencoded| {}!",
            ),
        ] {
            let asked = read(&line).unwrap_or_else(|why| panic!("{line}: {why}"));
            let lines: Vec<String> = asked
                .headers
                .iter()
                .map(|line| format!("{}: {}", line.name, String::from_utf8_lossy(&line.value)))
                .collect();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let found = format!(
                "{} {} |{}| {}",
                asked.method,
                text(&asked.target),
                lines.join(", "),
                text(&asked.body)
            );
            assert_eq!(found, expected, "{line}");
        }
        std::fs::remove_file(file.to_string()).unwrap();
    }

    #[test]
    fn what_would_be_guessed_is_refused_with_the_reason() {
        for (line, why) in [
            ("wget x", "begins with `curl`"),
            ("curl", "expected a URL"),
            ("curl a b", "found several"),
            ("curl -d @/nowhere/at/all a", "cannot read the body"),
            ("curl -d @- a", "standard input has the request"),
            ("curl -F a=b c", "multipart"),
            ("curl 'a", "closing"),
            ("curl -H", "after `--header`"),
            ("curl -H nocolon a", "without a colon"),
            ("curl -Z a", "found `-Z`"),
            ("curl --nonsense a", "found `--nonsense`"),
            ("curl ^\"https://a/b^\" ^\n  -X ^\"DELETE^\"", "copy it as cURL (bash)"),
            ("curl a -H \"Authorization: Bearer $TOKEN\"", "`$TOKEN`"),
            ("curl a/$ID/b", "`$ID`"),
            ("curl a -H \"Authorization: Bearer ${TOKEN}\"", "`${TOKEN}`"),
            ("curl a -H \"Authorization: Bearer $(cat token)\"", "`$(cat token)`"),
        ] {
            let found = read(line).map(|_| ()).unwrap_err();
            assert!(found.contains(why), "{line}: {found}");
        }
    }

    #[test]
    fn a_url_in_a_query_is_no_place_to_ask() {
        let at = |url| target(url);
        assert_eq!(
            at("localhost:8080/authorize?to=https://app.test/cb"),
            "/authorize?to=https://app.test/cb"
        );
        assert_eq!(at("https://gate.test/a?to=https://app.test/cb"), "/a?to=https://app.test/cb");
    }

    #[test]
    fn no_message_has_what_may_be_a_credential() {
        for line in [
            "curl --oauth2-bearer=eyJhbGciOi h/a",
            "curl '--header=Authorization: Bearer eyJhbGciOi' h/a",
        ] {
            let said = read(line).unwrap_err();
            assert!(said.contains("found `--") && !said.contains("eyJ"), "{said}");
        }
    }

    #[test]
    fn a_body_is_read_from_a_file_and_nothing_else() {
        for name in ["/dev/zero", "/dev/null", "/"] {
            let said = read(&format!("curl -d @{name} h/a")).unwrap_err();
            assert!(said.contains("which is none"), "{name}: {said}");
        }
    }
}
