//! What the hosts are asked.

use std::sync::Arc;

use serde_json::json;

use crate::drive::Calls;
use crate::issuer::{Algorithm, Issuer};
use crate::wire::{request, unlink};
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

/// Subjects that tokens are issued to.
const SUBJECTS: usize = 64;

/// The calls of a row in one round, the same for every host: `count` of them where each differs. `batch` has to differ
/// from one round to the next, so that no host has seen their tokens.
pub(super) async fn calls(
    work: Work,
    issuer: &Arc<Issuer>,
    batch: usize,
    count: usize,
) -> Attempt<Calls> {
    let token = || issuer.access(Algorithm::Rs256, &subject(0), "the same");
    let calls = match work {
        Work::Pass => vec![request("GET", &format!("{}/jwks.json", policy::PASS), "", "")],
        Work::Bare => vec![unlink(&user(0), None)],
        Work::Again => vec![unlink(&user(0), Some(&token()?))],
        Work::Mismatch => vec![unlink(&user(1), Some(&token()?))],
        Work::First(algorithm) => {
            let new = move |issuer: &Issuer, nth| {
                let jti = format!("{batch}-{nth}");
                Ok(unlink(&user(nth), Some(&issuer.access(algorithm, &subject(nth), &jti)?)))
            };
            return Calls::made(issuer, count, new).await;
        }
        Work::Link => {
            return Calls::made(issuer, count, move |issuer, nth| link(issuer, batch, nth)).await;
        }
    };
    Ok(Calls::new(calls))
}

fn subject(nth: usize) -> String {
    format!("auth0|bench-{}", nth % SUBJECTS)
}

/// A subject as a segment of a path.
fn user(nth: usize) -> String {
    format!("auth0%7Cbench-{}", nth % SUBJECTS)
}

fn link(issuer: &Issuer, batch: usize, nth: usize) -> Attempt<Vec<u8>> {
    let jti = format!("link-{batch}-{nth}");
    let bearer = issuer.access(Algorithm::Rs256, &subject(nth), &jti)?;
    let secondary = issuer.id(&format!("google-oauth2|{nth}"), &jti)?;
    let body = json!({ "link_with": secondary }).to_string();
    let fields = format!(
        "authorization: Bearer {bearer}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    Ok(request("POST", &format!("/api/v2/users/{}/identities", user(nth)), &fields, &body))
}
