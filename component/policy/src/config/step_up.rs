//! Who may send a user's token, and how strong a sign-in must be: `actors`, `proof_of_possession`, `step_up`.

use super::section::{Entry, Section};
use crate::rules::issuer::StepUpRules;

/// A year, as for other ages.
const MAX_AGE_MS: u64 = 8760 * 3_600_000;

/// `actors`: who may act for the user (RFC 8693 section 4.1).
pub(super) fn actors(section: &mut Section<'_>) -> Vec<String> {
    let read = |entry: &Entry<'_>| {
        entry.unwise(
            "actors",
            "a program that acts for users can link and unlink their accounts without them",
            "list an actor only where its users know what it does",
        );
        entry.text().map(str::to_owned)
    };
    section.optional("actors").map(|entry| entry.filled_list(read)).unwrap_or_default()
}

/// `proof_of_possession`: a bound token that comes without proof is refused unless the policy says `off`.
pub(super) fn refuses_bound(section: &mut Section<'_>) -> bool {
    let Some(entry) = section.optional("proof_of_possession") else { return true };
    let refuses = entry.one_of(&[("refuse", true), ("off", false)]).unwrap_or(true);
    if !refuses {
        entry.unwise(
            "bound-tokens",
            "a token that is bound to a key is accepted from any sender, as if it were not bound",
            "have the issuer give out plain bearer tokens for this API",
        );
    }
    refuses
}

/// `step_up` (RFC 9470).
pub(super) fn read(mut section: Section<'_>) -> StepUpRules {
    let mut names =
        |key| section.optional(key).map(|entry| entry.filled_list(name)).unwrap_or_default();
    let (acr, amr) = (names("acr"), names("amr"));
    let max_age_ms =
        section.optional("max_age").and_then(|entry| entry.duration_ms(1000..=MAX_AGE_MS));
    if !["acr", "amr", "max_age"].into_iter().any(|key| section.has(key)) {
        section.wrong("`acr`, `amr` or `max_age`", "none of them");
    }
    section.end();
    StepUpRules { acr, amr, max_age_ms }
}

/// A value that fits between the quotes of a challenge, where a space parts two (RFC 6750 section 3).
fn name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        Some(text.to_owned())
    } else {
        entry.wrong("printable ASCII without spaces, `\"` and `\\`", &format!("`{text}`"))
    }
}
