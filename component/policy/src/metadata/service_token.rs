//! The gate's own token for the Management API, where the policy has one: fixed, or got with client
//! credentials (RFC 6749 section 4.4) and kept until shortly before it expires.

use serde_json::json;
use zeroize::Zeroizing;

use super::reserved_entry;
use crate::http::freshness;
use crate::http::message::Header;
use crate::http::outgoing::{Answer, Fetch};
use crate::http::own_request;
use crate::http::url::Url;
use crate::keys::fetch_state::{FIRST_BACKOFF_MS, FetchState, GRACE_MS, Round};
use crate::keys::lookup::Lookup;
use crate::text::json::{self, Json as Value};
use crate::time::clock::Now;
use crate::verdict::cause::Fault;
use crate::verdict::stop::Stop;

/// Whose token the calls of a merge carry.
pub(crate) enum Credentials {
    /// The caller's own: the bearer for the primary, the secondary token for the secondary.
    Caller,
    /// The gate's own, for both.
    Service(Service),
}

/// The gate's own token.
pub(crate) enum Service {
    /// It is a secret of the host's.
    Fixed(Zeroizing<String>),
    /// It is asked for.
    Granted(Box<Granted>),
}

/// A token that is got with client credentials.
pub(crate) struct Granted {
    /// What its fetch is called: another where another token is asked for, so that an answer reaches no
    /// policy that did not ask for it.
    source: String,
    rules: GrantRules,
    fetch_state: FetchState,
    token: Option<(Zeroizing<String>, u64)>,
    /// No refusal drops the token before.
    kept_until_mono_ms: u64,
}

/// How a token is asked for.
pub(crate) struct GrantRules {
    pub(crate) url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: Zeroizing<String>,
    pub(crate) audience: String,
}

/// A token endpoint answers in a fraction of this.
const TIMEOUT_MS: u32 = 5000;

/// Tokens have some KiB.
const MAX_ANSWER: u32 = 64 << 10;

/// The longest rest after failures, and the shortest time from one dropped token to the next.
const COOLDOWN_MS: u64 = 30_000;

/// How long before its end a token is not used any more: longer than an exchange takes.
const MARGIN_MS: u64 = 60_000;

const ENDED: &str = "expected a token that can still be used, found one that has expired";

/// What is assumed of an answer without `expires_in`, which RFC 6749 section 5.1 only recommends.
const UNSAID_LIFE_S: u64 = 300;

impl Credentials {
    /// The token for a call on behalf of an account whose own token is `own`.
    pub(crate) fn token(&mut self, own: &str, now: Now) -> Lookup<Zeroizing<String>> {
        match self {
            Self::Caller => Lookup::Found(Zeroizing::new(own.to_owned())),
            Self::Service(Service::Fixed(token)) => Lookup::Found(token.clone()),
            Self::Service(Service::Granted(granted)) => granted.find(now),
        }
    }

    /// The API did not take the token (401): a granted one is asked for anew the next time, though not
    /// more often than once a cooldown. Token requests are metered.
    pub(crate) fn refused(&mut self, now: Now) {
        if let Some(granted) =
            self.granted().filter(|granted| now.mono_ms >= granted.kept_until_mono_ms)
        {
            granted.token = None;
            granted.kept_until_mono_ms = now.mono_ms.saturating_add(COOLDOWN_MS);
        }
    }

    pub(crate) fn due(&mut self, now: Now) -> Option<Fetch> {
        self.granted()?.due(now)
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        match self {
            Self::Service(Service::Granted(granted)) => granted.fetch_state.next(None),
            Self::Caller | Self::Service(Service::Fixed(_)) => None,
        }
    }

    /// Takes what a fetch brought; nothing when it is not ours.
    pub(crate) fn fetched(
        &mut self,
        name: &str,
        outcome: &Result<Answer, String>,
        asked_mono_ms: u64,
        now: Now,
    ) -> Option<Vec<String>> {
        let granted = self.granted().filter(|granted| granted.source == name)?;
        Some(granted.fetched(outcome, asked_mono_ms, now))
    }

    fn granted(&mut self) -> Option<&mut Granted> {
        match self {
            Self::Service(Service::Granted(granted)) => Some(granted),
            Self::Caller | Self::Service(Service::Fixed(_)) => None,
        }
    }
}

impl Granted {
    pub(crate) fn new(rules: GrantRules, seed: u64) -> Self {
        let asked = format!("{}\n{}\n{}", rules.url.as_str(), rules.client_id, rules.audience);
        let source = format!("service token {}", reserved_entry::hex(asked.as_bytes(), 8));
        Self {
            source,
            rules,
            fetch_state: FetchState::new(COOLDOWN_MS, seed),
            token: None,
            kept_until_mono_ms: 0,
        }
    }

    fn find(&mut self, now: Now) -> Lookup<Zeroizing<String>> {
        match &self.token {
            Some((token, until)) if now.mono_ms < *until => return Lookup::Found(token.clone()),
            Some(_) | None => {}
        }
        self.expire(now);
        let not_before = self.fetch_state.history.backoff_until_mono_ms;
        if self.fetch_state.round() == Round::Resting && now.mono_ms < not_before {
            let retry_after_ms = not_before - now.mono_ms;
            return Lookup::Unavailable(Stop::for_now(
                Fault::ServiceTokenUnavailable,
                retry_after_ms,
            ));
        }
        self.fetch_state.want();
        Lookup::Later { until_mono_ms: now.mono_ms + u64::from(TIMEOUT_MS) + GRACE_MS }
    }

    fn due(&mut self, now: Now) -> Option<Fetch> {
        self.expire(now);
        if self.fetch_state.round() != Round::Wanted {
            return None;
        }
        self.fetch_state.asked(TIMEOUT_MS, now);
        let GrantRules { url, client_id, client_secret, audience } = &self.rules;
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret.as_str(),
            "audience": audience,
        });
        let mut headers = own_request::headers("application/json");
        headers.push(Header::new("content-type", "application/json"));
        Some(Fetch {
            source: self.source.clone(),
            method: "POST",
            url: url.as_str().to_owned(),
            headers,
            body: Some(body.to_string().into_bytes()),
            timeout_ms: TIMEOUT_MS,
            max_answer_bytes: MAX_ANSWER,
        })
    }

    fn fetched(
        &mut self,
        outcome: &Result<Answer, String>,
        asked_mono_ms: u64,
        now: Now,
    ) -> Vec<String> {
        let token = outcome.as_ref().map_err(String::clone).and_then(granted);
        let usable = token.and_then(|(token, life_ms)| {
            let until = asked_mono_ms.min(now.mono_ms).saturating_add(life_ms);
            let until = until.saturating_sub(MARGIN_MS.min(life_ms / 2));
            // Taken for success, it would be asked for again at once, and token requests are metered.
            let lives = now.mono_ms < until;
            lives.then_some((token, until)).ok_or_else(|| ENDED.to_owned())
        });
        match usable {
            Ok(token) => {
                self.token = Some(token);
                self.fetch_state.succeed(true, now);
                Vec::new()
            }
            Err(why) => {
                let retry_after_ms = outcome.as_ref().ok().and_then(freshness::retry_after_ms);
                let line = format!(
                    "service token: {}: {why}; links are answered 503, asked again in {} s at the earliest",
                    self.rules.url.as_str(),
                    FIRST_BACKOFF_MS / 1000,
                );
                self.fetch_state.fail(why, retry_after_ms, now);
                vec![line]
            }
        }
    }

    fn expire(&mut self, now: Now) {
        if self.fetch_state.is_overdue(now) {
            self.fetch_state.fail("expected an answer in time, found none".to_owned(), None, now);
        }
    }
}

/// The token of an answer, and its life in milliseconds (RFC 6749 section 5.1). What an endpoint says
/// of a failure is not repeated: it may hold what was sent.
fn granted(answer: &Answer) -> Result<(Zeroizing<String>, u64), String> {
    if answer.status != 200 {
        return Err(format!("expected status 200, found {}", answer.status));
    }
    own_request::is_plain(answer)?;
    let body = json::parse(&answer.body).map_err(|_flaw| "expected JSON, found something else")?;
    let token = body
        .member("access_token")
        .and_then(Value::as_text)
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or("expected an `access_token`, found none")?;
    let life_s = match body.member("expires_in") {
        Some(Value::Number(seconds)) => seconds.as_u64().unwrap_or(UNSAID_LIFE_S),
        _ => UNSAID_LIFE_S,
    };
    // Capped where a day's cooldown of mistakes is long enough.
    Ok((Zeroizing::new(token.to_owned()), life_s.min(86_400) * 1000))
}
