//! The keys of each issuer, fetched once and judged by the policy itself, for people and for programs.

pub(crate) mod human;
pub(crate) mod json;

use std::sync::Arc;

use linkgate_gateway::{Fetch, Fetcher, Header, Verifier};
use linkgate_policy::{Answer, KeySource, Policy, Time, escaped};
use tokio::task::JoinSet;

use crate::clock;
use crate::progress::Progress;

/// How the keys of all issuers stand.
pub(crate) struct Report {
    /// When they were asked for. Every span of time in a source counts from here.
    pub(crate) asked: Time,
    pub(crate) sources: Vec<KeySource>,
    /// Issuers with a shared secret that was not there to be checked.
    pub(crate) unseen_secrets: Vec<String>,
}

impl Report {
    /// Has every issuer's keys fetched, all at the same time and each once.
    ///
    /// For the policy the clock is stopped meanwhile: no back-off ends, so no fetch comes twice, and
    /// a slow endpoint makes no other's keys old.
    pub(crate) async fn gather(
        policy: &mut Policy,
        fetcher: Fetcher,
        mut progress: Progress,
    ) -> Self {
        let fetcher = Arc::new(fetcher);
        let now = clock::now();
        let mut under_way = JoinSet::new();
        linkgate_cases::introduce(&Verifier::default(), policy);
        policy.warm();
        loop {
            while let Some(fetch) = policy.due(now) {
                progress.show(&format!("asking {}", escaped(&fetch.url)));
                under_way.spawn(perform(Arc::clone(&fetcher), fetch));
            }
            let Some(ended) = under_way.join_next().await else { break };
            if let Ok((source, outcome)) = ended {
                policy.fetched(&source, outcome, now.mono_ms, now);
            }
        }
        progress.end();
        Self {
            asked: Time { unix_ms: now.unix_ms },
            sources: policy.key_sources(now),
            unseen_secrets: Vec::new(),
        }
    }

    /// Whether tokens of every issuer can be verified.
    pub(crate) fn is_usable(&self) -> bool {
        self.sources.iter().all(|source| source.usable)
    }

    /// Whether an issuer's shared secret was there.
    fn sees_secret_of(&self, source: &KeySource) -> bool {
        !self.unseen_secrets.contains(&source.issuer)
    }

    /// The moment so long after they were asked for.
    fn after(&self, ms: u64) -> Time {
        Time { unix_ms: self.asked.unix_ms.saturating_add(ms) }
    }
}

/// How an issuer's keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin<'a> {
    /// They stand in the policy, or in a file that it names.
    Policy,
    /// They are at this URL.
    Url(&'a str),
    /// A document at this URL says where they are.
    Discovery(&'a str),
}

impl<'a> Origin<'a> {
    fn of(source: &'a KeySource) -> Self {
        match (&source.url, &source.jwks_uri) {
            (None, _) => Self::Policy,
            (Some(url), Some(jwks_uri)) if url == jwks_uri => Self::Url(url),
            (Some(url), _) => Self::Discovery(url),
        }
    }
}

/// Performs a fetch by the gateway's own fetcher.
pub(crate) async fn perform(
    fetcher: Arc<Fetcher>,
    fetch: linkgate_policy::Fetch,
) -> (String, Result<Answer, String>) {
    let header = |line: linkgate_policy::Header| Header { name: line.name, value: line.value };
    let wanted = Fetch {
        source: fetch.source.clone(),
        method: fetch.method.to_owned(),
        url: fetch.url,
        headers: fetch.headers.into_iter().map(header).collect(),
        body: fetch.body,
        timeout_ms: fetch.timeout_ms,
        max_answer_bytes: fetch.max_answer_bytes,
    };
    let header = |line: Header| linkgate_policy::Header { name: line.name, value: line.value };
    let outcome = fetcher.fetch(&wanted).await.map(|answer| Answer {
        status: answer.status,
        headers: answer.headers.into_iter().map(header).collect(),
        body: answer.body,
    });
    (fetch.source, outcome)
}

#[cfg(test)]
mod tests {
    use linkgate_policy::{KeyRow, SignatureAlgorithm};
    use serde_json::json;

    use super::*;
    use crate::paint::Paint;

    /// One issuer with keys and a secret, one that is down.
    fn report() -> Report {
        let row = KeyRow {
            kid: Some("2026-11".to_owned()),
            kind: "RSA".to_owned(),
            size: "2048 bits".to_owned(),
            usage: Some("sig".to_owned()),
            algorithms: vec!["RS256", "PS256"],
            thumbprint: Some("eTekP6Gxs".to_owned()),
            repeated: false,
            refused: None,
        };
        let repeated = KeyRow { repeated: true, ..row.clone() };
        let refused = KeyRow {
            kid: Some("\u{1b}[2J\n".to_owned()),
            kind: "k".repeat(300),
            size: String::new(),
            usage: None,
            algorithms: vec![],
            thumbprint: None,
            repeated: false,
            refused: Some("expected one thing, found another".to_owned()),
        };
        let good = KeySource {
            issuer: "https://a.example/".to_owned(),
            url: Some("https://a.example/keys".to_owned()),
            jwks_uri: Some("https://a.example/keys".to_owned()),
            usable: true,
            keys: vec![row, repeated, refused],
            secret_algorithms: vec!["HS256"],
            host_algorithms: vec![SignatureAlgorithm::Rs256],
            algorithms_without_key: vec!["ES256"],
            age_ms: Some(0),
            fresh_for_ms: Some(600_000),
            expires_in_ms: Some(4_200_000),
            withdrawal_ms: Some(4_200_000),
            baked_until_unix_ms: None,
            last_failure: None,
        };
        let down = KeySource {
            issuer: "https://b.example/".to_owned(),
            url: Some("https://b.example/.well-known/openid-configuration".to_owned()),
            jwks_uri: None,
            usable: false,
            keys: vec![],
            secret_algorithms: vec![],
            host_algorithms: vec![],
            algorithms_without_key: vec!["RS256"],
            age_ms: None,
            fresh_for_ms: None,
            expires_in_ms: None,
            withdrawal_ms: Some(600_000),
            baked_until_unix_ms: None,
            last_failure: Some("https://b.example/: expected \u{202e}, found none".to_owned()),
        };
        let asked = Time { unix_ms: 1_764_081_005_250 };
        Report { asked, sources: vec![good, down], unseen_secrets: Vec::new() }
    }

    #[test]
    fn people_read_blocks_and_rows() {
        let told = human::text(&report(), Paint::never());
        assert_eq!(told, HUMAN, "\n{told}");
    }

    #[test]
    fn programs_read_one_object() {
        let told = super::json::text(&report());
        assert!(told.is_ascii() && !told.contains('\n'), "{told}");
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        for (pointer, expected) in [
            ("/schema", json!("linkgate.keys/1")),
            ("/asked", json!("2025-11-25T14:30:05.250Z")),
            ("/usable", json!(false)),
            ("/issuers/0/fresh_until", json!("2025-11-25T14:40:05.250Z")),
            ("/issuers/0/usable_until", json!("2025-11-25T15:40:05.250Z")),
            ("/issuers/0/secret_algorithms", json!(["HS256"])),
            ("/issuers/0/secret_seen", json!(true)),
            ("/issuers/1/secret_seen", json!(null)),
            ("/issuers/0/keys/2/kid", json!(r"\u{1b}[2J\u{a}")),
            ("/issuers/0/keys/2/type", json!("k".repeat(256) + "...")),
            ("/issuers/1/source", json!("discovery")),
            ("/issuers/1/fresh_until", json!(null)),
            ("/issuers/1/failure", json!(r"https://b.example/: expected \u{202e}, found none")),
        ] {
            assert_eq!(told.pointer(pointer), Some(&expected), "{pointer}");
        }
    }

    const HUMAN: &str = "\
✓ https://a.example/
  keys        https://a.example/keys
  secret      for HS256, not shown
  asked       2025-11-25 14:30:05 UTC
  fresh       for 10 min, until 2025-11-25 14:40:05 UTC
  usable      for 1 h 10 min, until 2025-11-25 15:40:05 UTC
  withdrawal  a withdrawn key stops working within 1 h 10 min
  verified    by the host: RS256
  lacking     a key for ES256

    kid             type          size       use  algorithms   thumbprint
  ✓ 2026-11         RSA           2048 bits  sig  RS256 PS256  eTekP6Gxs
  ✓ 2026-11         RSA           2048 bits  sig  RS256 PS256  eTekP6Gxs
      the same key as one before it
  ✗ \\u{1b}[2J\\u{a}  kkkkkkkkkkk…  -          -    -            -
      expected one thing, found another

✗ https://b.example/
  discovery   https://b.example/.well-known/openid-configuration
  withdrawal  a withdrawn key stops working within 10 min
  verified    by the component
  failed      https://b.example/: expected \\u{202e}, found none

2 issuers, 1 key in use, 1 refused: 1 of 2 has no usable key, and requests with its tokens are answered 503
";
}
