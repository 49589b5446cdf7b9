//! A token as it was presented: what it says of itself, for show. Nothing here judges it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_policy::{Time, escaped};
use serde_json::{Map, Value};

use super::input::Input;
use crate::columns::cut;

/// The readable parts of a token.
pub(super) struct Presented {
    /// The compact form: never shown.
    pub(super) text: String,
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
}

/// A line of what was seen.
pub(crate) type Fact = (String, String);

/// Longest value shown, in characters.
const WIDEST: usize = 100;

impl Presented {
    /// The content of the first `Authorization`.
    pub(super) fn bearer(asked: &Input) -> Option<Self> {
        let sent = asked.all("authorization").into_iter().next()?;
        let (scheme, token) = sent.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::of(token.trim()))
    }

    /// The content of `link_with`.
    pub(super) fn link_with(asked: &Input) -> Option<Self> {
        let text = std::str::from_utf8(&asked.body).ok()?;
        let json: Option<Value> = serde_json::from_str(text).ok();
        let of_json =
            json.as_ref().and_then(|body| body.get("link_with")?.as_str()).map(str::to_owned);
        let of_form = || {
            let pairs = text.split('&').find_map(|pair| pair.strip_prefix("link_with="));
            pairs.map(str::to_owned)
        };
        of_json.or_else(of_form).map(|token| Self::of(&token))
    }

    fn of(text: &str) -> Self {
        let mut parts = text.split('.').map(|part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
            serde_json::from_slice::<Map<String, Value>>(&bytes).unwrap_or_default()
        });
        let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Self { text: text.to_owned(), header, claims }
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Header and claims, a line each; the signature by its length alone.
    pub(super) fn facts(&self, now_s: u64) -> Vec<Fact> {
        let signature = self.text.split('.').nth(2).unwrap_or_default().len();
        let mut facts = Vec::new();
        if self.header.is_empty() && self.claims.is_empty() {
            let what = format!("{} characters that are no signed token", self.text.len());
            return vec![("token".to_owned(), what)];
        }
        for (name, value) in &self.header {
            facts.push((format!("header {}", escaped(name)), shown(value)));
        }
        for (name, value) in &self.claims {
            let date = if DATES.contains(&name.as_str()) { value.as_u64() } else { None };
            let text = date.map_or_else(|| shown(value), |date| moment(date, now_s));
            facts.push((escaped(name), text));
        }
        facts.push(("signature".to_owned(), format!("not shown, {signature} characters")));
        facts
    }
}

/// Claims that are dates (RFC 7519 section 2, OIDC Core section 2).
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

fn shown(value: &Value) -> String {
    cut(&escaped(&value.to_string()), WIDEST)
}

/// A date, and how far it is.
fn moment(date_s: u64, now_s: u64) -> String {
    let date = date_s.checked_mul(1000).map(|unix_ms| Time { unix_ms }.to_string());
    let date = date.unwrap_or_else(|| date_s.to_string()).replace(".000Z", "Z");
    let distance = match date_s.cmp(&now_s) {
        std::cmp::Ordering::Less => format!("{} ago", span(now_s - date_s)),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {}", span(date_s - now_s)),
    };
    format!("{date}, {distance}")
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
