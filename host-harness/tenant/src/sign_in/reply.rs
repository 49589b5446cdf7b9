//! How an answer travels back to the page: in a query, in a fragment, or as a message to a window.

use form_urlencoded::Serializer;
use serde_json::{Map, Value, json};

use super::page;
use crate::answer::Answer;
use crate::oauth_error::OauthError;

/// Where an answer goes. `redirect_uri` is one of the client's own.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) redirect_uri: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    WebMessage,
}

impl Mode {
    /// The mode asked for, or that of the response type (OAuth 2.0 Multiple Response Types, section 2.1).
    pub(super) fn of(asked: Option<&str>, response_type: Option<&str>) -> Option<Self> {
        match (asked, response_type) {
            (Some("query"), _) | (None, Some("code")) => Some(Self::Query),
            (Some("fragment") | None, _) => Some(Self::Fragment),
            (Some("web_message"), _) => Some(Self::WebMessage),
            (Some(_), _) => None,
        }
    }
}

impl Reply {
    /// Sends these members, and the state.
    pub(super) fn send(&self, mut members: Vec<(&str, String)>) -> Answer {
        if let Some(state) = &self.state {
            members.push(("state", state.clone()));
        }
        match self.mode {
            Mode::Fragment => {
                page::redirect(&format!("{}#{}", self.redirect_uri, encoded(&members)))
            }
            Mode::Query => {
                let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
                page::redirect(&format!("{}{joint}{}", self.redirect_uri, encoded(&members)))
            }
            Mode::WebMessage => self.message(members),
        }
    }

    /// Sends an error (RFC 6749, section 4.1.2.1).
    pub(super) fn error(&self, error: &OauthError) -> Answer {
        self.send(vec![
            ("error", error.code().to_owned()),
            ("error_description", error.description().to_owned()),
        ])
    }

    /// A page whose script hands the answer to the window that opened it, or that it is a frame of; only a page of the
    /// callback's origin gets it.
    fn message(&self, members: Vec<(&str, String)>) -> Answer {
        let response: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let message = json!({ "type": "authorization_response", "response": response });
        let origin = json!(page::origin_of(&self.redirect_uri));
        // A `<` could end the script.
        let [message, origin] =
            [message, origin].map(|value| value.to_string().replace('<', "\\u003c"));
        page::html(
            200,
            &format!(
                "<!doctype html><title>signed in</title><script>\
                 (window.opener || window.parent).postMessage({message}, {origin});</script>"
            ),
        )
    }
}

fn encoded(members: &[(&str, String)]) -> String {
    Serializer::new(String::new()).extend_pairs(members).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(redirect_uri: &str, mode: Mode) -> Reply {
        Reply { redirect_uri: redirect_uri.to_owned(), mode, state: Some("s&</script>".to_owned()) }
    }

    #[test]
    fn an_answer_goes_where_it_was_asked_to() {
        for (redirect_uri, mode, expected) in [
            ("http://p/", Mode::Query, "http://p/?code=c&state=s%26%3C%2Fscript%3E"),
            ("http://p/?a=b", Mode::Query, "http://p/?a=b&code=c&state=s%26%3C%2Fscript%3E"),
            ("http://p/?a=b", Mode::Fragment, "http://p/?a=b#code=c&state=s%26%3C%2Fscript%3E"),
        ] {
            let answer = reply(redirect_uri, mode).send(vec![("code", "c".to_owned())]);
            assert_eq!((answer.status, answer.header("location")), (302, Some(expected)));
        }
    }

    #[test]
    fn a_message_is_for_one_origin_and_ends_no_script() {
        let answer = reply("http://p:1/x?y", Mode::WebMessage).send(vec![("code", "c".to_owned())]);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains(r#""state":"s&\u003c/script>""#), "{text}");
        assert!(text.contains(r#", "http://p:1");"#), "{text}");
        assert_eq!(text.matches("</script>").count(), 1, "{text}");
    }
}
