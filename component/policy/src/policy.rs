//! A compiled policy, and the calls that drive it.

use std::borrow::Cow;
use std::sync::Arc;

use jsonwebtoken::Algorithm;

use crate::access::client_address;
use crate::access::request_id::NewIds;
use crate::access::shadow::Shadow;
use crate::access::token_cache::{CacheUse, TokenCache};
use crate::audit::decision::Decision;
use crate::config::{self, Abilities, Compiled, Mistake, Secrets};
use crate::exchange::{Exchange, Shared};
use crate::http::header_names::HeaderNames;
use crate::http::message::Head;
use crate::http::outgoing::{Answer, Fetch};
use crate::http::override_headers;
use crate::jose::self_test;
use crate::jose::verification::{SignatureAlgorithm, SignatureAlgorithms, Verification, Verify};
use crate::keys::keyring::Keyring;
use crate::keys::report::KeySource;
use crate::metadata::{self, NoPreview, Preview, Replacing};
use crate::protocol::{Event, Turn};
use crate::rules::client_address::AddressRules;
use crate::rules::issuer::IssuerRules;
use crate::rules::{FORWARDED, Rules};
use crate::time::clock::Now;
use crate::verdict::outcome::End;

/// What the core looks at besides what it forwards.
const LOOKED_AT: [&str; 6] = [
    "authorization",
    "connection",
    "upgrade",
    "content-type",
    "content-encoding",
    "access-control-request-method",
];

/// Compiled rules and keys: what exchanges share.
pub struct Policy {
    rules: Arc<Rules>,
    shared: Shared,
    /// The algorithms that the host offers to verify, that a token may have here, and that were not found wanting.
    offered: SignatureAlgorithms,
    wanted_headers: HeaderNames,
    /// The latest monotonic time seen: it never runs backwards in here.
    latest_mono_ms: u64,
}

impl Policy {
    /// Compiles a policy document (JSON) with the secrets that it names.
    ///
    /// `seed` is any number that differs from instance to instance: it spreads their fetches of keys, and
    /// keeps their request ids apart. `now` is what the end of a shadow is held against.
    ///
    /// # Errors
    ///
    /// All mistakes in the document; what this host cannot do is one.
    pub fn compile(
        document: &str,
        secrets: &Secrets,
        host: Abilities,
        seed: u64,
        now: Now,
    ) -> Result<Self, Vec<Mistake>> {
        let Compiled { rules, keys, credentials, component_verifies } =
            config::compile(document, secrets, host, seed, now)?;
        let wanted_headers = wanted_headers(&rules);
        let offered = if component_verifies {
            SignatureAlgorithms::NONE
        } else {
            host.verifies.and(used(&rules))
        };
        Ok(Self {
            rules: Arc::new(rules),
            shared: Shared {
                keyring: Keyring::new(keys, seed),
                verified: TokenCache::default(),
                host: SignatureAlgorithms::NONE,
                credentials,
                request_ids: NewIds::new(seed),
                replacing: Replacing::default(),
            },
            offered,
            wanted_headers,
            latest_mono_ms: 0,
        })
    }

    /// The names of all headers that the core looks at or forwards: the entries of a [`HeaderNames`].
    #[must_use]
    pub fn wanted_headers(&self) -> Vec<String> {
        self.wanted_headers.entries().collect()
    }

    /// Whether the core looks at or forwards a header of this name. What a server behind the gate may
    /// take for such a header counts as one: case is ignored, and all but letters and digits is a `-`.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.wanted_headers.has(name)
    }

    /// Whether the core looks at the peer of the client's connection, [`Head::peer`].
    #[must_use]
    pub fn wants_peer(&self) -> bool {
        matches!(self.rules.client_address, Some(AddressRules::Connection))
    }

    /// Questions with known answers for a host that offers to verify signatures. It is asked about no token
    /// before [`Self::probed`] took its answers.
    #[must_use]
    pub fn probes(&self) -> Vec<Verify> {
        let probes = self_test::probes(self.offered);
        probes.into_iter().map(|probe| probe.question).collect()
    }

    /// Takes the answers to [`Self::probes`], in their order. An algorithm with a wrong answer among them is the
    /// core's own from then on. Returns lines for the operator's log.
    pub fn probed(&mut self, answers: &[Verification]) -> Vec<String> {
        let (passed, notices) = self_test::passed(self.offered, answers);
        self.offered = passed;
        self.shared.host = passed;
        notices
    }

    /// Opens an exchange with the head of a request.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the head holds a credential: its memory is wiped here"
    )]
    pub fn open(&mut self, head: Head, now: Now) -> (Exchange, Turn) {
        let now = self.forward_only(now);
        Exchange::open(Arc::clone(&self.rules), &head, &mut self.shared, now)
    }

    /// Reports the outcome of step `sequence` and takes the next one. A wrong number or an event
    /// that does not answer the step ends the exchange with a 503.
    pub fn resume(
        &mut self,
        exchange: &mut Exchange,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> Turn {
        let now = self.forward_only(now);
        exchange.resume(sequence, event, &mut self.shared, now)
    }

    /// Closes an exchange at any step.
    pub fn close(&mut self, exchange: Exchange, end: End, now: Now) -> Decision {
        let now = self.forward_only(now);
        exchange.leave(&mut self.shared.keyring);
        let evicted = self.shared.verified.newly_evicted();
        Decision { evicted, ..exchange.record.close(end, now) }
    }

    /// Has the keys of all issuers fetched before anybody asks for them, and kept fresh from then on.
    /// For hosts that remember between requests.
    pub fn warm(&mut self) {
        self.shared.keyring.warm();
    }

    /// The next fetch to perform now, handed out once.
    pub fn due(&mut self, now: Now) -> Option<Fetch> {
        let now = self.forward_only(now);
        self.shared.keyring.due(now).or_else(|| self.shared.credentials.due(now))
    }

    /// When [`Self::due`] may next have something to say, in monotonic milliseconds.
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        let Shared { keyring, credentials, .. } = &self.shared;
        keyring.next_due().into_iter().chain(credentials.next_due()).min()
    }

    /// Takes the outcome of a fetch, whichever instance asked for it: what one instance fetched is given to all.
    /// `asked_mono_ms` is when it was asked; of a failure, the text says why in a phrase. Returns lines
    /// for the operator's log.
    pub fn fetched(
        &mut self,
        source: &str,
        outcome: Result<Answer, String>,
        asked_mono_ms: u64,
        now: Now,
    ) -> Vec<String> {
        let now = self.forward_only(now);
        let Shared { keyring, credentials, .. } = &mut self.shared;
        credentials
            .fetched(source, &outcome, asked_mono_ms, now)
            .unwrap_or_else(|| keyring.fetched(source, outcome, asked_mono_ms, now))
    }

    /// How the keys of each issuer stand.
    #[must_use]
    pub fn key_sources(&self, now: Now) -> Vec<KeySource> {
        let verified = |source: KeySource| {
            let own = self.rules.issuer(&source.issuer);
            let host_algorithms = own.map(|own| self.by_host(&own)).unwrap_or_default();
            KeySource { host_algorithms, ..source }
        };
        self.shared.keyring.report(now).into_iter().map(verified).collect()
    }

    /// The algorithms of an issuer whose signatures the host verifies.
    fn by_host(&self, issuer: &IssuerRules) -> Vec<SignatureAlgorithm> {
        let used = algorithms(issuer.all_algorithms());
        used.and(self.shared.host).iter().collect()
    }

    /// What the cache of verified tokens holds, and how often it helped. It begins empty with each policy.
    #[must_use]
    pub fn token_cache(&self) -> CacheUse {
        self.shared.verified.used()
    }

    /// Keys, cooldowns and back-offs as text, for a policy that takes this one's place on the same
    /// monotonic clock. Nothing in it is secret.
    #[must_use]
    pub fn kept_keys(&self) -> String {
        self.shared.keyring.kept()
    }

    /// Takes over what [`Self::kept_keys`] of another policy gave, for sources that both have: a reload
    /// lifts no cooldown and costs no fetch.
    pub fn restore_keys(&mut self, kept: &str, now: Now) {
        let now = self.forward_only(now);
        self.shared.keyring.restore(kept, now);
    }

    /// Issuers whose keys are fetched.
    pub(crate) fn fetched_issuers(&self) -> impl Iterator<Item = &str> {
        self.shared.keyring.fetched_issuers()
    }

    /// Whether the end date of keys that were baked in has passed.
    pub(crate) fn baked_keys_have_ended(&self, now: Now) -> bool {
        self.shared.keyring.baked_keys_have_ended(now)
    }

    /// Issuers whose keys are fetched, each with the keys of its set that are used (JSON), if it was
    /// fetched.
    pub fn published_keys(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.shared.keyring.published()
    }

    /// Has the keys of an issuer be those of a set (JSON) until a moment of the wall clock. From then on
    /// nothing is fetched for it, and its tokens are answered 503.
    ///
    /// # Errors
    ///
    /// The issuer publishes no keys, or the set has none that can be used: a phrase says which.
    pub fn bake_keys(&mut self, issuer: &str, set: &str, until_unix_ms: u64) -> Result<(), String> {
        self.shared.keyring.bake(issuer, set, until_unix_ms)
    }

    /// What this policy does not enforce; nothing when it enforces all it says.
    #[must_use]
    pub fn shadow(&self) -> Option<Shadow> {
        let until_unix_ms = self.rules.shadow.map(|shadow| shadow.until_ms);
        let rules: Vec<String> =
            self.rules.issuers.iter().flat_map(IssuerRules::in_shadow).collect();
        let any = until_unix_ms.is_some() || !rules.is_empty();
        any.then_some(Shadow { until_unix_ms, rules })
    }

    /// Shows what a link of these two accounts would make of their metadata. Each is a user as the
    /// Management API gives it (JSON), or its `user_metadata` alone.
    ///
    /// # Errors
    ///
    /// The policy does not merge, an account cannot be read, or the link would be refused.
    pub fn preview_merge(&self, primary: &[u8], secondary: &[u8]) -> Result<Preview, NoPreview> {
        let rules = self.rules.metadata.as_ref().ok_or(NoPreview::NotMerging)?;
        metadata::preview(primary, secondary, &rules.merge)
    }

    fn forward_only(&mut self, now: Now) -> Now {
        self.latest_mono_ms = self.latest_mono_ms.max(now.mono_ms);
        Now { mono_ms: self.latest_mono_ms, ..now }
    }
}

/// The headers that the core looks at or forwards under these rules.
fn wanted_headers(rules: &Rules) -> HeaderNames {
    let addresses = rules.client_address.map_or([].as_slice(), |_| &client_address::NAMES);
    let fixed = LOOKED_AT.iter().chain(&FORWARDED).chain(&override_headers::NAMES).chain(addresses);
    let configured = rules.forward_headers.iter().chain(&rules.request_id);
    let names = fixed.map(|name| Cow::Borrowed(*name));
    let names = names.chain(configured.map(|name| Cow::Owned(name.clone())));
    names.collect::<HeaderNames>().and_prefixes(&override_headers::FAMILIES)
}

/// The signature algorithms that tokens may have under these rules.
fn used(rules: &Rules) -> SignatureAlgorithms {
    algorithms(rules.issuers.iter().flat_map(IssuerRules::all_algorithms))
}

/// Those of them that a host can verify.
fn algorithms(all: impl Iterator<Item = Algorithm>) -> SignatureAlgorithms {
    all.filter_map(SignatureAlgorithm::of)
        .fold(SignatureAlgorithms::NONE, SignatureAlgorithms::with)
}
