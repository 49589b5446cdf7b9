//! One issuer's keys at a URL, in time: when they are asked for, how long they are used.
//!
//! ```text
//!            wanted, or time to refresh               answer
//!  Resting ──────────────────────────▶ Wanted ─ due ─▶ Asked ──▶ Resting, with another set
//!     ▲                                                  │
//!     └───── back-off, the old set stays usable ─────────┘ failure
//! ```
//!
//! At most one fetch is under way. What a caller sends can start one at most once a cooldown, which
//! is counted from the last attempt, and no caller can lift it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::discovery;
use super::fetch_state::{FIRST_BACKOFF_MS, FetchState, GRACE_MS, History, Round};
use super::key_set::KeySet;
use super::lookup::Lookup;
use super::report::KeySource;
use super::rules::{Place, SourceRules};
use crate::http::freshness;
use crate::http::outgoing::{Answer, Fetch};
use crate::http::own_request;
use crate::http::url::Url;
use crate::jose::jws::KeyHint;
use crate::jose::key::{self, Key};
use crate::time::clock::Now;
use crate::verdict::cause::{Fault, TokenFlaw};
use crate::verdict::stop::Stop;

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Discovery,
    Jwks,
}

/// The keys of an issuer that publishes them.
pub(crate) struct Source {
    pub(crate) rules: SourceRules,
    pub(crate) fetch_state: FetchState,
    /// What is being asked for, while something is.
    asked: Stage,
    pub(crate) set: Option<KeySet>,
    /// What discovery said, and when.
    learnt: Option<(Url, u64)>,
    /// Whether it is to be fetched before anybody asks.
    warm: bool,
    waiting: usize,
}

/// What outlives a policy: keys, cooldown and back-off of one source.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) source: String,
    set: Option<KeptSet>,
    history: History,
}

/// A set as it was published, to be loaded anew by other rules.
#[derive(Serialize, Deserialize)]
struct KeptSet {
    text: String,
    stated_ms: Option<u64>,
    asked_mono_ms: u64,
}

/// Largest answer, in bytes. Sets have 1 to 10 KiB; raised, a broken endpoint costs memory.
pub(crate) const MAX_ANSWER: u32 = 256 << 10;

/// Exchanges that wait for one issuer's keys. Raised, an outage makes a gateway hold more requests.
const MAX_WAITING: usize = 1024;

/// How long a discovery document is believed. A day: key set URLs move once in years, and a failure
/// asks again at once.
const LEARNT_MS: u64 = 86_400_000;

impl Source {
    pub(crate) fn new(rules: SourceRules, seed: u64) -> Self {
        Self {
            fetch_state: FetchState::new(rules.cooldown_ms, seed),
            rules,
            asked: Stage::Jwks,
            set: None,
            learnt: None,
            warm: false,
            waiting: 0,
        }
    }

    /// How its keys stand, beside those that are there at once.
    pub(crate) fn report(&self, own: KeySource, now: Now) -> KeySource {
        let set = self.set.as_ref();
        let (Place::Jwks(url) | Place::Discovery(url)) = &self.rules.place;
        let rows = set.into_iter().flat_map(KeySet::rows);
        KeySource {
            url: Some(url.as_str().to_owned()),
            jwks_uri: self.jwks_uri().map(|url| url.as_str().to_owned()),
            usable: set.is_some_and(|set| set.is_usable(now)),
            keys: own.keys.into_iter().chain(rows).collect(),
            algorithms_without_key: self.algorithms_without_key(),
            age_ms: set.map(|set| now.mono_ms.saturating_sub(set.asked_mono_ms)),
            fresh_for_ms: set.map(|set| set.fresh_until_mono_ms.saturating_sub(now.mono_ms)),
            expires_in_ms: set.map(|set| set.usable_until_mono_ms.saturating_sub(now.mono_ms)),
            withdrawal_ms: Some(self.withdrawal_ms()),
            last_failure: self.fetch_state.history.last_failure.clone(),
            ..own
        }
    }

    /// The key that a token's header names, or what is to be done about it.
    pub(crate) fn find(&mut self, hint: &KeyHint<'_>, now: Now) -> Result<Lookup<&Key>, TokenFlaw> {
        let set = self.set.as_ref().filter(|set| set.is_usable(now));
        let place = set.map_or(Ok(None), |set| key::fitting(set.keys(), hint.algorithm, hint.kid));
        // The issuer was asked after this token came: what it does not know then, there is not.
        let asked_since =
            set.zip(hint.waits_since).is_some_and(|(set, since)| set.asked_mono_ms >= since);
        match place? {
            Some(place) => {
                let key = self.set.as_ref().and_then(|set| set.keys().get(place));
                key.map(Lookup::Found).ok_or(TokenFlaw::KeyUnknown)
            }
            None if asked_since => Err(TokenFlaw::KeyUnknown),
            None => Ok(self.later(set.is_some(), hint.waits_since, now)),
        }
    }

    /// It is not known yet: waits for a fetch, or says when to come again.
    fn later(&mut self, usable: bool, since: Option<u64>, now: Now) -> Lookup<&'static Key> {
        self.expire(now);
        if self.fetch_state.round() == Round::Resting {
            let history = &self.fetch_state.history;
            let (fault, not_before) = if usable {
                (Fault::KeyUndecided, history.cooldown_until_mono_ms)
            } else {
                (Fault::KeysUnavailable, history.backoff_until_mono_ms)
            };
            if now.mono_ms < not_before {
                return Lookup::Unavailable(Stop::for_now(fault, not_before - now.mono_ms));
            }
            self.fetch_state.want();
        }
        if self.waiting >= MAX_WAITING {
            return Lookup::Unavailable(Stop::for_now(Fault::KeysBusy, FIRST_BACKOFF_MS));
        }
        self.waiting += 1;
        Lookup::Later { until_mono_ms: since.unwrap_or(now.mono_ms) + self.longest_wait_ms() }
    }

    /// One exchange waits no longer.
    pub(crate) fn leave(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Has the keys fetched before anybody asks, and kept fresh from then on.
    pub(crate) fn warm(&mut self) {
        self.warm = true;
    }

    /// The fetch to perform now, handed out once.
    pub(crate) fn due(&mut self, now: Now) -> Option<Fetch> {
        self.expire(now);
        let asked = matches!(self.fetch_state.round(), Round::Asked { .. });
        if asked || self.next_due().is_none_or(|at| now.mono_ms < at) {
            return None;
        }
        let (stage, url) = self.next_place(now);
        self.asked = stage;
        self.fetch_state.asked(self.rules.timeout_ms, now);
        Some(Fetch {
            source: self.name(stage),
            method: "GET",
            url: url.as_str().to_owned(),
            headers: own_request::headers(match stage {
                Stage::Discovery => "application/json",
                // RFC 7517 section 8.5.1; many endpoints know plain JSON alone.
                Stage::Jwks => "application/jwk-set+json, application/json;q=0.9",
            }),
            body: None,
            timeout_ms: self.rules.timeout_ms,
            max_answer_bytes: MAX_ANSWER,
        })
    }

    /// When [`Self::due`] may next have something to say.
    pub(crate) fn next_due(&self) -> Option<u64> {
        let refresh = self.set.as_ref().map(|set| set.refresh_at_mono_ms);
        self.fetch_state.next(refresh.or(self.warm.then_some(0)))
    }

    /// Which of its fetches a name means.
    pub(crate) fn stage(&self, name: &str) -> Option<Stage> {
        [Stage::Discovery, Stage::Jwks].into_iter().find(|stage| self.name(*stage) == name)
    }

    /// Takes what a fetch brought, asked for or not: another instance may have asked.
    pub(crate) fn fetched(
        &mut self,
        stage: Stage,
        outcome: Result<Answer, String>,
        asked_mono_ms: u64,
        now: Now,
    ) -> Vec<String> {
        let retry_after_ms = outcome.as_ref().ok().and_then(freshness::retry_after_ms);
        let taken = outcome.and_then(|answer| match answer.status {
            200 => own_request::is_plain(&answer)
                .and_then(|()| self.take(stage, &answer, asked_mono_ms.min(now.mono_ms))),
            status => Err(format!("expected status 200, found {status}")),
        });
        match taken {
            Ok(notices) => {
                self.took(stage, now);
                notices
            }
            Err(why) => {
                let why = format!("{}: {why}", self.place(stage));
                self.fail(why.clone(), retry_after_ms, now);
                vec![format!("keys of {}: {why}; {}", self.rules.issuer, self.consequence(now))]
            }
        }
    }

    /// Ends the round, or turns to its second half.
    fn took(&mut self, stage: Stage, now: Now) {
        let round = self.fetch_state.round();
        match stage {
            Stage::Jwks => {
                let filled = self.set.as_ref().is_some_and(KeySet::is_filled);
                self.fetch_state.succeed(filled, now);
            }
            // Where this instance did not ask, the keys come by themselves too.
            Stage::Discovery if round != Round::Resting && self.asked != Stage::Jwks => {
                self.fetch_state.go_on();
            }
            Stage::Discovery => {}
        }
    }

    /// Where the key set is, once that is known.
    fn jwks_uri(&self) -> Option<&Url> {
        match &self.rules.place {
            Place::Jwks(url) => Some(url),
            Place::Discovery(_) => self.learnt.as_ref().map(|(url, _)| url),
        }
    }

    /// The algorithms that the set at hand has no key for.
    fn algorithms_without_key(&self) -> Vec<&'static str> {
        let keys = self.set.as_ref().map(KeySet::keys).unwrap_or_default();
        self.rules.algorithms_without_key(keys)
    }

    /// The longest time until a withdrawn key surely stops working.
    fn withdrawal_ms(&self) -> u64 {
        self.rules.refresh_ms + self.rules.stale_ms
    }

    /// Takes over what another policy knew of the same source. A set that these rules do not take is
    /// left behind.
    pub(crate) fn restore(&mut self, kept: Kept, now: Now) {
        if let Some(set) = kept.set {
            let asked_mono_ms = set.asked_mono_ms.min(now.mono_ms);
            let text = Arc::from(set.text.as_bytes());
            self.set = KeySet::load(
                text,
                set.stated_ms,
                asked_mono_ms,
                &self.rules,
                &mut self.fetch_state.jitter,
            )
            .ok();
        }
        self.fetch_state.history = kept.history;
    }

    /// What a policy that takes this one's place is to know.
    pub(crate) fn kept(&self) -> Kept {
        let set = self.set.as_ref().map(|set| KeptSet {
            text: String::from_utf8_lossy(&set.text).into_owned(),
            stated_ms: set.stated_ms,
            asked_mono_ms: set.asked_mono_ms,
        });
        Kept { source: self.name(Stage::Jwks), set, history: self.fetch_state.history.clone() }
    }

    fn take(
        &mut self,
        stage: Stage,
        answer: &Answer,
        asked_mono_ms: u64,
    ) -> Result<Vec<String>, String> {
        match stage {
            Stage::Discovery => {
                let url = discovery::jwks_uri(&answer.body, &self.rules.issuer, &self.rules.reach)?;
                self.learnt = Some((url, asked_mono_ms));
                Ok(Vec::new())
            }
            Stage::Jwks => {
                let stated_ms = freshness::stated_freshness_ms(answer);
                let body = Arc::from(answer.body.as_slice());
                let set = KeySet::load(
                    body,
                    stated_ms,
                    asked_mono_ms,
                    &self.rules,
                    &mut self.fetch_state.jitter,
                )?;
                let known = self.set.as_ref();
                // An answer that was overtaken by a later one would bring withdrawn keys back.
                if known.is_some_and(|known| known.asked_mono_ms > asked_mono_ms) {
                    return Ok(Vec::new());
                }
                let changed = known.is_none_or(|known| known.text != set.text);
                let notices = if changed { set.notices(&self.rules.issuer) } else { Vec::new() };
                self.set = Some(set);
                Ok(notices)
            }
        }
    }

    fn fail(&mut self, why: String, retry_after_ms: Option<u64>, now: Now) {
        // What discovery said may be what is wrong.
        self.learnt = None;
        self.fetch_state.fail(why, retry_after_ms, now);
    }

    /// Gives up a fetch without an answer: the exchange that led it may be gone.
    fn expire(&mut self, now: Now) {
        if self.fetch_state.is_overdue(now) {
            let why = format!("{}: expected an answer in time, found none", self.place(self.asked));
            self.fail(why, None, now);
        }
    }

    fn next_place(&self, now: Now) -> (Stage, Url) {
        match (&self.rules.place, &self.learnt) {
            (Place::Jwks(url), _) => (Stage::Jwks, url.clone()),
            (Place::Discovery(_), Some((url, since))) if now.mono_ms < since + LEARNT_MS => {
                (Stage::Jwks, url.clone())
            }
            (Place::Discovery(url), _) => (Stage::Discovery, url.clone()),
        }
    }

    /// The name of a fetch. Policies that ask the same of the same issuer share it.
    fn name(&self, stage: Stage) -> String {
        let kind = match stage {
            Stage::Discovery => "discovery",
            Stage::Jwks => "keys",
        };
        let (Place::Jwks(url) | Place::Discovery(url)) = &self.rules.place;
        format!("{kind} of {} by {}", self.rules.issuer, url.as_str())
    }

    fn place(&self, stage: Stage) -> &str {
        let (Place::Jwks(own) | Place::Discovery(own)) = &self.rules.place;
        let learnt = self.learnt.as_ref().filter(|_| stage == Stage::Jwks);
        learnt.map_or(own, |(url, _)| url).as_str()
    }

    /// What a failure means for a reader of the log.
    fn consequence(&self, now: Now) -> String {
        let again_s = self
            .fetch_state
            .history
            .backoff_until_mono_ms
            .saturating_sub(now.mono_ms)
            .div_ceil(1000);
        let meanwhile = match &self.set {
            Some(set) if set.is_usable(now) => {
                let left_s = set.usable_until_mono_ms.saturating_sub(now.mono_ms) / 1000;
                format!("the keys at hand are used for {left_s} s more")
            }
            Some(_) | None => "without keys, requests are answered 503".to_owned(),
        };
        format!("{meanwhile}, asked again in {again_s} s")
    }

    /// How long an exchange waits for one round.
    fn longest_wait_ms(&self) -> u64 {
        let fetches = match self.rules.place {
            Place::Jwks(_) => 1,
            Place::Discovery(_) => 2,
        };
        (u64::from(self.rules.timeout_ms) + GRACE_MS) * fetches
    }
}
