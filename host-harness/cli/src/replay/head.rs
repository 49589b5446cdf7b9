//! What the head of a request decides by itself: its route, its method, whether it is a preflight.
//!
//! A log has the method and the path. The query and the header lines are not in it, so a head is tried in each way that
//! the log leaves open. What comes out in the same way each time is judged, and all else is not.

use linkgate_policy::cause::Flaw;
use linkgate_policy::{Cause, Denial, Head, Header};

use super::Why;
use super::record::Logged;
use crate::explain::is_of_the_route;

/// How far the head brings a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is decided.
    Decided(Cause),
    /// Its token decides.
    Token,
}

/// A bearer is asked for of a request that has none.
const ASKED_FOR: Cause = Cause::Denied(Denial::Request(Flaw::BearerMissing));

impl Place {
    /// The place of a decision.
    pub(super) fn of(cause: Cause) -> Self {
        if is_by_the_head(cause) { Self::Decided(cause) } else { Self::Token }
    }

    /// The place of a head that was tried without a token.
    pub(super) fn tried(cause: Cause) -> Self {
        if cause == ASKED_FOR { Self::Token } else { Self::Decided(cause) }
    }

    /// How open it is: of several that are possible, the report shows the one that lets most through.
    pub(super) fn openness(self) -> u8 {
        match self {
            Self::Decided(Cause::Passed) => 3,
            Self::Token => 2,
            Self::Decided(Cause::Preflight) => 1,
            Self::Decided(_) => 0,
        }
    }
}

fn is_by_the_head(cause: Cause) -> bool {
    match cause {
        Cause::Passed | Cause::Preflight => true,
        Cause::Denied(Denial::Request(flaw)) => is_of_the_route(flaw),
        Cause::Denied(Denial::Bearer(_) | Denial::Secondary(_))
        | Cause::Granted
        | Cause::LinkFound
        | Cause::Shadowed
        | Cause::Failed(_)
        | Cause::Unfinished => false,
    }
}

/// What is wrong with the request itself.
pub(super) fn flaw_of(cause: Cause) -> Option<Flaw> {
    if let Cause::Denied(Denial::Request(flaw)) = cause { Some(flaw) } else { None }
}

/// Whether every policy refuses the request for this, whatever its rules are.
pub(super) fn is_of_any_policy(was: Cause, method: &str) -> bool {
    let Some(flaw) = flaw_of(was) else { return false };
    let is_first = matches!(
        flaw,
        Flaw::Connect | Flaw::Upgrade | Flaw::ConnectionNamesHeader | Flaw::HeaderMalformed
    );
    // A preflight for a path that cannot be read is answered under some policies.
    is_first || (is_unreadable(flaw) && method != "OPTIONS")
}

/// Whether a target was refused before any rule was read, in a way that its path alone does not show.
fn is_unreadable(flaw: Flaw) -> bool {
    matches!(
        flaw,
        Flaw::TargetForm
            | Flaw::TargetTooLong
            | Flaw::PathFragment
            | Flaw::PathRawControl
            | Flaw::PathNotUtf8
    )
}

/// The heads that a line of the log may be of. None of them has a token.
pub(super) fn heads(logged: &Logged, was: Cause) -> Result<Vec<Head>, Why> {
    if flaw_of(was).is_some_and(is_unreadable) {
        return Err(Why::Head);
    }
    let target = logged.target()?;
    let method = &logged.line.method;
    let with = |query: &str, is_preflight: bool| {
        let mut headers = Vec::new();
        if is_preflight {
            headers.push(Header::new("access-control-request-method", "POST"));
        }
        if flaw_of(was) == Some(Flaw::PathOverride) {
            headers.push(Header::new("x-original-url", "/"));
        }
        let target = [&target, query.as_bytes()].concat();
        Head { method: method.clone(), target, headers, peer: None }
    };
    let kinds = preflights(was, method);
    let all = queries(was).iter().flat_map(|query| kinds.iter().map(move |kind| (query, *kind)));
    Ok(all.map(|(query, kind)| with(query, kind)).collect())
}

/// The queries that a request may have had of which this was decided: those that some policy judges in another way.
fn queries(was: Cause) -> &'static [&'static str] {
    let flaw = flaw_of(was);
    let is = |one| flaw == Some(one);
    if was == Cause::Passed || is(Flaw::RouteUnknown) || is(Flaw::PathOverride) {
        &["", "?request=x"]
    } else if is(Flaw::RequestObject) {
        &["?request=x"]
    } else if is(Flaw::LegacyLinking) {
        &["?access_token=x"]
    } else if is(Flaw::PathQuery) {
        &["?x=1", "?fields=user_id"]
    } else {
        &[""]
    }
}

/// Whether it may have been a preflight. Of a guarded resource, preflights are parted from all else first.
fn preflights(was: Cause, method: &str) -> &'static [bool] {
    let flaw = flaw_of(was);
    let is_guarded = flaw.is_some_and(|flaw| {
        matches!(flaw, Flaw::RouteMethod | Flaw::RouteNeighbour | Flaw::ProfileOff)
    });
    if was == Cause::Preflight || flaw == Some(Flaw::PreflightOff) {
        &[true]
    } else if method == "OPTIONS" && is_by_the_head(was) && !is_guarded {
        &[false, true]
    } else {
        &[false]
    }
}
