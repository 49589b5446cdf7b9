//! A decision record as a line of JSON: the one schema of every edition that keeps a log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decision::Decision;
use super::members::Members;
use crate::text::grown::grown;
use crate::time::timestamp::Time;
use crate::verdict::cause::Cause;
use crate::verdict::outcome::{End, Outcome};

/// A line, `linkgate.decision/1`, its members in this order. `docs/log-and-metrics.md` describes each.
///
/// A member that is added keeps the version; one that is renamed, removed or means something else
/// gets a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "linkgate.decision/1")]
pub struct LogLine {
    /// When the exchange was closed.
    pub time: Time,
    /// The outcome of the request.
    pub outcome: Outcome,
    /// Fine-grained cause.
    pub cause: String,
    /// The claim that a token was refused for.
    pub detail: Option<String>,
    /// Public reason code.
    pub reason: String,
    /// Route.
    pub route: String,
    /// Method, escaped.
    pub method: String,
    /// Path, escaped.
    pub path: String,
    /// Status of the last step.
    pub status: Option<u16>,
    /// Whether a request was handed over for the upstream.
    pub upstream_called: bool,
    /// Status of the upstream's answer.
    pub upstream_status: Option<u16>,
    /// Subject of the verified bearer.
    pub subject: Option<String>,
    /// Subject of the verified secondary token.
    pub secondary: Option<String>,
    /// Issuer of the verified bearer.
    pub issuer: Option<String>,
    /// Client of the verified bearer.
    pub client: Option<String>,
    /// Who acts for the subject.
    pub actor: Option<String>,
    /// Who acts for the secondary.
    pub secondary_actor: Option<String>,
    /// Address of the client, hashed if subjects are.
    pub client_address: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// See [`trace_id`].
    pub trace_id: Option<String>,
    /// Length and digest of what was never verified.
    pub unverified: Option<String>,
    /// Who verified signatures.
    pub verification: Option<String>,
    /// The outcome of the secondary's metadata, where the policy merges it.
    pub metadata: Option<LogLineMetadata>,
    /// What would have been decided, of a request that a policy in shadow let through.
    pub shadow: Option<LogLineShadow>,
    /// The rules in shadow that did not pass, each by its cause.
    #[serde(default)]
    pub missed: Vec<String>,
    /// The claims of the verified tokens, where the policy has them logged.
    pub claims: Option<Value>,
    /// What the operator should know of it.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How it ended for the client.
    pub end: End,
    /// Microseconds from the head of the request to the end of the answer, by the driver's clock.
    pub duration_us: u64,
}

/// What a line says of a decision that was not enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLineShadow {
    /// The outcome that the request would have had.
    pub outcome: Outcome,
    /// Fine-grained cause.
    pub cause: String,
    /// Public reason code.
    pub reason: String,
}

/// What a line says of a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLineMetadata {
    /// `none`, `merged`, `kept`, `staged`, `unknown` or `not-merged`.
    pub outcome: String,
    /// Calls that were made for it.
    pub calls: u32,
    /// Each key of the secondary, and its fate.
    pub keys: BTreeMap<String, String>,
}

impl LogLine {
    /// The line of a decision that a driver closed at `time`, `duration_us` after it got the head.
    #[must_use]
    pub fn of(decision: Decision, time: Time, duration_us: u64) -> Self {
        let missed = decision.missed.iter().map(|denial| Cause::Denied(*denial).name());
        Self {
            time,
            outcome: decision.outcome(),
            cause: decision.cause.name(),
            detail: decision.detail,
            reason: decision.cause.reason_code().to_owned(),
            route: decision.route.to_owned(),
            method: decision.method,
            path: decision.path,
            status: decision.status,
            upstream_called: decision.upstream_called,
            upstream_status: decision.upstream_status,
            subject: decision.subject,
            secondary: decision.secondary,
            issuer: decision.issuer,
            client: decision.client,
            actor: decision.actor,
            secondary_actor: decision.secondary_actor,
            client_address: decision.client_address,
            request_id: decision.request_id,
            trace_id: decision.traceparent.as_deref().and_then(trace_id),
            unverified: decision.unverified,
            verification: decision.verification.map(|by| by.name().to_owned()),
            metadata: decision.metadata.map(|record| LogLineMetadata {
                outcome: record.outcome.to_owned(),
                calls: record.calls,
                keys: grown(
                    record.keys.into_iter().map(|(key, fate)| (key, fate.name().to_owned())),
                ),
            }),
            shadow: decision.shadow.map(|cause| LogLineShadow {
                outcome: cause.outcome(),
                cause: cause.name(),
                reason: cause.reason_code().to_owned(),
            }),
            missed: missed.collect(),
            claims: decision.claims,
            warnings: decision.warnings.into_iter().map(str::to_owned).collect(),
            end: decision.end,
            duration_us,
        }
    }

    /// A line read back; none for another text, or for a line of another schema.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let Schema { schema } = serde_json::from_slice(text).ok()?;
        if schema == SCHEMA { serde_json::from_slice(text).ok() } else { None }
    }

    /// The JSON, without a line break: what serde makes of it. Each request has a line, and most members are null or
    /// short names; serde, which looks at each byte of each name, took a third of what it costs to pass a request.
    #[must_use]
    pub fn json(&self) -> String {
        let mut line = Members::default();
        line.text("schema", SCHEMA);
        line.serialized("time", &self.time);
        line.text("outcome", self.outcome.name());
        line.text("cause", self.cause.as_str());
        line.text("detail", self.detail.as_deref());
        line.text("reason", self.reason.as_str());
        line.text("route", self.route.as_str());
        line.text("method", self.method.as_str());
        line.text("path", self.path.as_str());
        line.value("status", self.status);
        line.value("upstream_called", Some(self.upstream_called));
        line.value("upstream_status", self.upstream_status);
        line.text("subject", self.subject.as_deref());
        line.text("secondary", self.secondary.as_deref());
        line.text("issuer", self.issuer.as_deref());
        line.text("client", self.client.as_deref());
        line.text("actor", self.actor.as_deref());
        line.text("secondary_actor", self.secondary_actor.as_deref());
        line.text("client_address", self.client_address.as_deref());
        line.text("request_id", self.request_id.as_deref());
        line.text("trace_id", self.trace_id.as_deref());
        line.text("unverified", self.unverified.as_deref());
        line.text("verification", self.verification.as_deref());
        line.serialized("metadata", &self.metadata);
        line.serialized("shadow", &self.shadow);
        line.serialized("missed", &self.missed);
        line.serialized("claims", &self.claims);
        line.serialized("warnings", &self.warnings);
        line.text("end", self.end.name());
        line.value("duration_us", Some(self.duration_us));
        line.object()
    }
}

/// The name of the schema, as lines have it.
const SCHEMA: &str = "linkgate.decision/1";

/// The one member of every schema.
#[derive(Deserialize)]
struct Schema {
    schema: String,
}

/// The trace id in a `traceparent` of a record, which holds well-formed ones only:
/// `version-traceid-parentid-flags` (W3C Trace Context section 3.2).
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<String> {
    traceparent.split('-').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::merge::{Fate, MergeRecord};
    use super::*;
    use crate::jose::verification::VerifiedBy;
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
            hold_ms: 0,
            evicted: 0,
            end: End::ClientGone,
            elapsed_ms: 1,
        };
        let line = LogLine::of(decision, Time { unix_ms: 1_795_406_706_789 }, 1500);
        assert_eq!(LogLine::read(line.json().as_bytes()), Some(line.clone()), "it is read back");
        let line = line.json();
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

    proptest! {
        #[test]
        fn it_is_what_serde_makes_of_it(
            texts in proptest::collection::vec("[ -~\\u{0}-\\u{9f}\\u{2028}\u{1f600}]{0,9}", 16),
            present in proptest::collection::vec(any::<bool>(), 16),
            (status, number, unix_ms) in (any::<u16>(), any::<u64>(), any::<u64>()),
        ) {
            let text = |place: usize| texts[place].clone();
            let maybe = |place: usize| present[place].then(|| text(place));
            let cause = |place: usize| LogLineShadow { outcome: Outcome::Denied, cause: text(place), reason: text(0) };
            let keys = BTreeMap::from([(text(1), text(2))]);
            let metadata = LogLineMetadata { outcome: text(3), calls: 4, keys };
            let line = LogLine {
                time: Time { unix_ms },
                outcome: Outcome::Allowed,
                cause: text(0),
                detail: maybe(1),
                reason: text(2),
                route: text(3),
                method: text(4),
                path: text(5),
                status: present[0].then_some(status),
                upstream_called: present[1],
                upstream_status: present[2].then_some(status),
                subject: maybe(3),
                secondary: maybe(4),
                issuer: maybe(5),
                client: maybe(6),
                actor: maybe(7),
                secondary_actor: maybe(8),
                client_address: maybe(9),
                request_id: maybe(10),
                trace_id: maybe(11),
                unverified: maybe(12),
                verification: maybe(13),
                metadata: present[14].then_some(metadata),
                shadow: present[15].then(|| cause(15)),
                missed: maybe(14).into_iter().collect(),
                claims: maybe(15).map(Value::from),
                warnings: maybe(0).into_iter().collect(),
                end: End::Finished,
                duration_us: number,
            };
            prop_assert_eq!(line.json(), serde_json::to_string(&line).unwrap());
        }
    }

    #[test]
    fn a_line_is_read_back_whole_or_not_at_all() {
        let line = r#"{"schema":"linkgate.decision/1","time":"2026-11-23T04:05:06.789Z","outcome":"denied","cause":"c","reason":"r","route":"none","method":"GET","path":"/a\"b\\u{a}","status":400,"upstream_called":false,"end":"finished","duration_us":3999}"#;
        let read = LogLine::read(line.as_bytes()).expect("members that came later may be absent");
        assert_eq!((read.path.as_str(), read.status), (r#"/a"b\u{a}"#, Some(400)));
        assert_eq!((read.outcome, read.subject), (Outcome::Denied, None));
        let incomplete = line.replace(r#""end":"finished","#, "");
        let of_another_version = line.replace("decision/1", "decision/2");
        let of_another_outcome = line.replace("denied", "lost");
        for other in
            ["Serving HTTP", "{}", "1", &incomplete, &of_another_version, &of_another_outcome]
        {
            assert_eq!(LogLine::read(other.as_bytes()), None, "{other}");
        }
    }
}
