//! One issuer's keys at a URL, in time: when they are asked for, how long they are used.
//!
//! ```text
//!            wanted, or refresh is due                answer
//!  Resting ──────────────────────────▶ Wanted ─ due ─▶ Asked ──▶ Resting, with another set
//!     ▲                                                  │
//!     └───── back-off, the old set stays usable ─────────┘ failure
//! ```
//!
//! At most one fetch is under way. What a caller sends can start one at most once a cooldown, which
//! is counted from the last attempt, and no caller can lift it.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};

use crate::denial::{Fault, TokenFlaw};
use crate::discovery;
use crate::jitter::Jitter;
use crate::key;
use crate::keyring::Sought;
use crate::keyset::KeySet;
use crate::protocol::{Answer, Fetch, Header, Now};
use crate::token::KeyHint;
use crate::url::{Reach, Url};

/// How the keys of an issuer are fetched, and for how long they are good.
pub(crate) struct SourceRules {
    pub(crate) issuer: String,
    pub(crate) place: Place,
    pub(crate) reach: Reach,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Longest time for which a set is fresh, and the time for one that does not say.
    pub(crate) refresh_ms: u64,
    /// Shortest, whatever the set says.
    pub(crate) refresh_min_ms: u64,
    /// How much longer it is used while no other can be had.
    pub(crate) stale_ms: u64,
    /// Between attempts that an unknown `kid` asks for.
    pub(crate) cooldown_ms: u64,
    pub(crate) timeout_ms: u32,
}

/// Where a set is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a URL.
    Jwks(Url),
    /// Where the discovery document at this URL says.
    Discovery(Url),
}

/// What is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Discovery,
    Jwks,
}

/// The keys of an issuer that publishes them.
pub(crate) struct Source {
    pub(crate) rules: SourceRules,
    jitter: Jitter,
    pub(crate) set: Option<KeySet>,
    /// What discovery said, and when.
    learnt: Option<(Url, u64)>,
    round: Round,
    pub(crate) history: History,
    /// Whether it is to be fetched before anybody asks.
    warm: bool,
    waiting: usize,
}

/// Whether a fetch is under way.
#[derive(Clone, Copy)]
enum Round {
    Resting,
    Wanted,
    Asked { stage: Stage, until_mono_ms: u64 },
}

/// What attempts came to. A reload takes it along, so that it lifts no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// No unknown `kid` starts an attempt before.
    pub(crate) cooldown_until_mono_ms: u64,
    /// No want of keys, and no refresh, does before.
    pub(crate) backoff_until_mono_ms: u64,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// What the last one was, for the operator.
    pub(crate) last_failure: Option<String>,
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

/// The first rest after a failure; it doubles up to the cooldown. Lowered, an endpoint that is down
/// is asked more often.
const FIRST_BACKOFF_MS: u64 = 1000;

/// The longest rest that an endpoint can ask for with `Retry-After`. Raised, it can keep us from keys
/// for longer.
const MAX_RETRY_AFTER_MS: u64 = 300_000;

/// How long a discovery document is believed. A day: key set URLs move once in years, and a failure
/// asks again at once.
const LEARNT_MS: u64 = 86_400_000;

/// What a host may be late by with its own report of a timeout.
const GRACE_MS: u64 = 500;

impl Source {
    pub(crate) fn new(rules: SourceRules, seed: u64) -> Self {
        Self {
            rules,
            jitter: Jitter::new(seed),
            set: None,
            learnt: None,
            round: Round::Resting,
            history: History::default(),
            warm: false,
            waiting: 0,
        }
    }

    /// The key that a token's header names, or what is to be done about it.
    pub(crate) fn find(&mut self, hint: &KeyHint<'_>, now: Now) -> Sought<'_> {
        let set = self.set.as_ref().filter(|set| set.is_usable(now));
        let place = set.map_or(Ok(None), |set| key::fitting(set.keys(), hint.algorithm, hint.kid));
        // The issuer was asked after this token came: what it does not know then, there is not.
        let asked_since =
            set.zip(hint.waits_since).is_some_and(|(set, since)| set.asked_mono_ms >= since);
        match place {
            Ok(Some(place)) => self
                .set
                .as_ref()
                .and_then(|set| set.keys().get(place))
                .map_or(Sought::Nowhere(TokenFlaw::KeyUnknown), Sought::Here),
            Ok(None) if asked_since => Sought::Nowhere(TokenFlaw::KeyUnknown),
            Ok(None) => self.later(set.is_some(), hint.waits_since, now),
            Err(flaw) => Sought::Nowhere(flaw),
        }
    }

    /// Nobody can tell yet: waits for a fetch, or says when to come again.
    fn later(&mut self, usable: bool, since: Option<u64>, now: Now) -> Sought<'static> {
        self.expire(now);
        if matches!(self.round, Round::Resting) {
            let (fault, not_before) = if usable {
                (Fault::KeyUndecided, self.history.cooldown_until_mono_ms)
            } else {
                (Fault::KeysUnavailable, self.history.backoff_until_mono_ms)
            };
            if now.mono_ms < not_before {
                return Sought::Undecided { fault, retry_after_ms: not_before - now.mono_ms };
            }
            self.round = Round::Wanted;
        }
        if self.waiting >= MAX_WAITING {
            return Sought::Undecided { fault: Fault::KeysBusy, retry_after_ms: FIRST_BACKOFF_MS };
        }
        self.waiting += 1;
        Sought::Later { until_mono_ms: since.unwrap_or(now.mono_ms) + self.longest_wait_ms() }
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
        let due = match self.round {
            Round::Wanted => true,
            Round::Resting => self.next_attempt().is_some_and(|at| now.mono_ms >= at),
            Round::Asked { .. } => false,
        };
        if !due {
            return None;
        }
        let (stage, url) = self.next_place(now);
        let timeout_ms = self.rules.timeout_ms;
        let until_mono_ms = now.mono_ms + u64::from(timeout_ms) + GRACE_MS;
        self.round = Round::Asked { stage, until_mono_ms };
        Some(Fetch {
            source: self.name(stage),
            method: "GET",
            url: url.as_str().to_owned(),
            headers: vec![Header::new("accept", "application/json")],
            body: None,
            timeout_ms,
            max_answer_bytes: MAX_ANSWER,
        })
    }

    /// When [`Self::due`] may next have something to say.
    pub(crate) fn next_due(&self) -> Option<u64> {
        match self.round {
            Round::Wanted => Some(0),
            Round::Asked { until_mono_ms, .. } => Some(until_mono_ms),
            Round::Resting => self.next_attempt(),
        }
    }

    /// Which of its fetches a name stands for.
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
        let awaited = match self.round {
            Round::Asked { stage: asked, .. } => asked == stage,
            Round::Wanted => true,
            Round::Resting => false,
        };
        let retry_after_ms = outcome.as_ref().ok().and_then(discovery::retry_after_ms);
        let taken = outcome.and_then(|answer| match answer.status {
            200 => self.take(stage, &answer, asked_mono_ms.min(now.mono_ms)),
            status => Err(format!("expected status 200, found {status}")),
        });
        match taken {
            Ok(notices) => {
                let half_way = stage == Stage::Discovery && awaited;
                self.round = match self.round {
                    _ if half_way => Round::Wanted,
                    round @ Round::Asked { .. } if !awaited => round,
                    Round::Asked { .. } | Round::Wanted | Round::Resting => Round::Resting,
                };
                if stage == Stage::Jwks {
                    self.history = History {
                        cooldown_until_mono_ms: now.mono_ms + self.rules.cooldown_ms,
                        // A set without a key for us is not asked for again at every request.
                        backoff_until_mono_ms: if self.set.as_ref().is_some_and(KeySet::is_filled) {
                            0
                        } else {
                            now.mono_ms + self.rules.cooldown_ms
                        },
                        ..History::default()
                    };
                }
                notices
            }
            Err(why) => {
                let why = format!("{}: {why}", self.place(stage));
                self.fail(why.clone(), retry_after_ms, now);
                vec![format!("keys of {}: {why}; {}", self.rules.issuer, self.consequence(now))]
            }
        }
    }

    /// The longest time until a withdrawn key surely stops working.
    pub(crate) fn withdrawal_ms(&self) -> u64 {
        self.rules.refresh_ms + self.rules.stale_ms
    }

    /// Takes over what another policy knew of the same source. A set that these rules do not take is
    /// left behind.
    pub(crate) fn restore(&mut self, kept: Kept, now: Now) {
        if let Some(set) = kept.set {
            let asked_mono_ms = set.asked_mono_ms.min(now.mono_ms);
            let text = Arc::from(set.text.as_bytes());
            self.set =
                KeySet::load(text, set.stated_ms, asked_mono_ms, &self.rules, &mut self.jitter)
                    .ok();
        }
        self.history = kept.history;
    }

    /// What a policy that takes this one's place is to know.
    pub(crate) fn kept(&self) -> Kept {
        let set = self.set.as_ref().map(|set| KeptSet {
            text: String::from_utf8_lossy(&set.text).into_owned(),
            stated_ms: set.stated_ms,
            asked_mono_ms: set.asked_mono_ms,
        });
        Kept { source: self.name(Stage::Jwks), set, history: self.history.clone() }
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
                let stated_ms = discovery::stated_freshness_ms(answer);
                let body = Arc::from(answer.body.as_slice());
                let set =
                    KeySet::load(body, stated_ms, asked_mono_ms, &self.rules, &mut self.jitter)?;
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
        self.round = Round::Resting;
        let doubled = FIRST_BACKOFF_MS << self.history.failures.min(16);
        let rest = doubled.min(self.rules.cooldown_ms).max(FIRST_BACKOFF_MS);
        let asked = retry_after_ms.unwrap_or(0).min(MAX_RETRY_AFTER_MS);
        let rest = (rest + self.jitter.below(rest / 4)).max(asked);
        self.history = History {
            cooldown_until_mono_ms: now.mono_ms + self.rules.cooldown_ms.max(asked),
            backoff_until_mono_ms: now.mono_ms + rest,
            failures: self.history.failures.saturating_add(1),
            last_failure: Some(why),
        };
    }

    /// Gives up a fetch that nobody answered for: whoever led it may be gone.
    fn expire(&mut self, now: Now) {
        if let Round::Asked { stage, until_mono_ms } = self.round
            && now.mono_ms >= until_mono_ms
        {
            self.fail(
                format!("{}: expected an answer in time, found none", self.place(stage)),
                None,
                now,
            );
        }
    }

    /// When the next attempt is made that nobody has to want.
    fn next_attempt(&self) -> Option<u64> {
        let refresh = match &self.set {
            Some(set) => set.refresh_at_mono_ms,
            None if self.warm => 0,
            None => return None,
        };
        Some(refresh.max(self.history.backoff_until_mono_ms))
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

    /// What a failure means for whoever reads of it.
    fn consequence(&self, now: Now) -> String {
        let again_s = self.history.backoff_until_mono_ms.saturating_sub(now.mono_ms).div_ceil(1000);
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
