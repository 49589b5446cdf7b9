//! What the hosts are asked.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::json;

use crate::client::Call;
use crate::mint::Mint;
use crate::{Attempt, policy};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Passed on: the path is checked, and nothing else. Without policy, so to speak.
    Pass,
    /// Unlinking, each with a token that was never seen.
    First,
    /// Unlinking, with one and the same token.
    Again,
    /// Unlinking without a token.
    Bare,
    /// Unlinking from somebody else, with one and the same token.
    Mismatch,
}

/// The calls of a row.
pub(super) struct Workload {
    calls: Vec<Call>,
    pub(super) status: u16,
}

/// Subjects that tokens are issued to.
const SUBJECTS: usize = 64;

impl Work {
    pub(super) const ALL: [Self; 5] =
        [Self::Pass, Self::Bare, Self::Mismatch, Self::Again, Self::First];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::First => "unlink, new token each",
            Self::Again => "unlink, same token",
            Self::Bare => "refused, no token",
            Self::Mismatch => "refused, another's account",
        }
    }
}

impl Workload {
    /// Makes the calls: `count` of them where each differs.
    pub(super) async fn of(work: Work, mint: &Arc<Mint>, count: usize) -> Attempt<Self> {
        let unlink = |subject: &str, token: &str| Call {
            method: Method::DELETE,
            target: format!("/api/v2/users/{subject}/identities/google-oauth2/1"),
            headers: vec![(AUTHORIZATION, format!("Bearer {token}"))],
            body: Bytes::new(),
        };
        let one = |call: Call, status| Ok(Self { calls: vec![call], status });
        match work {
            Work::Pass => one(bare(Method::GET, format!("{}/jwks.json", policy::PASS)), 200),
            Work::Bare => one(bare(Method::DELETE, unlink("auth0%7Cbench-0", "").target), 401),
            Work::Again => one(unlink("auth0%7Cbench-0", &token(mint, 0)?), 200),
            Work::Mismatch => one(unlink("auth0%7Cbench-1", &token(mint, 0)?), 403),
            Work::First => {
                let calls = tokens(mint, count).await?.into_iter().map(|(nth, token)| {
                    unlink(&format!("auth0%7Cbench-{}", nth % SUBJECTS), &token)
                });
                Ok(Self { calls: calls.collect(), status: 200 })
            }
        }
    }

    pub(super) fn call(&self, nth: usize) -> Attempt<&Call> {
        let wrapped = nth.checked_rem(self.calls.len()).and_then(|nth| self.calls.get(nth));
        wrapped.ok_or_else(|| "no calls".to_owned())
    }
}

fn bare(method: Method, target: String) -> Call {
    Call { method, target, headers: Vec::new(), body: Bytes::new() }
}

fn token(mint: &Mint, nth: usize) -> Attempt<String> {
    mint.access(&format!("auth0|bench-{}", nth % SUBJECTS), &json!({ "jti": nth.to_string() }))
}

/// Signs on all cores: a signature is half a millisecond.
async fn tokens(mint: &Arc<Mint>, count: usize) -> Attempt<Vec<(usize, String)>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut signing = tokio::task::JoinSet::new();
    for first in 0..cores {
        let mint = Arc::clone(mint);
        signing.spawn_blocking(move || {
            let nths = (first..count).step_by(cores);
            nths.map(|nth| Ok((nth, token(&mint, nth)?))).collect::<Attempt<Vec<_>>>()
        });
    }
    let mut tokens = Vec::with_capacity(count);
    for signed in signing.join_all().await {
        tokens.extend(signed?);
    }
    Ok(tokens)
}
