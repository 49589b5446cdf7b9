//! Which key of a policy decided: from a cause to the key, and to its line.

use linkgate_policy::Cause;

use crate::document::Document;
use crate::reference::{Section, Unless};

/// The causes that a key of the policy decides, with that key. What no key can change, such as a signature that does
/// not verify, has none.
const DECIDED_BY: [(&str, &str); 38] = [
    ("bearer-issuer-unknown", "issuers[].issuer"),
    ("bearer-algorithm-refused", "issuers[].algorithms"),
    ("bearer-audience-mismatch", "issuers[].audiences"),
    ("bearer-audience-several", "issuers[].audiences_beside"),
    ("bearer-audience-missing", "issuers[].token_use"),
    ("bearer-type-mismatch", "issuers[].type"),
    ("bearer-kind-mismatch", "issuers[].token_use"),
    ("bearer-client-missing", "issuers[].client_claim"),
    ("bearer-client-mismatch", "issuers[].clients"),
    ("bearer-client-is-audience", "issuers[].secondary.audiences"),
    ("bearer-scopes-differ", "issuers[].scope_claim"),
    ("bearer-too-old", "issuers[].max_token_age"),
    ("bearer-scope", "issuers[].scopes"),
    ("bearer-of-actor", "issuers[].actors"),
    ("bearer-bound", "issuers[].proof_of_possession"),
    ("bearer-step-up", "issuers[].step_up"),
    ("secondary-of-actor", "issuers[].secondary.actors"),
    ("bearer-too-long", "max_token_bytes"),
    ("secondary-too-long", "max_token_bytes"),
    ("bearer-expired", "issuers[].clock_skew"),
    ("bearer-not-yet-valid", "issuers[].clock_skew"),
    ("secondary-algorithm-refused", "issuers[].secondary.algorithms"),
    ("secondary-audience-mismatch", "issuers[].secondary.audiences"),
    ("secondary-audience-several", "issuers[].secondary.audiences"),
    ("secondary-party-mismatch", "issuers[].secondary.audiences"),
    ("secondary-kind-mismatch", "issuers[].id_token_scopes"),
    ("secondary-age-unknown", "issuers[].secondary.require"),
    ("secondary-too-old", "issuers[].secondary.max_age"),
    ("secondary-email", "issuers[].secondary.email_verified"),
    ("secondary-email-unclear", "issuers[].secondary.email_verified"),
    ("route-unknown", "pass"),
    ("profile-off", "profile"),
    ("preflight-off", "cors"),
    ("path-encoded-slash", "encoded_slashes"),
    ("request-object", "request_objects"),
    ("metadata-conflict", "metadata.conflicts"),
    ("metadata-too-large", "metadata.max_bytes"),
    ("metadata-late", "metadata.timeout"),
];

/// The key that decides a cause, as `issuers[].scopes`.
pub(crate) fn key_of(cause: &str) -> Option<&'static str> {
    DECIDED_BY.iter().find(|(name, _)| *name == cause).map(|(_, key)| *key)
}

/// The key that decides a reason, where it is one alone.
pub(crate) fn key_of_reason(reason: &str) -> Option<&'static str> {
    let of_reason = Cause::all().filter(|cause| cause.reason_code() == reason);
    let mut keys = of_reason.map(|cause| key_of(&cause.name()));
    let first = keys.next().flatten()?;
    keys.all(|key| key == Some(first)).then_some(first)
}

/// The place of a key, for people: its place, or what holds without it.
pub(crate) fn place(policy: &Document, key: &str, issuer: usize) -> String {
    let name = policy.name();
    let path = key.replace("issuers[]", &format!("issuers[{issuer}]"));
    match policy.line_of(&pointer(key, issuer)) {
        Some(line) => format!("{name}:{line}: {path}"),
        None => format!("{name}: {path} does not stand there{}", default(key)),
    }
}

/// The JSON Pointer of a key.
pub(crate) fn pointer(key: &str, issuer: usize) -> String {
    format!("/{}", key.replace("issuers[]", &format!("issuers/{issuer}")).replace('.', "/"))
}

fn default(key: &str) -> String {
    let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
    let known = Section::find(section).and_then(|section| {
        section.keys.iter().find(|known| known.name == name).map(|known| known.unless)
    });
    match known {
        Some(Unless::Is(value)) => format!(", so it is {value}"),
        // A section of its own.
        Some(Unless::Says("see below")) => ", so its defaults hold".to_owned(),
        Some(Unless::Says(what)) => format!("; what holds then: {what}"),
        Some(Unless::Required) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_and_every_key_is_there() {
        for (cause, key) in DECIDED_BY {
            assert!(Cause::all().any(|known| known.name() == cause), "no cause `{cause}`");
            let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
            let section = Section::find(section).expect(key);
            assert!(section.keys.iter().any(|known| known.name == name), "no key `{key}`");
        }
    }

    #[test]
    fn a_reason_has_a_key_where_all_its_causes_have_it() {
        for (reason, expected) in [
            ("link-with-email-unverified", Some("issuers[].secondary.email_verified")),
            ("scope-insufficient", Some("issuers[].scopes")),
            ("bearer-invalid", None),
            ("subject-mismatch", None),
        ] {
            assert_eq!(key_of_reason(reason), expected, "{reason}");
        }
    }
}
