//! Shadow mode: what is let through although the policy says no, and what never is.
//!
//! ```text
//!  decided, whole ─▶ may it pass? ─▶ the client's own request, unchanged ─▶ upstream
//!                        └─ no ─▶ the reply there would have been
//! ```
//!
//! It comes last: whatever can be decided has been, the body included. What passes has no permit, so
//! nothing that takes one can have forwarded it.

use crate::rules::shadow::{LONGEST_MS, ShadowRules};
use crate::time::clock::Now;
use crate::time::timestamp::Time;
use crate::verdict::cause::{Cause, Denial, Fault, Flaw};

impl ShadowRules {
    /// Whether it is in shadow at this moment.
    ///
    /// A document was refused whose end lay further ahead, so a clock that says so has lost its date:
    /// then it enforces.
    fn is_in_force(self, unix_ms: u64) -> bool {
        let left_ms = self.until_ms.saturating_sub(unix_ms);
        (1..=LONGEST_MS).contains(&left_ms)
    }

    /// Whether a request of which this was decided passes now.
    pub(crate) fn lets_through(self, decided: Cause, now: Now) -> bool {
        self.is_in_force(now.unix_ms) && may_pass(decided)
    }
}

/// What a policy does not enforce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// Until when every request is let through, in Unix milliseconds, where the whole policy is in
    /// shadow.
    pub until_unix_ms: Option<u64>,
    /// The rules that are logged and not enforced, as `issuers[0].scopes`.
    pub rules: Vec<String>,
}

impl Shadow {
    /// What an operator reads when a gate starts, a line each.
    #[must_use]
    pub fn notices(&self, unix_ms: u64) -> Vec<String> {
        let policy = self.until_unix_ms.map(|until_ms| {
            let until = Time { unix_ms: until_ms };
            if (ShadowRules { until_ms }).is_in_force(unix_ms) {
                format!("SHADOW MODE until {until}: every request is decided, logged and let through, whatever the decision")
            } else if until_ms > unix_ms {
                format!("shadow mode is not in force: its end {until} is too far ahead, is the clock right? The policy enforces")
            } else {
                format!("shadow mode ended at {until}: the policy enforces, and `shadow` can be taken out of it")
            }
        });
        let rules = (!self.rules.is_empty()).then(|| {
            format!("SHADOW MODE of rules, logged and not enforced: {}", self.rules.join(", "))
        });
        policy.into_iter().chain(rules).collect()
    }
}

/// Whether a request of which this was decided can pass.
fn may_pass(decided: Cause) -> bool {
    match decided {
        Cause::Granted
        | Cause::Preflight
        | Cause::Denied(Denial::Bearer(_) | Denial::Secondary(_)) => true,
        Cause::Denied(Denial::Request(flaw)) => flaw_may_pass(flaw),
        Cause::Failed(fault) => fault_may_pass(fault),
        Cause::LinkFound | Cause::Passed | Cause::Shadowed | Cause::Unfinished => false,
    }
}

/// What cannot be sent on unchanged is refused in shadow, too: a tunnel, a target or a header line that
/// HTTP has no place for, a body of which only a part was read.
fn flaw_may_pass(flaw: Flaw) -> bool {
    match flaw {
        Flaw::Connect
        | Flaw::HeaderMalformed
        | Flaw::TargetForm
        | Flaw::PathFragment
        | Flaw::PathRawControl
        | Flaw::BodyFailed
        // A tunnel would outlive the shadow, unseen.
        | Flaw::Upgrade
        // Found by calls of a merge, and in shadow there is none.
        | Flaw::PrimaryGone
        | Flaw::SecondaryGone
        | Flaw::MetadataConflict
        | Flaw::MetadataKeyForbidden
        | Flaw::MetadataTooLarge
        | Flaw::MetadataTooDeep
        | Flaw::MetadataChanging
        | Flaw::AccountNotFound
        | Flaw::MetadataNotText
        | Flaw::MetadataNotTaken => false,
        Flaw::ConnectionNamesHeader
        | Flaw::TargetTooLong
        | Flaw::PathBackslash
        | Flaw::PathEscapeMalformed
        | Flaw::PathEmptySegment
        | Flaw::PathDotSegment
        | Flaw::PathEncodedSlash
        | Flaw::PathControl
        | Flaw::PathNotUtf8
        | Flaw::PathQuery
        | Flaw::PathDisguised
        | Flaw::ProviderMalformed
        | Flaw::PathOverride
        | Flaw::LegacyLinking
        | Flaw::RequestObject
        | Flaw::RouteNeighbour
        | Flaw::RouteMethod
        | Flaw::ProfileOff
        | Flaw::PreflightOff
        | Flaw::RouteUnknown
        | Flaw::BearerMissing
        | Flaw::BearerSeveral
        | Flaw::BearerDpop
        | Flaw::BearerSyntax
        | Flaw::BearerTooOld
        | Flaw::BearerOfMachine
        | Flaw::BearerOfActor
        | Flaw::BearerNotOfUser
        | Flaw::BearerBound
        | Flaw::BearerScope
        | Flaw::BearerClientIsAudience
        | Flaw::BearerStepUp
        | Flaw::SubjectMismatch
        | Flaw::BodyEncoded
        | Flaw::BodyType
        | Flaw::BodyTooLarge
        | Flaw::BodyMalformed
        | Flaw::BodyDuplicate
        | Flaw::BodyMembers
        | Flaw::LinkByUserId
        | Flaw::SecondaryOfMachine
        | Flaw::SecondaryOfActor
        | Flaw::SecondaryNotOfUser
        | Flaw::SecondaryTooOld
        | Flaw::SecondaryEmail
        | Flaw::SecondaryEmailUnclear
        | Flaw::SameAccount => true,
    }
}

/// Missing keys are no reason to stop what nothing would stop. A driver that breaks the protocol is, and
/// so is an upstream that does not answer: there is nothing to let through to.
fn fault_may_pass(fault: Fault) -> bool {
    match fault {
        Fault::KeysUnavailable | Fault::KeyUndecided | Fault::KeysBusy => true,
        Fault::OutOfOrder
        | Fault::LinksBusy
        | Fault::ServiceTokenUnavailable
        | Fault::MetadataReadFailed
        | Fault::MetadataRefused
        | Fault::MetadataLimited
        | Fault::MetadataLate
        | Fault::MetadataWriteUnknown
        | Fault::MetadataReplaced
        | Fault::MergingSuspended
        | Fault::LinkOutcomeUnknown
        | Fault::UpstreamUnreachable
        | Fault::UpstreamUnknown => false,
    }
}
