//! One exchange as a line: JSON for machines, aligned words for people.

use std::time::Duration;

use jiff::Timestamp;
use linkgate_gateway::{Decision, End, Outcome};
use serde::Serialize;

use crate::paint::{Colour, Paint};

/// The name and version of the JSON form. A field that is added keeps it; a field that is renamed,
/// removed or means something else gets a new one.
const SCHEMA: &str = "linkgate.decision/1";

/// The JSON form. `docs/operations.md` describes each field.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    time: String,
    outcome: &'static str,
    cause: &'a str,
    reason: &'a str,
    route: &'a str,
    method: &'a str,
    path: &'a str,
    status: Option<u16>,
    upstream_called: bool,
    upstream_status: Option<u16>,
    subject: Option<&'a str>,
    secondary: Option<&'a str>,
    issuer: Option<&'a str>,
    client: Option<&'a str>,
    trace_id: Option<&'a str>,
    unverified: Option<&'a str>,
    end: &'static str,
    duration_us: u64,
}

/// The JSON form of a decision, in one line.
pub(super) fn json(decision: &Decision, took: Duration, now: Timestamp) -> String {
    let line = Line {
        schema: SCHEMA,
        time: format!("{now:.3}"),
        outcome: outcome(decision.outcome),
        cause: &decision.cause,
        reason: &decision.reason,
        route: &decision.route,
        method: &decision.method,
        path: &decision.path,
        status: decision.status,
        upstream_called: decision.upstream_called,
        upstream_status: decision.upstream_status,
        subject: decision.subject.as_deref(),
        secondary: decision.secondary.as_deref(),
        issuer: decision.issuer.as_deref(),
        client: decision.client.as_deref(),
        // version-traceid-parentid-flags; the policy hands over well-formed ones only.
        trace_id: decision.traceparent.as_deref().and_then(|parent| parent.split('-').nth(1)),
        unverified: decision.unverified.as_deref(),
        end: end(decision.end),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    };
    // Strings and numbers always serialize.
    serde_json::to_string(&line).unwrap_or_default()
}

/// The form for a terminal.
pub(super) fn human(decision: &Decision, took: Duration, paint: Paint) -> String {
    let status = decision.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let upstream = match (decision.upstream_called, decision.upstream_status) {
        (false, _) => "not called".to_owned(),
        (true, None) => "no answer".to_owned(),
        (true, Some(status)) => status.to_string(),
    };
    format!(
        "{} {status} {} {} {}  subject {}  upstream {upstream}  {:.1} ms",
        paint.text(&format!("{:7}", outcome(decision.outcome)), colour(decision.outcome)),
        decision.cause,
        decision.method,
        decision.path,
        decision.subject.as_deref().unwrap_or("-"),
        took.as_secs_f64() * 1000.0,
    )
}

/// The word for an outcome: in logs, as a label, in the demo.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "allowed",
        Outcome::Passed => "passed",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
    }
}

/// The word for an end.
pub(crate) fn end(end: End) -> &'static str {
    match end {
        End::Finished => "finished",
        End::ClientGone => "client-gone",
        End::Shutdown => "shutdown",
    }
}

/// The colour of an outcome, wherever one is shown.
pub(crate) fn colour(outcome: Outcome) -> Colour {
    match outcome {
        Outcome::Allowed => Colour::Green,
        Outcome::Passed => Colour::Grey,
        Outcome::Denied => Colour::Yellow,
        Outcome::Failed => Colour::Red,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::operation) fn decision() -> Decision {
        Decision {
            outcome: Outcome::Denied,
            cause: "subject-mismatch".to_owned(),
            reason: "subject-mismatch".to_owned(),
            route: "link".to_owned(),
            method: "POST".to_owned(),
            path: "/api/v2/users/auth0|a/identities".to_owned(),
            status: Some(403),
            upstream_called: false,
            upstream_status: None,
            subject: Some("auth0|b".to_owned()),
            secondary: None,
            issuer: Some("https://tenant.example/".to_owned()),
            client: Some("spa".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            unverified: None,
            end: End::Finished,
            elapsed_ms: 1,
        }
    }

    /// Golden: a change here is a change of the schema, and of `docs/operations.md`.
    #[test]
    fn the_json_form_is_as_documented() {
        let now: Timestamp = "2026-11-23T04:05:06.789123Z".parse().unwrap();
        let line = json(&decision(), Duration::from_micros(1500), now);
        assert_eq!(
            line,
            concat!(
                r#"{"schema":"linkgate.decision/1","time":"2026-11-23T04:05:06.789Z","outcome":"denied","#,
                r#""cause":"subject-mismatch","reason":"subject-mismatch","route":"link","method":"POST","#,
                r#""path":"/api/v2/users/auth0|a/identities","status":403,"upstream_called":false,"#,
                r#""upstream_status":null,"subject":"auth0|b","secondary":null,"#,
                r#""issuer":"https://tenant.example/","client":"spa","#,
                r#""trace_id":"0af7651916cd43dd8448eb211c80319c","unverified":null,"end":"finished","#,
                r#""duration_us":1500}"#
            )
        );
        let page = include_str!("../../../../docs/operations.md");
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&line).unwrap();
        for field in fields.keys() {
            assert!(
                page.contains(&format!("| `{field}` |")),
                "docs/operations.md does not describe `{field}`"
            );
        }
    }

    #[test]
    fn the_human_form_is_one_line() {
        let line = human(&decision(), Duration::from_micros(1500), Paint::never());
        assert_eq!(
            line,
            "denied  403 subject-mismatch POST /api/v2/users/auth0|a/identities  subject auth0|b  upstream not called  1.5 ms"
        );
    }
}
