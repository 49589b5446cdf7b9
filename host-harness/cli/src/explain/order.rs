//! The order in which a request is checked: which step decides which cause.

use linkgate_policy::Cause;
use linkgate_policy::cause::{Denial, Fault, Flaw};

use super::steps::Stage;

/// The step that decides a cause.
pub(super) fn stage_of(cause: Cause, has_subject: bool) -> Stage {
    match cause {
        Cause::Granted | Cause::LinkFound | Cause::Passed | Cause::Shadowed | Cause::Unfinished => {
            Stage::Forward
        }
        Cause::Preflight => Stage::Route,
        Cause::Denied(Denial::Request(flaw)) => stage_of_flaw(flaw),
        Cause::Denied(Denial::Bearer(_)) => Stage::Token,
        Cause::Denied(Denial::Secondary(_)) => Stage::LinkWith,
        Cause::Failed(fault) => stage_of_fault(fault, has_subject),
    }
}

/// Whether a flaw is found by calls of a merge: the link was permitted.
pub(crate) fn is_of_a_merge(flaw: Flaw) -> bool {
    stage_of_flaw(flaw) == Stage::Metadata
}

/// Whether a flaw is found before a token is looked for.
pub(crate) fn is_of_the_route(flaw: Flaw) -> bool {
    stage_of_flaw(flaw) == Stage::Route
}

fn stage_of_flaw(flaw: Flaw) -> Stage {
    match flaw {
        Flaw::Connect
        | Flaw::Upgrade
        | Flaw::ConnectionNamesHeader
        | Flaw::HeaderMalformed
        | Flaw::TargetForm
        | Flaw::TargetTooLong
        | Flaw::PathFragment
        | Flaw::PathRawControl
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
        | Flaw::RouteUnknown => Stage::Route,
        Flaw::BearerMissing | Flaw::BearerSeveral | Flaw::BearerDpop | Flaw::BearerSyntax => {
            Stage::Bearer
        }
        Flaw::BearerTooOld
        | Flaw::BearerOfMachine
        | Flaw::BearerOfActor
        | Flaw::BearerNotOfUser
        | Flaw::BearerBound
        | Flaw::BearerScope
        | Flaw::BearerClientIsAudience
        | Flaw::BearerStepUp => Stage::Token,
        Flaw::SubjectMismatch => Stage::Subject,
        Flaw::BodyEncoded
        | Flaw::BodyType
        | Flaw::BodyTooLarge
        | Flaw::BodyFailed
        | Flaw::BodyMalformed
        | Flaw::BodyDuplicate
        | Flaw::BodyMembers
        | Flaw::LinkByUserId => Stage::Body,
        Flaw::SecondaryOfMachine
        | Flaw::SecondaryOfActor
        | Flaw::SecondaryNotOfUser
        | Flaw::SecondaryTooOld
        | Flaw::SecondaryEmail
        | Flaw::SecondaryEmailUnclear
        | Flaw::SameAccount => Stage::LinkWith,
        Flaw::PrimaryGone
        | Flaw::SecondaryGone
        | Flaw::MetadataConflict
        | Flaw::MetadataKeyForbidden
        | Flaw::MetadataTooLarge
        | Flaw::MetadataTooDeep
        | Flaw::MetadataChanging
        | Flaw::AccountNotFound
        | Flaw::MetadataNotText
        | Flaw::MetadataNotTaken => Stage::Metadata,
    }
}

fn stage_of_fault(fault: Fault, has_subject: bool) -> Stage {
    match fault {
        Fault::KeysUnavailable | Fault::KeyUndecided | Fault::KeysBusy if has_subject => {
            Stage::LinkWith
        }
        Fault::KeysUnavailable | Fault::KeyUndecided | Fault::KeysBusy => Stage::Token,
        Fault::LinksBusy
        | Fault::ServiceTokenUnavailable
        | Fault::MetadataReadFailed
        | Fault::MetadataRefused
        | Fault::MetadataLimited
        | Fault::MetadataLate
        | Fault::MetadataWriteUnknown
        | Fault::MetadataReplaced
        | Fault::MergingSuspended => Stage::Metadata,
        Fault::OutOfOrder
        | Fault::LinkOutcomeUnknown
        | Fault::UpstreamUnreachable
        | Fault::UpstreamUnknown => Stage::Forward,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use linkgate_cases::{Native, Scene, Suite, run};

    /// What the record of every case of the suite holds tells how far it came.
    #[test]
    fn every_case_came_as_far_as_its_cause_says() {
        let suite =
            Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")).unwrap();
        let mut native = Native::default();
        for named in &suite.cases {
            let scene = Scene::prepare(&suite, &named.case).unwrap();
            let record = run(&mut native, &scene).unwrap().record;
            // What a policy in shadow would have decided, it has checked as far as that.
            let shadow = record.shadow.as_ref().map(|shadow| shadow.cause.as_str());
            let decided = shadow.unwrap_or(&record.cause);
            let cause = Cause::all().find(|cause| cause.name() == decided).unwrap();
            let stage = stage_of(cause, record.subject.is_some());
            let is_guarded = ["link", "unlink", "profile"].contains(&record.route.as_str());
            let is_verified = record.subject.is_some();
            let name = &named.name;
            assert!(!is_guarded || stage <= Stage::Token || is_verified, "{name}: {stage:?}");
            assert!(stage >= Stage::Token || !is_verified, "{name}: {stage:?} and yet a subject");
            let has_second = record.secondary.is_some();
            assert!(record.route != "link" || stage <= Stage::LinkWith || has_second, "{name}");
            assert!(
                stage >= Stage::LinkWith || !has_second,
                "{name}: {stage:?} and yet a secondary"
            );
        }
        assert!(suite.cases.len() > 300, "the suite is found");
    }
}
