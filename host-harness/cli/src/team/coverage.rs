//! What no case touched: rules of the policy, and reason codes that it can give.
//!
//! A rule that restricts is touched when a case is refused for it; one that opens something, when a case goes through
//! it. Outages of the host and of the keys, which are replaced here, are no business of a case.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linkgate_cases::Request;
use linkgate_policy::{LogLine, Reason};
use serde_json::Value;

use super::fixture::Policy;
use super::run::{Played, Ran, Verdict};

/// What was touched of one policy.
pub(crate) struct Coverage {
    /// The policy's file.
    pub(crate) policy: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) reasons: Vec<(Reason, bool)>,
}

/// A rule of a policy.
pub(crate) struct Rule {
    /// `issuers[0].scopes`.
    pub(crate) key: String,
    /// None where it holds without being written.
    pub(crate) line: Option<usize>,
    /// What a case has to show to touch it.
    pub(crate) shown_by: String,
    pub(crate) touched: bool,
}

/// What shows that a rule was applied.
enum Touch {
    /// A case with a token of this issuer ends with this cause.
    Cause(&'static str, Option<String>),
    /// A case on this route goes through, with a token of this issuer if one is named.
    Granted(Option<&'static str>, Option<String>),
    /// A case goes through with a bearer of this issuer that names this audience besides.
    Beside(String, Option<String>),
    /// A path under this prefix is passed on.
    Passed(String),
    /// A page of this origin asks.
    Origin(String),
    /// A header of this name goes upstream.
    Header(String),
    /// Metadata is carried over.
    Merged,
}

impl Coverage {
    /// What the cases touched, a policy after the other.
    pub(crate) fn of(ran: &Ran) -> Vec<Self> {
        let policies = ran.gathered.policies.iter().enumerate();
        policies.map(|(number, policy)| Self::of_policy(policy, &played(ran, number))).collect()
    }

    fn of_policy(policy: &Policy, played: &[&Played]) -> Self {
        let seen: BTreeSet<&str> =
            played.iter().map(|played| played.record.reason.as_str()).collect();
        let rules =
            wanted(policy.value()).into_iter().map(|(key, pointer, shown_by, touch)| Rule {
                line: policy.document.line_of(&pointer),
                key,
                shown_by,
                touched: played.iter().any(|played| touch.is_in(played)),
            });
        let reasons = Reason::ALL.iter().filter(|reason| can_be(**reason, policy.value()));
        Self {
            policy: policy.document.name().to_owned(),
            rules: rules.collect(),
            reasons: reasons.map(|reason| (*reason, seen.contains(reason.name()))).collect(),
        }
    }

    /// The rules that no case touched.
    pub(crate) fn untouched(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|rule| !rule.touched)
    }
}

fn played(ran: &Ran, policy: usize) -> Vec<&Played> {
    let of_policy = |file: usize| ran.gathered.about.get(file) == Some(&policy);
    let outcomes = ran.outcomes.iter().filter(|outcome| of_policy(outcome.file));
    outcomes
        .filter_map(|outcome| match &outcome.verdict {
            Verdict::Played(played) => Some(played.as_ref()),
            Verdict::Broken(_) => None,
        })
        .collect()
}

impl Touch {
    fn is_in(&self, played: &Played) -> bool {
        let (record, request) = (&played.record, &played.scene.request);
        let is_granted = record.cause == "granted" || record.cause == "link-found";
        match self {
            Self::Cause(cause, issuer) => {
                record.cause == *cause && is_of(record, request, issuer.as_deref())
            }
            Self::Granted(route, issuer) => {
                is_granted
                    && route.is_none_or(|route| record.route == route)
                    && is_of(record, request, issuer.as_deref())
            }
            Self::Beside(audience, issuer) => {
                is_granted
                    && is_of(record, request, issuer.as_deref())
                    && claims_of(request)
                        .is_some_and(|claims| texts(&claims, "aud").contains(audience))
            }
            Self::Passed(prefix) => {
                record.cause == "passed"
                    && record
                        .path
                        .strip_prefix(prefix.trim_end_matches('/'))
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Origin(origin) => {
                (is_granted || record.cause == "preflight")
                    && request
                        .headers
                        .iter()
                        .any(|line| line.name == "origin" && line.value == origin.as_bytes())
            }
            Self::Header(name) => {
                is_granted
                    && request.headers.iter().any(|line| line.name.eq_ignore_ascii_case(name))
            }
            Self::Merged => {
                record.metadata.as_ref().is_some_and(|metadata| metadata.outcome != "none")
            }
        }
    }
}

/// Whether a token of that issuer was sent. What was refused before its signature was checked has no issuer in its
/// record: the token itself says then whose it means to be.
fn is_of(record: &LogLine, request: &Request, issuer: Option<&str>) -> bool {
    let Some(issuer) = issuer else { return true };
    record.issuer.clone().or_else(|| claimed_issuer(request)).as_deref() == Some(issuer)
}

fn claimed_issuer(request: &Request) -> Option<String> {
    claims_of(request)?.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// What the bearer of a request claims.
fn claims_of(request: &Request) -> Option<Value> {
    let line = request.headers.iter().find(|line| line.name == "authorization")?;
    let text = std::str::from_utf8(&line.value).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

type Wanted = (String, String, String, Touch);

/// The rules of a policy: key, pointer, what shows it, and its text.
fn wanted(policy: &Value) -> Vec<Wanted> {
    let mut rules = Vec::new();
    let mut add = |key: String, shown_by: &str, touch| {
        let pointer = format!("/{}", key.replace(['.', '['], "/").replace(']', ""));
        rules.push((key, pointer, shown_by.to_owned(), touch));
    };
    for (index, issuer) in list(policy, "issuers").iter().enumerate() {
        for (key, shown_by, touch) in of_issuer(issuer) {
            add(format!("issuers[{index}].{key}"), &shown_by, touch);
        }
    }
    for (index, prefix) in texts(policy, "pass").into_iter().enumerate() {
        add(
            format!("pass[{index}]"),
            &format!("a path under `{prefix}`, passed on"),
            Touch::Passed(prefix),
        );
    }
    if policy.get("profile").and_then(Value::as_str) == Some("read-own") {
        let touch = Touch::Granted(Some("profile"), None);
        add("profile".to_owned(), "a user who reads their own profile", touch);
    }
    if let Some(cors) = policy.get("cors") {
        for (index, origin) in texts(cors, "origins").into_iter().enumerate() {
            let shown_by = format!("a page of `{origin}` that is let in");
            add(format!("cors.origins[{index}]"), &shown_by, Touch::Origin(origin));
        }
    }
    for (index, name) in texts(policy, "forward_headers").into_iter().enumerate() {
        let shown_by = format!("a request with `{name}` that goes upstream");
        add(format!("forward_headers[{index}]"), &shown_by, Touch::Header(name));
    }
    if let Some(metadata) = policy.get("metadata") {
        add("metadata".to_owned(), "a link that carries metadata over (`calls`)", Touch::Merged);
        if metadata.get("conflicts").and_then(Value::as_str) == Some("refuse") {
            let (key, touch) = ("metadata.conflicts", Touch::Cause("metadata-conflict", None));
            add(key.to_owned(), "refused: metadata-conflict", touch);
        }
    }
    rules
}

/// The rules of an issuer; keys from there.
fn of_issuer(issuer: &Value) -> Vec<(String, String, Touch)> {
    let name = || issuer.get("issuer").and_then(Value::as_str).map(str::to_owned);
    let secondary = issuer.get("secondary").unwrap_or(&Value::Null);
    let is_of_id_tokens = issuer.get("kind").and_then(Value::as_str) == Some("id-token");
    let has_scopes = match issuer.get("scopes") {
        Some(scopes) => scopes.as_array().is_some_and(|scopes| !scopes.is_empty()),
        None => !is_of_id_tokens,
    };
    let is_aged = secondary.get("max_age").and_then(Value::as_str) != Some("off");
    let is_verified = secondary.get("email_verified") == Some(&Value::Bool(true));
    let restrictions = [
        ("audiences", "bearer-audience-mismatch", issuer.get("audiences").is_some()),
        ("algorithms", "bearer-algorithm-refused", issuer.get("algorithms").is_some()),
        ("type", "bearer-type-mismatch", issuer.get("type").is_some()),
        ("token_use", "bearer-kind-mismatch", issuer.get("token_use").is_some()),
        ("clients", "bearer-client-mismatch", issuer.get("clients").is_some()),
        ("max_token_age", "bearer-too-old", issuer.get("max_token_age").is_some()),
        ("scopes", "bearer-scope", has_scopes),
        ("step_up", "bearer-step-up", issuer.get("step_up").is_some()),
        ("actors", "bearer-of-actor", issuer.get("actors").is_some()),
        (
            "secondary.algorithms",
            "secondary-algorithm-refused",
            secondary.get("algorithms").is_some(),
        ),
        (
            "secondary.audiences",
            "secondary-audience-mismatch",
            secondary.get("audiences").is_some(),
        ),
        ("secondary.max_age", "secondary-too-old", is_aged),
        ("secondary.require", "secondary-age-unknown", secondary.get("require").is_some()),
        ("secondary.email_verified", "secondary-email", is_verified),
        ("secondary.actors", "secondary-of-actor", secondary.get("actors").is_some()),
    ];
    let routes = [
        ("issuer", "link", "a link that is allowed"),
        ("issuer", "unlink", "an unlink that is allowed"),
    ];
    let opened = routes.map(|(key, route, shown_by)| {
        (key.to_owned(), shown_by.to_owned(), Touch::Granted(Some(route), name()))
    });
    let restricted =
        restrictions.into_iter().filter(|(_, _, holds)| *holds).map(|(key, cause, _)| {
            (key.to_owned(), format!("refused: {cause}"), Touch::Cause(cause, name()))
        });
    let beside =
        texts(issuer, "audiences_beside").into_iter().enumerate().map(|(index, audience)| {
            let shown_by = format!("a bearer that is let in with `{audience}` besides");
            (format!("audiences_beside[{index}]"), shown_by, Touch::Beside(audience, name()))
        });
    let subject = Touch::Cause("subject-mismatch", name());
    let subject = ("issuer".to_owned(), "refused: subject-mismatch".to_owned(), subject);
    opened.into_iter().chain([subject]).chain(beside).chain(restricted).collect()
}

/// Whether a case under this policy can end with a reason.
fn can_be(reason: Reason, policy: &Value) -> bool {
    let merges = policy.get("metadata").is_some();
    let has = |cause: &str| {
        let issuers = list(policy, "issuers").iter().flat_map(of_issuer);
        issuers
            .into_iter()
            .any(|(_, _, touch)| matches!(touch, Touch::Cause(own, _) if own == cause))
    };
    match reason {
        Reason::RequestMalformed
        | Reason::PathRefused
        | Reason::EncodedSlash
        | Reason::RouteRefused
        | Reason::RouteUnknown
        | Reason::BearerMissing
        | Reason::BearerMalformed
        | Reason::BearerTooLong
        | Reason::BearerEncrypted
        | Reason::BearerInvalid
        | Reason::BearerOfAnotherKind
        | Reason::BearerOfMachine
        | Reason::BearerOfActor
        | Reason::BearerBound
        | Reason::SubjectMismatch
        | Reason::BodyTypeUnsupported
        | Reason::BodyTooLarge
        | Reason::BodyInvalid
        | Reason::LinkByUserIdRefused
        | Reason::LinkWithTooLong
        | Reason::LinkWithEncrypted
        | Reason::LinkWithInvalid
        | Reason::LinkWithOfActor
        | Reason::SameAccount
        | Reason::UpstreamUnreachable
        | Reason::UpstreamOutcomeUnknown => true,
        // Without `clients` it takes a token that names no client, which the issuer does not write.
        Reason::ClientRefused => has("bearer-client-mismatch"),
        Reason::ScopeInsufficient => has("bearer-scope"),
        Reason::StepUpNeeded => has("bearer-step-up"),
        Reason::LinkWithTooOld => has("secondary-too-old"),
        Reason::LinkWithEmailUnverified => has("secondary-email"),
        Reason::MetadataConflict => {
            policy.pointer("/metadata/conflicts").and_then(Value::as_str) == Some("refuse")
        }
        Reason::PrimaryGone
        | Reason::SecondaryGone
        | Reason::MetadataUnmergeable
        | Reason::MetadataChanging
        | Reason::AccountNotFound
        | Reason::MetadataNotTaken
        | Reason::UpstreamReplaces
        | Reason::MetadataUnavailable
        | Reason::MetadataRefused
        | Reason::MetadataLimited
        | Reason::MetadataOutcomeUnknown
        | Reason::LinkOutcomeUnknown => merges,
        // Outages of the client, of the host or of the keys.
        Reason::BodyFailed
        | Reason::GateUnavailable
        | Reason::KeysUnavailable
        | Reason::LinksBusy => false,
    }
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reference::SECTIONS;

    /// Keys that no case has to show: what they say is no restriction of a request, or is shown with another key.
    const UNSHOWN: [&str; 26] = [
        "version",
        "allow",
        "issuers",
        "base_path",
        "cors",
        "client_address",
        "request_id",
        "encoded_slashes",
        "max_token_bytes",
        "request_objects",
        "verification",
        "upstream_timeout",
        "body_timeout",
        "log",
        "issuers[].keys",
        "issuers[].kind",
        "issuers[].hmac_secret",
        "issuers[].client_claim",
        "issuers[].scope_claim",
        "issuers[].id_token_scopes",
        "issuers[].proof_of_possession",
        "issuers[].clock_skew",
        "issuers[].secondary",
        "shadow",
        "issuers[].shadow",
        "issuers[].secondary.shadow",
    ];

    /// Sections of which the one above is shown, or none.
    const UNSHOWN_SECTIONS: [&str; 8] = [
        "issuers[].step_up",
        "log",
        "client_address",
        "request_id",
        "shadow",
        "issuers[].keys",
        "metadata.service",
        "metadata",
    ];

    #[test]
    fn every_key_of_a_policy_is_a_rule_or_known_to_be_none() {
        let full = json!({
            "issuers": [{
                "issuer": "https://a.example/", "audiences": ["a"], "algorithms": ["RS256"], "type": "at+jwt",
                "max_token_age": "1h", "scopes": ["link"], "actors": ["agent"], "step_up": { "max_age": "5m" }, "audiences_beside": ["c"], "clients": ["d"], "token_use": "access",
                "secondary": { "require": "auth_time", "algorithms": ["RS256"], "audiences": ["b"], "max_age": "1h", "email_verified": true, "actors": ["agent"] },
            }],
            "pass": ["/app"], "profile": "read-own", "cors": { "origins": ["https://app.example"] },
            "forward_headers": ["x-a"], "metadata": { "conflicts": "refuse" },
        });
        let rules: Vec<String> = wanted(&full)
            .into_iter()
            .map(|(key, ..)| key.replace("issuers[0]", "issuers[]").replace("[0]", ""))
            .collect();
        for section in SECTIONS {
            for key in section.keys {
                let path = section.key_path(key.name);
                let is_known = UNSHOWN.contains(&path.as_str())
                    || UNSHOWN_SECTIONS.contains(&section.path)
                    || path == "cors.max_age";
                assert!(
                    rules.contains(&path) || is_known,
                    "`{path}`: a rule that a case shows, or not?"
                );
            }
        }
    }
}
