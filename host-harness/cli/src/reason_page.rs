//! The page of each reason code: what it means, what the client sees, how to fix it.
//!
//! The pages are written in `docs/reasons`, but for what the client sees: that is the code's own, and is between two
//! remarks.

pub(crate) mod json;

use linkgate_policy::reason::{Challenge, STEP_UP};
use linkgate_policy::{Cause, PROBLEM_TYPE, Reason};

/// A reason as people give it: its code, the `type` of a problem, or the cause that the log has.
#[must_use]
pub fn find(given: &str) -> Option<Reason> {
    let code = given.strip_prefix(PROBLEM_TYPE).unwrap_or(given);
    let of_cause = || Cause::all().find(|cause| cause.name() == code).map(Cause::reason_code);
    let by_name = |name: &str| Reason::ALL.iter().copied().find(|reason| reason.name() == name);
    by_name(code).or_else(|| of_cause().and_then(by_name))
}

/// The causes that lead to it, as the log has them.
#[must_use]
pub fn causes(reason: Reason) -> Vec<String> {
    Cause::all().filter(|cause| cause.reason_code() == reason.name()).map(Cause::name).collect()
}

/// The page with what the code knows written anew, or none where it has no place for it.
#[must_use]
pub fn renewed(page: &str, reason: Reason) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{after}", facts(reason)))
}

/// For a reader who is no browser: the page without its remarks.
#[must_use]
pub fn plain(reason: Reason) -> String {
    page(reason).replace(BEGIN, "").replace(END, "").replace("\n\n\n", "\n\n")
}

const BEGIN: &str = "<!-- from the code -->\n";
const END: &str = "<!-- end -->\n";

/// What to do about a cause, in words: the row of its own where the page has one for each, else what holds for all.
#[must_use]
pub fn fix(reason: Reason, cause: &str) -> String {
    let (_, fix) = page(reason).split_once(FIX).unwrap_or_default();
    own_fix(fix, cause).unwrap_or_else(|| {
        let words = fix.lines().take_while(|line| !line.starts_with('|') && !line.starts_with('#'));
        words.collect::<Vec<_>>().join(" ").trim().to_owned()
    })
}

/// The page as people asked for it: by a cause that has a row of its own, that row comes first.
#[must_use]
pub fn asked(reason: Reason, given: &str) -> String {
    let (_, fix) = page(reason).split_once(FIX).unwrap_or_default();
    let own = own_fix(fix, given).map(|own| format!("`{given}`: {own}\n\n"));
    own.unwrap_or_default() + &plain(reason)
}

fn own_fix(fix: &str, cause: &str) -> Option<String> {
    let row = format!("| `{cause}` | ");
    let own = fix.lines().find_map(|line| line.strip_prefix(&row)?.strip_suffix(" |"));
    own.map(str::to_owned).or_else(|| item(fix, cause))
}

/// The item of a list that is about a cause, its further lines with it.
fn item(fix: &str, cause: &str) -> Option<String> {
    let begin = format!("- `{cause}`: ");
    let mut lines = fix.lines().skip_while(|line| !line.starts_with(&begin));
    let first = lines.next()?.strip_prefix(&begin)?;
    let further = lines.take_while(|line| line.starts_with("  ")).map(str::trim);
    Some(std::iter::once(first).chain(further).collect::<Vec<_>>().join(" "))
}

const FIX: &str = "## How to fix it\n";

/// What the client sees.
fn facts(reason: Reason) -> String {
    let row = reason.wire();
    let retry = row.retry_after_s.map(|seconds| {
        format!("- `Retry-After: {seconds}`, unless the gate knows a better time\n")
    });
    let challenge = challenge(row.challenge).map(|text| format!("- `WWW-Authenticate: {text}`\n"));
    let causes: Vec<String> = causes(reason).iter().map(|cause| format!("`{cause}`")).collect();
    format!(
        "> {}\n\n- status {}\n{}{}- `type`: `{PROBLEM_TYPE}{}`\n- `errorCode`: `{}`\n\nThe log has one of these causes: {}.\n",
        row.text,
        row.status,
        challenge.unwrap_or_default(),
        retry.unwrap_or_default(),
        reason.name(),
        row.error_code,
        causes.join(", "),
    )
}

/// Without the description, which is the text.
fn challenge(challenge: Challenge) -> Option<String> {
    match challenge {
        Challenge::Unsaid => None,
        Challenge::Bare => Some("Bearer realm=\"linkgate\"".to_owned()),
        Challenge::StepUp => Some(format!(
            "Bearer realm=\"linkgate\", error=\"{STEP_UP}\", acr_values=\"…\", max_age=\"…\""
        )),
        Challenge::Error(error) => Some(format!("Bearer realm=\"linkgate\", error=\"{error}\"")),
    }
}

/// Its page, as it is in the repository.
#[must_use]
pub fn page(reason: Reason) -> &'static str {
    match reason {
        Reason::RequestMalformed => include_str!("../../../docs/reasons/request-malformed.md"),
        Reason::PathRefused => include_str!("../../../docs/reasons/path-refused.md"),
        Reason::EncodedSlash => include_str!("../../../docs/reasons/encoded-slash.md"),
        Reason::RouteRefused => include_str!("../../../docs/reasons/route-refused.md"),
        Reason::RouteUnknown => include_str!("../../../docs/reasons/route-unknown.md"),
        Reason::BearerMissing => include_str!("../../../docs/reasons/bearer-missing.md"),
        Reason::BearerMalformed => include_str!("../../../docs/reasons/bearer-malformed.md"),
        Reason::BearerTooLong => include_str!("../../../docs/reasons/bearer-too-long.md"),
        Reason::BearerEncrypted => include_str!("../../../docs/reasons/bearer-encrypted.md"),
        Reason::BearerInvalid => include_str!("../../../docs/reasons/bearer-invalid.md"),
        Reason::BearerOfAnotherKind => {
            include_str!("../../../docs/reasons/bearer-of-another-kind.md")
        }
        Reason::BearerOfMachine => include_str!("../../../docs/reasons/bearer-of-machine.md"),
        Reason::BearerOfActor => include_str!("../../../docs/reasons/bearer-of-actor.md"),
        Reason::BearerBound => include_str!("../../../docs/reasons/bearer-bound.md"),
        Reason::StepUpNeeded => include_str!("../../../docs/reasons/step-up-needed.md"),
        Reason::ScopeInsufficient => include_str!("../../../docs/reasons/scope-insufficient.md"),
        Reason::ClientRefused => include_str!("../../../docs/reasons/client-refused.md"),
        Reason::SubjectMismatch => include_str!("../../../docs/reasons/subject-mismatch.md"),
        Reason::BodyTypeUnsupported => {
            include_str!("../../../docs/reasons/body-type-unsupported.md")
        }
        Reason::BodyTooLarge => include_str!("../../../docs/reasons/body-too-large.md"),
        Reason::BodyFailed => include_str!("../../../docs/reasons/body-failed.md"),
        Reason::BodyInvalid => include_str!("../../../docs/reasons/body-invalid.md"),
        Reason::LinkByUserIdRefused => {
            include_str!("../../../docs/reasons/link-by-user-id-refused.md")
        }
        Reason::LinkWithTooLong => include_str!("../../../docs/reasons/link-with-too-long.md"),
        Reason::LinkWithEncrypted => {
            include_str!("../../../docs/reasons/link-with-encrypted.md")
        }
        Reason::LinkWithInvalid => include_str!("../../../docs/reasons/link-with-invalid.md"),
        Reason::LinkWithOfActor => include_str!("../../../docs/reasons/link-with-of-actor.md"),
        Reason::LinkWithTooOld => include_str!("../../../docs/reasons/link-with-too-old.md"),
        Reason::LinkWithEmailUnverified => {
            include_str!("../../../docs/reasons/link-with-email-unverified.md")
        }
        Reason::SameAccount => include_str!("../../../docs/reasons/same-account.md"),
        Reason::PrimaryGone => include_str!("../../../docs/reasons/primary-gone.md"),
        Reason::SecondaryGone => include_str!("../../../docs/reasons/secondary-gone.md"),
        Reason::MetadataConflict => include_str!("../../../docs/reasons/metadata-conflict.md"),
        Reason::MetadataUnmergeable => {
            include_str!("../../../docs/reasons/metadata-unmergeable.md")
        }
        Reason::MetadataChanging => include_str!("../../../docs/reasons/metadata-changing.md"),
        Reason::GateUnavailable => include_str!("../../../docs/reasons/gate-unavailable.md"),
        Reason::KeysUnavailable => include_str!("../../../docs/reasons/keys-unavailable.md"),
        Reason::LinksBusy => include_str!("../../../docs/reasons/links-busy.md"),
        Reason::MetadataUnavailable => {
            include_str!("../../../docs/reasons/metadata-unavailable.md")
        }
        Reason::AccountNotFound => include_str!("../../../docs/reasons/account-not-found.md"),
        Reason::MetadataNotTaken => {
            include_str!("../../../docs/reasons/metadata-not-taken.md")
        }
        Reason::UpstreamReplaces => include_str!("../../../docs/reasons/upstream-replaces.md"),
        Reason::MetadataRefused => include_str!("../../../docs/reasons/metadata-refused.md"),
        Reason::MetadataLimited => include_str!("../../../docs/reasons/metadata-limited.md"),
        Reason::MetadataOutcomeUnknown => {
            include_str!("../../../docs/reasons/metadata-outcome-unknown.md")
        }
        Reason::LinkOutcomeUnknown => {
            include_str!("../../../docs/reasons/link-outcome-unknown.md")
        }
        Reason::UpstreamUnreachable => {
            include_str!("../../../docs/reasons/upstream-unreachable.md")
        }
        Reason::UpstreamOutcomeUnknown => {
            include_str!("../../../docs/reasons/upstream-outcome-unknown.md")
        }
    }
}
