//! What `linkgate bake` puts into a component: a policy, and its keys on request.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::slot::{self, Damage};
use crate::config::{Abilities, Mistake, Secrets};
use crate::policy::Policy;
use crate::time::clock::Now;
use crate::time::timestamp::Time;

/// A policy as a component has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baked {
    policy: Box<RawValue>,
    /// The keys of all issuers that publish theirs; without it they are fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<BakedKeys>,
    /// The API behind the gate, for an edition that has to know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
}

/// Keys as they stand in a component.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BakedKeys {
    /// The moment of the wall clock at which they are used no longer, in Unix milliseconds.
    pub until_unix_ms: u64,
    /// A set (RFC 7517) for each issuer that publishes keys.
    pub sets: Vec<BakedSet>,
}

/// The key set of an issuer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BakedSet {
    /// Its `iss`.
    pub issuer: String,
    /// The set.
    pub jwks: Box<RawValue>,
}

impl Baked {
    /// What is in the slot of this component, if anything.
    ///
    /// # Errors
    ///
    /// Something is in it, and it cannot be used: a phrase says why.
    pub fn own() -> Result<Option<Self>, String> {
        match slot::own() {
            Ok(contents) => contents.as_deref().map(Self::read).transpose(),
            Err(Damage::Length | Damage::Digest) => Err(DAMAGED.to_owned()),
        }
    }

    /// Reads what is in a slot.
    ///
    /// # Errors
    ///
    /// It is nothing that this version knows.
    pub fn read(contents: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(contents).map_err(|_unknown| UNKNOWN.to_owned())
    }

    /// What goes into a slot: a policy document (JSON), keys if they go along, the upstream likewise.
    ///
    /// # Errors
    ///
    /// The document is no JSON.
    pub fn new(
        document: &str,
        keys: Option<BakedKeys>,
        upstream: Option<String>,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { policy: RawValue::from_string(document.to_owned())?, keys, upstream })
    }

    /// As it is written: the same in, the same out.
    #[must_use]
    pub fn text(&self) -> String {
        // Text and numbers: there is nothing that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The policy document, JSON.
    #[must_use]
    pub fn document(&self) -> &str {
        self.policy.get()
    }

    /// The keys that go along.
    #[must_use]
    pub fn keys(&self) -> Option<&BakedKeys> {
        self.keys.as_ref()
    }

    /// The API behind the gate, if it was baked in.
    #[must_use]
    pub fn upstream(&self) -> Option<&str> {
        self.upstream.as_deref()
    }

    /// Compiles the policy, its keys baked in. It names no secrets: `bake` refuses one that does.
    ///
    /// # Errors
    ///
    /// All mistakes; what this host cannot do is one.
    pub fn compile(&self, host: Abilities, seed: u64, now: Now) -> Result<Policy, Vec<Mistake>> {
        let mut policy = Policy::compile(self.document(), &Secrets::default(), host, seed, now)?;
        let Some(BakedKeys { until_unix_ms, sets }) = &self.keys else { return Ok(policy) };
        if *until_unix_ms > now.unix_ms.saturating_add(LONGEST_MS) {
            let until = Time { unix_ms: *until_unix_ms };
            return Err(vec![mistake(format!(
                "expected keys that end within 30 days, found {until}"
            ))]);
        }
        let bake = |set: &BakedSet| {
            let baked = policy.bake_keys(&set.issuer, set.jwks.get(), *until_unix_ms);
            baked.err().map(|why| mistake(format!("keys of `{}`: {why}", set.issuer)))
        };
        let mut mistakes: Vec<Mistake> = sets.iter().filter_map(bake).collect();
        // Keys are baked in so that none are fetched.
        let left = policy.fetched_issuers().map(|issuer| {
            mistake(format!(
                "expected keys of every issuer that publishes them, found none of `{issuer}`"
            ))
        });
        mistakes.extend(left);
        if mistakes.is_empty() { Ok(policy) } else { Err(mistakes) }
    }
}

/// The longest that keys may be baked in for, 30 days in milliseconds. A key that an issuer withdraws works for
/// as long.
const LONGEST_MS: u64 = 30 * 86_400_000;

fn mistake(message: String) -> Mistake {
    Mistake { pointer: String::new(), message, help: None }
}

const DAMAGED: &str = "expected the policy that was baked into this component, found it damaged";

const UNKNOWN: &str = "expected a policy that a linkgate of this version baked in, found another";
