//! The keys of each issuer. A key is looked up inside its issuer and nowhere else: the same `kid`
//! in two issuers is two keys.

use super::baked::BakedSource;
use super::key_set::KeySet;
use super::lookup::Lookup;
use super::remote::{Kept, Source};
use super::report::KeySource;
use super::rules::IssuerKeys;
use crate::http::outgoing::{Answer, Fetch};
use crate::jose::algorithm;
use crate::jose::jws::KeyHint;
use crate::jose::key::{self, Key};
use crate::jose::key_row::Published;
use crate::time::clock::Now;
use crate::verdict::cause::TokenFlaw;

/// Keys of all issuers, by the issuer's place in the policy document.
#[derive(Default)]
pub(crate) struct Keyring {
    rings: Vec<Ring>,
}

struct Ring {
    issuer: String,
    own: Vec<Key>,
    /// The public ones of `own` as they are written down, those that are not used too.
    written: Vec<Published>,
    /// Where the others are fetched from; nothing where they are baked in.
    source: Option<Source>,
    /// The others, where they stand in the component.
    baked: Option<BakedSource>,
}

impl Keyring {
    pub(crate) fn new(issuers: Vec<IssuerKeys>, seed: u64) -> Self {
        let ring = |(position, keys): (u64, IssuerKeys)| {
            let IssuerKeys { issuer, own, written, remote } = keys;
            let source = remote.map(|rules| Source::new(rules, seed.wrapping_add(position)));
            Ring { issuer, own, written, source, baked: None }
        };
        Self { rings: (0..).zip(issuers).map(ring).collect() }
    }

    /// The key that a token's header names, inside of one issuer.
    pub(crate) fn find(
        &mut self,
        issuer: usize,
        hint: &KeyHint<'_>,
        now: Now,
    ) -> Result<Lookup<&Key>, TokenFlaw> {
        match self.rings.get_mut(issuer) {
            Some(Ring { source: Some(source), .. }) if !algorithm::is_hmac(hint.algorithm) => {
                source.find(hint, now)
            }
            Some(Ring { baked: Some(baked), .. }) if !algorithm::is_hmac(hint.algorithm) => {
                baked.find(hint, now)
            }
            Some(Ring { own, .. }) => find_own(own, hint),
            None => Err(TokenFlaw::KeyUnknown),
        }
    }

    /// Puts a set in the place of an issuer's source: from then on nothing is fetched for it.
    ///
    /// Says in a phrase why it cannot.
    pub(crate) fn bake(
        &mut self,
        issuer: &str,
        set: &str,
        until_unix_ms: u64,
    ) -> Result<(), String> {
        let ring = self.rings.iter_mut().find(|ring| ring.issuer == issuer);
        let Some(Ring { source, baked, .. }) = ring.filter(|ring| ring.source.is_some()) else {
            return Err("expected keys of an issuer that publishes them, found others".to_owned());
        };
        let rules = source.as_ref().map(|source| &source.rules);
        *baked = rules.map(|rules| BakedSource::new(rules, set, until_unix_ms)).transpose()?;
        *source = None;
        Ok(())
    }

    /// Issuers whose keys are fetched.
    pub(crate) fn fetched_issuers(&self) -> impl Iterator<Item = &str> {
        let fetched = self.rings.iter().filter(|ring| ring.source.is_some());
        fetched.map(|ring| ring.issuer.as_str())
    }

    /// Whether the end date of keys that were baked in has passed.
    pub(crate) fn baked_keys_have_ended(&self, now: Now) -> bool {
        self.rings.iter().filter_map(|ring| ring.baked.as_ref()).any(|baked| baked.has_ended(now))
    }

    /// Issuers whose keys are fetched, each with the keys of its set that are used, if it was fetched.
    pub(crate) fn published(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.rings.iter().filter_map(|ring| {
            let set = ring.source.as_ref()?.set.as_ref();
            Some((ring.issuer.as_str(), set.map(KeySet::used)))
        })
    }

    /// An exchange that got [`Lookup::Later`] is here again, or gone.
    pub(crate) fn leave(&mut self, issuer: usize) {
        if let Some(source) = self.rings.get_mut(issuer).and_then(|ring| ring.source.as_mut()) {
            source.leave();
        }
    }

    /// Has all keys fetched before anybody asks for them, and kept fresh.
    pub(crate) fn warm(&mut self) {
        self.sources().for_each(Source::warm);
    }

    /// The next fetch to hand out: what somebody waits for comes before what is refreshed ahead, for
    /// hosts that perform one at a time.
    pub(crate) fn due(&mut self, now: Now) -> Option<Fetch> {
        let mut sources: Vec<_> = self.sources().collect();
        sources.sort_by_key(|source| source.next_due().unwrap_or(u64::MAX));
        sources.into_iter().find_map(|source| source.due(now))
    }

    /// When [`Self::due`] may next have something to say.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.rings.iter().filter_map(|ring| ring.source.as_ref()?.next_due()).min()
    }

    /// Takes what a fetch brought. What no source of ours is called is not believed.
    pub(crate) fn fetched(
        &mut self,
        name: &str,
        outcome: Result<Answer, String>,
        asked_mono_ms: u64,
        now: Now,
    ) -> Vec<String> {
        let mut sources = self.sources().filter_map(|source| Some((source.stage(name)?, source)));
        match sources.next() {
            Some((stage, source)) => source.fetched(stage, outcome, asked_mono_ms, now),
            None => Vec::new(),
        }
    }

    /// How the keys of each issuer stand.
    pub(crate) fn report(&self, now: Now) -> Vec<KeySource> {
        self.rings.iter().map(|ring| ring.report(now)).collect()
    }

    /// Keys, cooldowns and back-offs, for a policy that takes this one's place on the same clock.
    pub(crate) fn kept(&self) -> String {
        let kept: Vec<Kept> =
            self.rings.iter().filter_map(|ring| Some(ring.source.as_ref()?.kept())).collect();
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// Takes over what another policy knew of the same sources of the same issuers.
    pub(crate) fn restore(&mut self, kept: &str, now: Now) {
        let kept: Vec<Kept> = serde_json::from_str(kept).unwrap_or_default();
        for kept in kept {
            if let Some(source) = self.sources().find(|source| source.stage(&kept.source).is_some())
            {
                source.restore(kept, now);
            }
        }
    }

    fn sources(&mut self) -> impl Iterator<Item = &mut Source> {
        self.rings.iter_mut().filter_map(|ring| ring.source.as_mut())
    }
}

impl Ring {
    fn report(&self, now: Now) -> KeySource {
        let own = KeySource {
            issuer: self.issuer.clone(),
            url: None,
            jwks_uri: None,
            usable: !self.own.is_empty(),
            keys: self.written.iter().map(Published::row).collect(),
            secret_algorithms: secret_algorithms(&self.own),
            host_algorithms: Vec::new(),
            algorithms_without_key: Vec::new(),
            age_ms: None,
            fresh_for_ms: None,
            expires_in_ms: None,
            withdrawal_ms: None,
            baked_until_unix_ms: None,
            last_failure: None,
        };
        match (&self.source, &self.baked) {
            (Some(source), _) => source.report(own, now),
            (None, Some(baked)) => baked.report(own, now),
            (None, None) => own,
        }
    }
}

fn secret_algorithms(own: &[Key]) -> Vec<&'static str> {
    let shared =
        own.iter().map(|key| key.algorithm).filter(|algorithm| algorithm::is_hmac(*algorithm));
    shared.map(algorithm::name).collect()
}

/// A key that is there at once.
fn find_own<'a>(own: &'a [Key], hint: &KeyHint<'_>) -> Result<Lookup<&'a Key>, TokenFlaw> {
    let place = key::fitting(own, hint.algorithm, hint.kid)?;
    place.and_then(|place| own.get(place)).map(Lookup::Found).ok_or(TokenFlaw::KeyUnknown)
}
