//! What an artifact is and holds, for people and for programs.

pub(crate) mod human;
pub(crate) mod json;

use linkgate_policy::edition::Baked;
use linkgate_policy::{Abilities, KeySource, Now, Time};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::edition::Edition;

/// An artifact, read.
pub(crate) struct Inspection<'a> {
    /// The file, as it was named.
    pub(crate) file: &'a str,
    pub(crate) artifact: &'a Artifact,
    pub(crate) baked: Contents,
}

/// What is baked in.
pub(crate) enum Contents {
    Nothing,
    /// Something that cannot be used: a phrase says why.
    Unusable(String),
    Policy(Box<BakedPolicy>),
}

/// A policy that is baked in.
pub(crate) struct BakedPolicy {
    /// The document, its key sets counted in their place.
    pub(crate) document: Value,
    pub(crate) upstream: Option<String>,
    pub(crate) keys: Option<End>,
    pub(crate) sources: Vec<KeySource>,
}

/// When keys that are baked in end.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) until: Time,
    /// Milliseconds until then; none left when it has passed.
    pub(crate) left_ms: Option<u64>,
}

impl<'a> Inspection<'a> {
    /// Looks at an artifact at a moment.
    pub(crate) fn of(file: &'a str, artifact: &'a Artifact, unix_ms: u64) -> Self {
        let baked = match artifact.baked() {
            Ok(None) => Contents::Nothing,
            Err(why) => Contents::Unusable(why),
            Ok(Some(baked)) => match BakedPolicy::of(&baked, artifact, unix_ms) {
                Ok(policy) => Contents::Policy(Box::new(policy)),
                Err(why) => Contents::Unusable(why),
            },
        };
        Self { file, artifact, baked }
    }

    /// Whether what is baked in, if anything, can be used now.
    pub(crate) fn is_well(&self) -> bool {
        match &self.baked {
            Contents::Nothing => true,
            Contents::Unusable(_) => false,
            Contents::Policy(policy) => policy.keys.is_none_or(|end| end.left_ms.is_some()),
        }
    }
}

impl BakedPolicy {
    fn of(baked: &Baked, artifact: &Artifact, unix_ms: u64) -> Result<Self, String> {
        let label = artifact.surface.label.as_ref();
        let edition = label.and_then(|label| Edition::named(&label.edition));
        let host = edition.map_or(Abilities::default(), Edition::abilities);
        let now = Now { unix_ms, mono_ms: 0 };
        let policy = baked.compile(host, 0, now).map_err(|mistakes| {
            let told = |one: &linkgate_policy::Mistake| format!("{}: {}", one.pointer, one.message);
            let told: Vec<String> = mistakes.iter().map(told).collect();
            format!("expected a policy that compiles, found mistakes in it: {}", told.join("; "))
        })?;
        let mut document = serde_json::from_str(baked.document())
            .map_err(|error| format!("expected a policy, found no JSON: {error}"))?;
        count_keys(&mut document);
        let end = |unix_ms_of_end: u64| End {
            until: Time { unix_ms: unix_ms_of_end },
            left_ms: unix_ms_of_end.checked_sub(unix_ms).filter(|left| *left > 0),
        };
        Ok(Self {
            document,
            upstream: baked.upstream().map(str::to_owned),
            keys: baked.keys().map(|keys| end(keys.until_unix_ms)),
            sources: policy.key_sources(now),
        })
    }
}

/// Keys are shown beside the policy, by what names them.
fn count_keys(document: &mut Value) {
    let issuers = document.get_mut("issuers").and_then(Value::as_array_mut);
    for set in issuers.into_iter().flatten().filter_map(|issuer| issuer.pointer_mut("/keys/jwks")) {
        let count = set.get("keys").and_then(Value::as_array).map_or(0, Vec::len);
        *set = Value::String(if count == 1 { "1 key".to_owned() } else { format!("{count} keys") });
    }
}

/// Where an issuer's keys come from, in a word.
fn origin(source: &KeySource) -> &'static str {
    match (&source.url, source.baked_until_unix_ms) {
        (_, Some(_)) => "baked",
        (None, None) => "policy",
        (Some(_), None) => "fetched",
    }
}
