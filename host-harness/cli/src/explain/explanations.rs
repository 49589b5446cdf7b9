//! Why a step refused, in words.

use linkgate_policy::cause::{Denial, TokenFlaw};
use linkgate_policy::{Cause, Reason};

/// What the client reads, and the finer cause, with the claim that it was refused for.
pub(super) fn refused(cause: Cause, claim: Option<&str>) -> String {
    let refused = in_words(cause);
    match claim {
        Some(claim) if !refused.contains(&format!("`{claim}`")) => {
            format!("{refused} (the claim is `{claim}`)")
        }
        Some(_) | None => refused,
    }
}

fn in_words(cause: Cause) -> String {
    let text = |reason: Reason| reason.wire().text;
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
        TokenFlaw::AudienceSeveral => {
            Some("`aud` names one that is accepted here, and another that is not known beside it")
        }
        TokenFlaw::PartyMismatch => Some("`azp` is not the client that it has to be"),
        TokenFlaw::KeyUnknown => {
            Some("no key of the issuer has this `kid`, or none fits the algorithm")
        }
        TokenFlaw::SignatureInvalid => Some("the signature does not verify"),
        TokenFlaw::NotCompactJws => Some("it is no signed token of three parts"),
        TokenFlaw::ClaimType => {
            Some("a claim that a rule reads has a type that the rule cannot read")
        }
        TokenFlaw::TypeMismatch => Some("the header `typ` is that of another kind of token"),
        TokenFlaw::KindMismatch => Some("a claim says that it is another kind of token"),
        TokenFlaw::SubjectMissing => Some("it has no `sub`"),
        TokenFlaw::ClientMissing => Some("it has no client claim"),
        TokenFlaw::ClientMismatch => Some("its client is none of the policy's `clients`"),
        TokenFlaw::ScopesDiffer => Some("`scope` and `scp` say different things"),
        TokenFlaw::Encrypted => Some("it has five parts: it is encrypted (JWE)"),
        TokenFlaw::TooLong => Some("it is longer than `max_token_bytes`"),
        TokenFlaw::HeaderNotJson
        | TokenFlaw::HeaderDuplicate
        | TokenFlaw::HeaderType
        | TokenFlaw::HeaderCrit
        | TokenFlaw::ClaimsNotJson
        | TokenFlaw::ClaimsDuplicate
        | TokenFlaw::IssuerMissing
        | TokenFlaw::ExpiryMissing
        | TokenFlaw::AudienceMissing
        | TokenFlaw::KeyAmbiguous
        | TokenFlaw::EventToken
        | TokenFlaw::AgeUnknown => None,
    }
}
