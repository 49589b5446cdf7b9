//! HTML, redirects and cookies.

use crate::answer::Answer;
use crate::oauth_error::OauthError;

/// An HTML page that is kept nowhere and says nothing to the next page of where it was.
pub(super) fn html(status: u16, body: &str) -> Answer {
    text(status, "text/html; charset=utf-8", body)
}

/// A text of some media type, kept nowhere.
pub(super) fn text(status: u16, media_type: &str, body: &str) -> Answer {
    Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
        .with_header("content-type", media_type)
        .with_header("cache-control", "no-store")
        .with_header("referrer-policy", "no-referrer")
}

/// A redirect. Its target may hold tokens, so that neither caches nor the next page may see it.
pub(super) fn redirect(location: &str) -> Answer {
    text(302, "text/plain", "").with_header("location", location)
}

/// A whole page with a heading, in the tenant's dress. No frame may hold it: a click on it signs somebody in.
pub(super) fn dressed(status: u16, title: &str, content: &str) -> Answer {
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>{STYLE}<main><h1>{title}</h1>{content}</main>"
    );
    html(status, &page)
        .with_header("content-security-policy", "frame-ancestors 'none'")
        .with_header("x-frame-options", "DENY")
}

/// An error that cannot go to a callback.
pub(super) fn error(error: &OauthError) -> Answer {
    let shown = format!("<p>{}: {}</p>", escaped(error.code()), escaped(error.description()));
    dressed(error.status(), "Oops, something went wrong", &shown)
}

/// Text for an element or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// `http://host:1` of `http://host:1/path`.
pub(crate) fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url.get(host..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

const STYLE: &str = "<style>body{font:16px/1.5 system-ui,sans-serif;background:#f4f5f7;color:#1c2330;margin:0}\
main{max-width:24rem;margin:3rem auto;padding:1.5rem 2rem;background:#fff;border-radius:.5rem;box-shadow:0 1px 4px #0002}\
h1{font-size:1.25rem}h2{font-size:1rem;margin:1.5rem 0 .5rem}label{display:block;margin:.75rem 0}\
input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem;border:1px solid #8a94a6;border-radius:.25rem}\
button{font:inherit;width:100%;margin:.25rem 0;padding:.5rem;border:0;border-radius:.25rem;background:#2f5bd0;color:#fff;cursor:pointer}\
.quiet{background:#e8ebf1;color:#1c2330}.error{background:#fde8e8;color:#8a1f1f;padding:.5rem;border-radius:.25rem}\
td{padding:.25rem .75rem .25rem 0}</style>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, expected) in [
            ("http://p:1/a/b?c", "http://p:1"),
            ("https://p", "https://p"),
            ("https://p?x=/", "https://p"),
            ("no url", "no url"),
        ] {
            assert_eq!(origin_of(url), expected, "{url}");
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escaped(r#"<a b="c" d='e'>&"#), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
    }
}
