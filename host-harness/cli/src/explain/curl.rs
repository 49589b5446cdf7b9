//! A `curl` line, as people write it and as browsers copy it.

use linkgate_policy::Header;

use super::input::{self, Input};

/// Options that say nothing of what is sent, and take no value.
const SILENT: [&str; 22] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-k",
    "--insecure",
    "-i",
    "--include",
    "-v",
    "--verbose",
    "-L",
    "--location",
    "-f",
    "--fail",
    "--compressed",
    "--http1.1",
    "--http2",
    "--http2-prior-knowledge",
    "-N",
    "--no-buffer",
    "-sS",
    "--path-as-is",
];

/// Options that say nothing of what is sent, and take one.
const SILENT_WITH_VALUE: [&str; 9] = [
    "-o",
    "--output",
    "-w",
    "--write-out",
    "--max-time",
    "-m",
    "--connect-timeout",
    "--resolve",
    "--cacert",
];

/// The request that a line sends.
pub(super) fn read(line: &str) -> Result<Input, String> {
    let line = line.trim().strip_prefix("$ ").unwrap_or(line.trim());
    let mut words = words(line)?.into_iter();
    if words.next().as_deref() != Some("curl") {
        return Err("expected a line that begins with `curl`, found another".to_owned());
    }
    let mut sent = Sent::default();
    while let Some(word) = words.next() {
        let mut value =
            || words.next().ok_or_else(|| format!("expected a value after `{word}`, found none"));
        match word.as_str() {
            "-X" | "--request" => sent.method = Some(value()?),
            "-H" | "--header" => sent.header(&value()?)?,
            "-d" | "--data" | "--data-ascii" | "--data-binary" | "--data-raw" => {
                sent.data(&word, &value()?)?;
            }
            "--json" => {
                sent.data(&word, &value()?)?;
                sent.usual =
                    [("content-type", "application/json"), ("accept", "application/json")].to_vec();
            }
            "--oauth2-bearer" => sent.header(&format!("authorization: Bearer {}", value()?))?,
            "-A" | "--user-agent" => sent.header(&format!("user-agent: {}", value()?))?,
            "-e" | "--referer" => sent.header(&format!("referer: {}", value()?))?,
            "-b" | "--cookie" => sent.header(&format!("cookie: {}", value()?))?,
            "--url" => sent.url(value()?)?,
            "-I" | "--head" => sent.method = sent.method.or(Some("HEAD".to_owned())),
            silent if SILENT.contains(&silent) => {}
            silent if SILENT_WITH_VALUE.contains(&silent) => drop(value()?),
            option if option.starts_with('-') && option.len() > 1 => {
                return Err(format!(
                    "expected an option of curl's that is known here, found `{option}`"
                ));
            }
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
    /// Header lines that curl adds unless the line has them.
    usual: Vec<(&'static str, &'static str)>,
    body: Option<String>,
}

impl Sent {
    fn header(&mut self, line: &str) -> Result<(), String> {
        // `name;` is curl's way to send an empty one.
        let line =
            line.strip_suffix(';').map_or_else(|| line.to_owned(), |name| format!("{name}:"));
        let header = input::header(line.as_bytes())?;
        self.headers.push(header);
        Ok(())
    }

    fn data(&mut self, option: &str, value: &str) -> Result<(), String> {
        if value.starts_with('@') && option != "--data-raw" {
            return Err(format!(
                "expected the body itself after `{option}`, found the name of a file"
            ));
        }
        if self.usual.is_empty() {
            self.usual = vec![("content-type", "application/x-www-form-urlencoded")];
        }
        let separator = if option == "--json" { "" } else { "&" };
        self.body = Some(match self.body.take() {
            Some(before) => format!("{before}{separator}{value}"),
            None => value.to_owned(),
        });
        Ok(())
    }

    fn url(&mut self, url: String) -> Result<(), String> {
        match self.url.replace(url) {
            None => Ok(()),
            Some(_) => Err("expected one URL, found several".to_owned()),
        }
    }

    fn asked(self) -> Result<Input, String> {
        let url = self.url.ok_or("expected a URL, found none")?;
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        let mut headers = self.headers;
        for (name, value) in self.usual {
            if !headers.iter().any(|line| line.name == name) {
                headers.push(Header::new(name, value));
            }
        }
        Ok(Input {
            method: self.method.unwrap_or_else(|| usual.to_owned()),
            target: target(&url).into_bytes(),
            headers,
            body: self.body.unwrap_or_default().into_bytes(),
        })
    }
}

/// What of a URL goes over the wire: path and query.
fn target(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let path = after.find(['/', '?']).and_then(|at| after.get(at..)).unwrap_or("/");
    let path = path.split('#').next().unwrap_or_default();
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// The words of a line, as a POSIX shell parts them; variables are not filled in.
fn words(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // A line that goes on: `\` before its end.
            '\\' if matches!(letters.peek(), Some('\n' | '\r')) => {
                while letters.next_if(|letter| matches!(letter, '\n' | '\r')).is_some() {}
            }
            '\\' => word.get_or_insert_default().extend(letters.next()),
            '\'' => until(&mut letters, word.get_or_insert_default(), '\'', |_| None)?,
            '"' => until(&mut letters, word.get_or_insert_default(), '"', |letter| {
                matches!(letter, '"' | '\\' | '$' | '`').then_some(letter)
            })?,
            '$' if letters.peek() == Some(&'\'') => {
                letters.next();
                until(&mut letters, word.get_or_insert_default(), '\'', escape)?;
            }
            space if space.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Letters up to the closing one. `escaped` says what a backslash makes of a letter; none, and it is itself.
fn until(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    word: &mut String,
    end: char,
    escaped: impl Fn(char) -> Option<char>,
) -> Result<(), String> {
    while let Some(letter) = letters.next() {
        if letter == end {
            return Ok(());
        }
        let next = if letter == '\\' { letters.peek().copied().and_then(&escaped) } else { None };
        match next {
            Some(meant) => {
                letters.next();
                word.push(meant);
            }
            None => word.push(letter),
        }
    }
    Err(format!("expected a closing {end} in the curl line, found none"))
}

/// Of `$'…'`, as browsers copy it.
fn escape(letter: char) -> Option<char> {
    match letter {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '\\' | '\'' | '"' => Some(letter),
        _ => None,
    }
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
        let asked = read(r#"curl h/p --json '{"a":1}' -d x=1"#).unwrap();
        assert_eq!(asked.all("content-type"), ["application/json"]);
    }

    #[test]
    fn what_would_be_guessed_is_refused() {
        for line in [
            "wget x",
            "curl",
            "curl a b",
            "curl -d @file a",
            "curl --data-urlencode x a",
            "curl 'a",
            "curl -H",
            "curl -H nocolon a",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
