//! Why a step refused, in words.

use linkgate_policy::denial::{Denial, TokenFlaw};
use linkgate_policy::{Cause, Reason};

/// What the client reads, and the finer cause.
pub(super) fn refused(cause: Cause) -> String {
    let text = |reason: Reason| reason.row().text;
    match cause {
        Cause::Denied(denial @ (Denial::Bearer(flaw) | Denial::Secondary(flaw))) => {
            format!(
                "{}: {}",
                cause.name(),
                flaw_in_words(flaw).unwrap_or_else(|| text(denial.reason()))
            )
        }
        Cause::Denied(denial) => format!("{}: {}", cause.name(), text(denial.reason())),
        Cause::Failed(fault) => format!("{}: {}", cause.name(), text(fault.reason())),
        Cause::Granted
        | Cause::LinkFound
        | Cause::Preflight
        | Cause::Passed
        | Cause::Shadowed
        | Cause::Unfinished => cause.name(),
    }
}

/// The flaws that people meet, in words; the client reads one text for all of them.
fn flaw_in_words(flaw: TokenFlaw) -> Option<&'static str> {
    match flaw {
        TokenFlaw::IssuerUnknown => Some("`iss` is none of the policy's issuers"),
        TokenFlaw::IssuerMismatch => Some("`iss` is not the bearer's issuer"),
        TokenFlaw::AlgorithmRefused => Some("`alg` is none of the policy's algorithms"),
        TokenFlaw::Expired => Some("`exp` is past"),
        TokenFlaw::NotYetValid => Some("`nbf` is ahead"),
        TokenFlaw::IssuedAhead => Some("`iat` is ahead"),
        TokenFlaw::AudienceMismatch => Some("`aud` is none that is accepted here"),
        TokenFlaw::AudienceSeveral => Some("`aud` has more than one value"),
        TokenFlaw::KeyUnknown => {
            Some("no key of the issuer has this `kid`, or none fits the algorithm")
        }
        TokenFlaw::SignatureInvalid => Some("the signature does not verify"),
        TokenFlaw::NotCompactJws => Some("it is no signed token of three parts"),
        TokenFlaw::TypeMismatch => Some("`typ` is not the one that the policy asks for"),
        TokenFlaw::SubjectMissing => Some("it has no `sub`"),
        TokenFlaw::ClientMissing => Some("it has no client claim"),
        TokenFlaw::TooLong
        | TokenFlaw::HeaderNotJson
        | TokenFlaw::HeaderDuplicate
        | TokenFlaw::HeaderType
        | TokenFlaw::HeaderCrit
        | TokenFlaw::ClaimsNotJson
        | TokenFlaw::ClaimsDuplicate
        | TokenFlaw::ClaimType
        | TokenFlaw::IssuerMissing
        | TokenFlaw::ExpiryMissing
        | TokenFlaw::AudienceMissing
        | TokenFlaw::KeyAmbiguous
        | TokenFlaw::EventToken
        | TokenFlaw::AgeUnknown => None,
    }
}
