//! What the hosts are asked.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use super::issuer::{Algorithm, Issuer};
use crate::client::Call;
use crate::{Attempt, policy};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Passed on: the path is checked, and nothing else.
    Pass,
    /// Unlinking without a token.
    Bare,
    /// Unlinking from another user's account, with one and the same token.
    Mismatch,
    /// Unlinking, with one and the same token.
    Again,
    /// Unlinking, each with a token that was never seen.
    First(Algorithm),
    /// Linking, each with two tokens that were never seen.
    Link,
}

impl Work {
    pub(super) const ALL: [Self; 9] = [
        Self::Pass,
        Self::Bare,
        Self::Mismatch,
        Self::Again,
        Self::First(Algorithm::Rs256),
        Self::First(Algorithm::Ps256),
        Self::First(Algorithm::Es256),
        Self::First(Algorithm::EdDsa),
        Self::Link,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Bare => "refused, no token",
            Self::Mismatch => "refused, another's account",
            Self::Again => "unlink, same token",
            Self::First(Algorithm::Rs256) => "unlink, new RS256 token each",
            Self::First(Algorithm::Ps256) => "unlink, new PS256 token each",
            Self::First(Algorithm::Es256) => "unlink, new ES256 token each",
            Self::First(Algorithm::EdDsa) => "unlink, new EdDSA token each",
            Self::Link => "link, two new RS256 tokens each",
        }
    }

    /// The status of the upstream's own answer.
    pub(super) fn granted(self) -> u16 {
        if self == Self::Link { 201 } else { 200 }
    }

    /// The status that its sender deserves.
    pub(super) fn deserved(self) -> u16 {
        match self {
            Self::Bare => 401,
            Self::Mismatch => 403,
            Self::Pass | Self::Again | Self::First(_) | Self::Link => self.granted(),
        }
    }
}

/// The calls of a row in one round: the same for every host.
pub(super) struct Workload {
    calls: Vec<Call>,
}

/// Subjects that tokens are issued to.
const SUBJECTS: usize = 64;

impl Workload {
    /// Makes the calls: `count` of them where each differs. `batch` has to differ from one workload to the next, so
    /// that no host has seen their tokens.
    pub(super) async fn of(
        work: Work,
        issuer: &Arc<Issuer>,
        batch: usize,
        count: usize,
    ) -> Attempt<Self> {
        let token = || issuer.access(Algorithm::Rs256, &subject(0), "the same");
        let calls = match work {
            Work::Pass => vec![bare(Method::GET, format!("{}/jwks.json", policy::PASS))],
            Work::Bare => vec![unlink(&user(0), None)],
            Work::Again => vec![unlink(&user(0), Some(&token()?))],
            Work::Mismatch => vec![unlink(&user(1), Some(&token()?))],
            Work::First(algorithm) => {
                let new = move |issuer: &Issuer, nth| {
                    let jti = format!("{batch}-{nth}");
                    Ok(unlink(&user(nth), Some(&issuer.access(algorithm, &subject(nth), &jti)?)))
                };
                each(issuer, count, new).await?
            }
            Work::Link => each(issuer, count, move |issuer, nth| link(issuer, batch, nth)).await?,
        };
        Ok(Self { calls })
    }

    pub(super) fn call(&self, nth: usize) -> Attempt<&Call> {
        let wrapped = nth.checked_rem(self.calls.len()).and_then(|nth| self.calls.get(nth));
        wrapped.ok_or_else(|| "no calls".to_owned())
    }
}

fn subject(nth: usize) -> String {
    format!("auth0|bench-{}", nth % SUBJECTS)
}

/// A subject as a segment of a path.
fn user(nth: usize) -> String {
    format!("auth0%7Cbench-{}", nth % SUBJECTS)
}

fn bare(method: Method, target: String) -> Call {
    Call { method, target, headers: Vec::new(), body: Bytes::new() }
}

fn unlink(user: &str, token: Option<&str>) -> Call {
    let target = format!("/api/v2/users/{user}/identities/google-oauth2/1");
    let mut call = bare(Method::DELETE, target);
    call.headers.extend(token.map(|token| (AUTHORIZATION, format!("Bearer {token}"))));
    call
}

fn link(issuer: &Issuer, batch: usize, nth: usize) -> Attempt<Call> {
    let jti = format!("link-{batch}-{nth}");
    let bearer = issuer.access(Algorithm::Rs256, &subject(nth), &jti)?;
    let secondary = issuer.id(&format!("google-oauth2|{nth}"), &jti)?;
    let mut call = bare(Method::POST, format!("/api/v2/users/{}/identities", user(nth)));
    call.headers.push((AUTHORIZATION, format!("Bearer {bearer}")));
    call.headers.push((CONTENT_TYPE, "application/json".to_owned()));
    call.body = json!({ "link_with": secondary }).to_string().into();
    Ok(call)
}

/// Makes calls on all cores: an RSA signature is half a millisecond.
async fn each(
    issuer: &Arc<Issuer>,
    count: usize,
    call: impl Fn(&Issuer, usize) -> Attempt<Call> + Copy + Send + 'static,
) -> Attempt<Vec<Call>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut signing = tokio::task::JoinSet::new();
    for first in 0..cores {
        let issuer = Arc::clone(issuer);
        signing.spawn_blocking(move || {
            let nths = (first..count).step_by(cores);
            nths.map(|nth| call(&issuer, nth)).collect::<Attempt<Vec<_>>>()
        });
    }
    let mut calls = Vec::with_capacity(count);
    for signed in signing.join_all().await {
        calls.extend(signed?);
    }
    Ok(calls)
}
