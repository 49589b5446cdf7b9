//! A request out of a HAR file, as the network panel of a browser saves it, or out of one entry of it.

use linkgate_policy::Header;
use serde_json::Value;

use super::curl::target;
use super::input::Input;

/// The request of the one entry whose URL has this text in it.
pub(super) fn read(text: &[u8], url: Option<&str>) -> Result<Input, String> {
    let whole: Value = serde_json::from_slice(text)
        .map_err(|error| format!("expected a HAR file (JSON), found something else: {error}"))?;
    let entries = whole.pointer("/log/entries").and_then(Value::as_array);
    let requests: Vec<&Value> = match entries {
        Some(entries) => entries.iter().filter_map(|entry| entry.get("request")).collect(),
        // A single entry, or its request alone.
        None => vec![whole.get("request").unwrap_or(&whole)],
    };
    let address = |request: &Value| request.get("url").and_then(Value::as_str).map(str::to_owned);
    let is_meant = |request: &&Value| {
        let found = address(request);
        found.is_some_and(|found| url.is_none_or(|wanted| found.contains(wanted)))
    };
    let meant: Vec<&Value> = requests.iter().copied().filter(is_meant).collect();
    // A browser asks before it sends: what is meant is what it sends.
    let is_asked_before = |request: &Value| {
        let same = meant.iter().filter(|other| address(other) == address(request));
        is_preflight(request) && same.into_iter().any(|other| !is_preflight(other))
    };
    let meant: Vec<&Value> =
        meant.iter().copied().filter(|request| !is_asked_before(request)).collect();
    match meant.as_slice() {
        [only] => input(only),
        [] => Err(format!("expected a request{}, found none among {}", of(url), requests.len())),
        several => {
            let shown: Vec<String> = several
                .iter()
                .take(SHOWN)
                .map(|request| {
                    let method = request.get("method").and_then(Value::as_str).unwrap_or("?");
                    let url = address(request).unwrap_or_default();
                    format!("  {method} {}", linkgate_policy::escaped(&without_query(&url)))
                })
                .collect();
            let count = several.len();
            Err(format!(
                "expected one request{}, found {count}: choose by `--har-url TEXT`\n{}",
                of(url),
                shown.join("\n")
            ))
        }
    }
}

/// A CORS preflight (Fetch section 3.3.4).
fn is_preflight(request: &Value) -> bool {
    let names = request.get("headers").and_then(Value::as_array).into_iter().flatten();
    let mut names = names.filter_map(|line| line.get("name")?.as_str());
    request.get("method").and_then(Value::as_str) == Some("OPTIONS")
        && names.any(|name| name.eq_ignore_ascii_case("access-control-request-method"))
}

/// Requests that are listed when several are meant.
const SHOWN: usize = 12;

fn of(url: Option<&str>) -> String {
    url.map(|url| format!(" whose URL has `{url}` in it")).unwrap_or_default()
}

/// A query may hold a token.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// `request` of an entry (HAR 1.2).
fn input(request: &Value) -> Result<Input, String> {
    let text = |name: &str| {
        request
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("expected `{name}` in the request of the HAR entry, found none"))
    };
    let lines = request.get("headers").and_then(Value::as_array).into_iter().flatten();
    let headers = lines.filter_map(|line| {
        let name = line.get("name")?.as_str()?.to_ascii_lowercase();
        // `:method` and its like are HTTP/2's own.
        let value = line.get("value")?.as_str()?;
        (!name.starts_with(':')).then(|| Header::new(&name, value))
    });
    let data = request.get("postData").unwrap_or(&Value::Null);
    let text_of_body = data.get("text").and_then(Value::as_str).filter(|text| !text.is_empty());
    let body = text_of_body.map_or_else(|| of_params(data), str::to_owned);
    Ok(Input {
        method: text("method")?.to_owned(),
        target: target(text("url")?).into_bytes(),
        headers: headers.collect(),
        body: body.into_bytes(),
        of_har: true,
    })
}

/// `params` of a posted form (HAR 1.2 section `params`), which has them in the place of `text`.
fn of_params(data: &Value) -> String {
    let params = data.get("params").and_then(Value::as_array).into_iter().flatten();
    let pairs = params.filter_map(|param| {
        let name = param.get("name")?.as_str()?;
        let value = param.get("value").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{}={}", linkgate_cases::encoded(name), linkgate_cases::encoded(value)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(method: &str, url: &str) -> Value {
        json!({ "request": {
            "method": method, "url": url, "httpVersion": "h2",
            "headers": [{ "name": ":method", "value": method }, { "name": "Authorization", "value": "Bearer a.b.c" }],
            "postData": { "mimeType": "application/json", "text": "{\"link_with\":\"x\"}" },
        } })
    }

    /// What a browser writes for a link from a page: the preflight first.
    #[test]
    fn the_request_is_meant_and_not_its_preflight() {
        let link = entry("POST", "https://gate.acme.test/api/v2/users/a/identities");
        let mut preflight = entry("OPTIONS", "https://gate.acme.test/api/v2/users/a/identities");
        preflight["request"]["headers"] =
            json!([{ "name": "Access-Control-Request-Method", "value": "POST" }]);
        let file = json!({ "log": { "entries": [preflight.clone(), link] } }).to_string();
        assert_eq!(read(file.as_bytes(), Some("/identities")).unwrap().method, "POST");
        let file = json!({ "log": { "entries": [preflight] } }).to_string();
        assert_eq!(read(file.as_bytes(), None).unwrap().method, "OPTIONS");
    }

    #[test]
    fn a_form_may_be_in_params_alone_and_a_sanitized_file_is_said_so() {
        let mut form = entry("POST", "https://gate.acme.test/a");
        form["request"]["headers"] = json!([]);
        form["request"]["postData"] = json!({
            "mimeType": "application/x-www-form-urlencoded",
            "params": [{ "name": "link_with", "value": "a.b&c" }, { "name": "x" }],
        });
        let found = read(form.to_string().as_bytes(), None).unwrap();
        assert_eq!(found.body, b"link_with=a.b%26c&x=");
        assert!(found.hint().unwrap().contains("sensitive data"));
        let whole = entry("POST", "https://gate.acme.test/a");
        assert_eq!(read(whole.to_string().as_bytes(), None).unwrap().hint(), None);
    }

    #[test]
    fn an_entry_is_picked_by_its_url() {
        let link = entry("POST", "https://gate.acme.test/api/v2/users/a/identities?x=1");
        let other = entry("GET", "https://gate.acme.test/app.js?token=secret");
        let file =
            json!({ "log": { "version": "1.2", "entries": [other, link.clone()] } }).to_string();
        let found = read(file.as_bytes(), Some("/identities")).unwrap();
        assert_eq!(
            (found.method.as_str(), found.target.as_slice()),
            ("POST", &b"/api/v2/users/a/identities?x=1"[..])
        );
        assert_eq!(
            (found.headers.len(), found.all("authorization")),
            (1, vec!["Bearer a.b.c".to_owned()])
        );
        assert_eq!(found.body, b"{\"link_with\":\"x\"}");
        assert_eq!(read(link.to_string().as_bytes(), None).unwrap(), found);
        assert_eq!(read(link["request"].to_string().as_bytes(), None).unwrap(), found);
        let several = read(file.as_bytes(), None).unwrap_err();
        assert!(
            several.contains(
                "found 2: choose by `--har-url TEXT`\n  GET https://gate.acme.test/app.js\n"
            ),
            "{several}"
        );
        assert!(!several.contains("secret"), "{several}");
        for (text, url) in
            [(file.as_str(), Some("nowhere")), ("{}", None), ("[]", None), ("<html>", None)]
        {
            assert!(read(text.as_bytes(), url).is_err(), "{text} {url:?}");
        }
    }
}
