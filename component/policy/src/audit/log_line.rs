//! A decision record as a line of JSON: the one schema of every edition that keeps a log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::decision::Decision;
use crate::jose::verification::VerifiedBy;
use crate::time::timestamp::Time;
use crate::verdict::cause::Cause;
use crate::verdict::outcome::{End, Outcome};

/// A line, `linkgate.decision/1`, its members in this order. `docs/log-and-metrics.md` describes each.
///
/// A member that is added keeps the version; one that is renamed, removed or means something else
/// gets a new one.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "schema", rename = "linkgate.decision/1")]
pub struct Line<'a> {
    /// When the exchange was closed.
    pub time: Time,
    /// The outcome of the request.
    pub outcome: Outcome,
    /// Fine-grained cause.
    pub cause: Cow<'a, str>,
    /// The claim that a token was refused for.
    pub detail: Option<&'a str>,
    /// Public reason code.
    pub reason: &'a str,
    /// Route.
    pub route: &'a str,
    /// Method, escaped.
    pub method: &'a str,
    /// Path, escaped.
    pub path: &'a str,
    /// Status of the last step.
    pub status: Option<u16>,
    /// Whether a request was handed over for the upstream.
    pub upstream_called: bool,
    /// Status of the upstream's answer.
    pub upstream_status: Option<u16>,
    /// Subject of the verified bearer.
    pub subject: Option<&'a str>,
    /// Subject of the verified secondary token.
    pub secondary: Option<&'a str>,
    /// Issuer of the verified bearer.
    pub issuer: Option<&'a str>,
    /// Client of the verified bearer.
    pub client: Option<&'a str>,
    /// Who acts for the subject.
    pub actor: Option<&'a str>,
    /// Who acts for the secondary.
    pub secondary_actor: Option<&'a str>,
    /// Address of the client, hashed if subjects are.
    pub client_address: Option<&'a str>,
    /// Id of the request.
    pub request_id: Option<&'a str>,
    /// See [`trace_id`].
    pub trace_id: Option<&'a str>,
    /// Length and digest of what was never verified.
    pub unverified: Option<&'a str>,
    /// Who verified signatures.
    pub verification: Option<&'a str>,
    /// The outcome of the secondary's metadata, where the policy merges it.
    pub metadata: Option<LineMetadata<'a>>,
    /// What would have been decided, of a request that a policy in shadow let through.
    pub shadow: Option<LineShadow<'a>>,
    /// The rules in shadow that did not hold, each by its cause.
    pub missed: Vec<Cow<'a, str>>,
    /// The claims of the verified tokens, where the policy has them logged.
    pub claims: Option<Cow<'a, Value>>,
    /// What the operator should know of it.
    pub warnings: Vec<&'a str>,
    /// How it ended for the client.
    pub end: End,
    /// Microseconds from the head of the request to the end of the answer, by the driver's clock.
    pub duration_us: u64,
}

/// What a line says of a decision that was not enforced.
#[derive(Clone, Debug, Serialize)]
pub struct LineShadow<'a> {
    /// What would have become of the request.
    pub outcome: Outcome,
    /// Fine-grained cause.
    pub cause: Cow<'a, str>,
    /// Public reason code.
    pub reason: &'a str,
}

/// What a line says of a merge.
#[derive(Clone, Debug, Serialize)]
pub struct LineMetadata<'a> {
    /// `none`, `merged`, `kept`, `staged` or `unknown`.
    pub outcome: &'a str,
    /// Calls that were made for it.
    pub calls: u32,
    /// Each key of the secondary, and its fate.
    pub keys: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    /// The line of a decision that a driver closed at `time`, `duration_us` after it got the head.
    #[must_use]
    pub fn of(decision: &'a Decision, time: Time, duration_us: u64) -> Self {
        Self {
            time,
            outcome: decision.outcome(),
            cause: decision.cause.name().into(),
            detail: decision.detail.as_deref(),
            reason: decision.cause.reason_code(),
            route: decision.route,
            method: &decision.method,
            path: &decision.path,
            status: decision.status,
            upstream_called: decision.upstream_called,
            upstream_status: decision.upstream_status,
            subject: decision.subject.as_deref(),
            secondary: decision.secondary.as_deref(),
            issuer: decision.issuer.as_deref(),
            client: decision.client.as_deref(),
            actor: decision.actor.as_deref(),
            secondary_actor: decision.secondary_actor.as_deref(),
            client_address: decision.client_address.as_deref(),
            request_id: decision.request_id.as_deref(),
            trace_id: decision.traceparent.as_deref().and_then(trace_id),
            unverified: decision.unverified.as_deref(),
            verification: decision.verification.map(VerifiedBy::name),
            metadata: decision.metadata.as_ref().map(|record| LineMetadata {
                outcome: record.outcome,
                calls: record.calls,
                keys: record.keys.iter().map(|(key, fate)| (key.as_str(), fate.name())).collect(),
            }),
            shadow: decision.shadow.map(|cause| LineShadow {
                outcome: cause.outcome(),
                cause: cause.name().into(),
                reason: cause.reason_code(),
            }),
            missed: decision
                .missed
                .iter()
                .map(|denial| Cause::Denied(*denial).name().into())
                .collect(),
            claims: decision.claims.as_ref().map(Cow::Borrowed),
            warnings: decision.warnings.clone(),
            end: decision.end,
            duration_us,
        }
    }

    /// The JSON, without a line break.
    #[must_use]
    pub fn json(&self) -> String {
        // Strings, numbers and booleans always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The trace id in a `traceparent` of a record, which holds well-formed ones only:
/// `version-traceid-parentid-flags` (W3C Trace Context section 3.2).
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

#[cfg(test)]
mod tests {
    use super::super::merge::{Fate, MergeRecord};
    use super::*;
    use crate::verdict::cause::{Denial, Flaw};

    /// Golden: a change here is a change of the schema, and of `docs/log-and-metrics.md`.
    #[test]
    fn a_line_is_as_documented() {
        let decision = Decision {
            cause: Cause::Granted,
            detail: Some("aud".to_owned()),
            route: "link",
            method: "POST".to_owned(),
            path: "/a\"b\\u{a}".to_owned(),
            status: Some(201),
            upstream_called: true,
            upstream_status: Some(201),
            subject: Some("auth0|b".to_owned()),
            secondary: None,
            issuer: Some("https://tenant.example/".to_owned()),
            client: Some("spa".to_owned()),
            actor: None,
            secondary_actor: None,
            client_address: Some("192.0.2.7".to_owned()),
            request_id: Some("0af76519".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            unverified: None,
            verification: Some(VerifiedBy::Both),
            metadata: Some(MergeRecord {
                outcome: "merged",
                calls: 4,
                keys: vec![("theme".to_owned(), Fate::Added), ("city".to_owned(), Fate::Dropped)],
            }),
            shadow: Some(Cause::Granted),
            missed: vec![Denial::Request(Flaw::BearerScope)],
            claims: Some(serde_json::json!({ "bearer": { "sub": "auth0|b" } })),
            warnings: vec!["not-unlinkable"],
            end: End::ClientGone,
            elapsed_ms: 1,
        };
        let line = Line::of(&decision, Time { unix_ms: 1_795_406_706_789 }, 1500).json();
        assert_eq!(
            line,
            concat!(
                r#"{"schema":"linkgate.decision/1","time":"2026-11-23T04:05:06.789Z","outcome":"allowed","#,
                r#""cause":"granted","detail":"aud","reason":"granted","route":"link","method":"POST","#,
                r#""path":"/a\"b\\u{a}","status":201,"upstream_called":true,"#,
                r#""upstream_status":201,"subject":"auth0|b","secondary":null,"#,
                r#""issuer":"https://tenant.example/","client":"spa","actor":null,"secondary_actor":null,"#,
                r#""client_address":"192.0.2.7","request_id":"0af76519","#,
                r#""trace_id":"0af7651916cd43dd8448eb211c80319c","unverified":null,"verification":"both","#,
                r#""metadata":{"outcome":"merged","calls":4,"keys":{"city":"dropped","theme":"added"}},"#,
                r#""shadow":{"outcome":"allowed","cause":"granted","reason":"granted"},"missed":["bearer-scope"],"#,
                r#""claims":{"bearer":{"sub":"auth0|b"}},"warnings":["not-unlinkable"],"#,
                r#""end":"client-gone","duration_us":1500}"#
            )
        );
        let page = include_str!("../../../../docs/log-and-metrics.md");
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line).unwrap();
        for field in fields.keys() {
            assert!(
                page.contains(&format!("| `{field}` |")),
                "docs/log-and-metrics.md does not describe `{field}`"
            );
        }
    }
}
