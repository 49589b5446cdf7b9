//! One request, decided by the core, as far as it can be without asking the API.

use std::sync::Arc;

use linkgate_gateway::Fetcher;
use linkgate_policy::{
    Answer, AnswerHead, Decision, End, Event, Fetch, Forward, Now, Policy, Step, Verification,
};
use serde_json::json;

use super::input::Input;
use crate::key_report::perform;

/// Where keys that are not in the policy come from.
pub(crate) enum KeySupply {
    /// From where the policy says, as the gateway fetches them.
    Fetched(Arc<Fetcher>),
    /// A set at hand, in the place of every issuer's.
    Set(Vec<u8>),
}

/// How an exchange ended.
pub(crate) struct Ended {
    pub(crate) decision: Decision,
    /// It would go on with metadata, which is the API's to tell.
    pub(crate) merges: bool,
    /// What would go upstream.
    pub(crate) sent: Option<Forward>,
    /// The issuers whose keys could not be had, and why.
    pub(crate) without_keys: Vec<(String, String)>,
}

/// More steps than a request has that is not merged.
const MAX_STEPS: usize = 16;

/// More fetches than any policy wants at once.
const MAX_FETCHES: usize = 100;

/// Decides a request. The upstream answers 201 to what reaches it.
pub(crate) async fn run(mut policy: Policy, asked: &Input, unix_s: u64, keys: &KeySupply) -> Ended {
    let mut now = Now { unix_ms: unix_s.saturating_mul(1000), mono_ms: 0 };
    policy.warm();
    supply(&mut policy, keys, now).await;
    let head = asked.head(&policy);
    let (mut exchange, mut turn) = policy.open(head, now);
    let (mut merges, mut sent) = (false, None);
    for _ in 0..MAX_STEPS {
        let event = match turn.step {
            Step::ReadBody { max_bytes, .. } => body(asked, max_bytes),
            Step::Wait { until_mono_ms } => {
                if !supply(&mut policy, keys, now).await {
                    now.mono_ms = now.mono_ms.max(until_mono_ms);
                }
                Event::Woken
            }
            // No host verifies here.
            Step::Verify(_) => Event::Verified(Verification::Unable),
            Step::Acquire { .. } | Step::Call(_) => {
                merges = true;
                break;
            }
            Step::Forward(forward) => {
                sent = Some(forward);
                Event::Forwarded(Ok(AnswerHead::of(201, [])))
            }
            Step::Pass { .. } => Event::Forwarded(Ok(AnswerHead::of(200, []))),
            Step::Relay(_) | Step::Respond(_) => break,
        };
        turn = policy.resume(&mut exchange, turn.sequence, event, now);
    }
    let sources = policy.key_sources(now).into_iter();
    let without_keys =
        sources.filter_map(|source| Some((source.issuer, source.last_failure?))).collect();
    let decision = policy.close(exchange, End::Finished, now);
    Ended { decision, merges, sent, without_keys }
}

fn body(asked: &Input, max_bytes: u32) -> Event {
    let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    if asked.body.len() > most { Event::BodyTooLarge } else { Event::Body(asked.body.clone()) }
}

/// Performs the fetches that wait. Says whether there was anything. The gate's own token is never asked for.
async fn supply(policy: &mut Policy, keys: &KeySupply, now: Now) -> bool {
    let mut any = false;
    for _ in 0..MAX_FETCHES {
        let Some(fetch) = policy.due(now) else { break };
        any = true;
        let source = fetch.source.clone();
        let outcome = match keys {
            _ if fetch.body.is_some() => Err("not asked for: nothing is linked here".to_owned()),
            KeySupply::Fetched(fetcher) => perform(Arc::clone(fetcher), fetch).await.1,
            KeySupply::Set(set) => Ok(from_set(policy, &fetch, set, now)),
        };
        policy.fetched(&source, outcome, now.mono_ms, now);
    }
    any
}

/// What an issuer would answer whose set is at hand: its discovery document, then the set.
fn from_set(policy: &Policy, fetch: &Fetch, set: &[u8], now: Now) -> Answer {
    let issuer = fetch.url.strip_suffix(DISCOVERY).and_then(|base| {
        let sources = policy.key_sources(now).into_iter().map(|source| source.issuer);
        sources
            .into_iter()
            .find(|issuer| issuer.trim_end_matches('/') == base.trim_end_matches('/'))
    });
    let document = issuer.map(|issuer| {
        let keys = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
        json!({ "issuer": issuer, "jwks_uri": keys }).to_string().into_bytes()
    });
    Answer { status: 200, headers: Vec::new(), body: document.unwrap_or_else(|| set.to_vec()) }
}

/// `OpenID` Connect Discovery 1.0 section 4.
const DISCOVERY: &str = ".well-known/openid-configuration";
