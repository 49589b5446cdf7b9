//! One exchange as a line: JSON for machines, aligned words for people.

use std::time::Duration;

use linkgate_cases::wire;
use linkgate_gateway::{Decision, Outcome};
use linkgate_policy::{Line, LineMetadata, LineShadow, Time, trace_id};

use crate::paint::{Colour, Paint};

/// The JSON form of a decision, in one line: the schema is the core's.
pub(super) fn json(decision: &Decision, took: Duration, time: Time) -> String {
    let line = Line {
        time,
        outcome: wire::outcome(decision.outcome),
        cause: decision.cause.as_str().into(),
        detail: decision.detail.as_deref(),
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
        actor: decision.actor.as_deref(),
        secondary_actor: decision.secondary_actor.as_deref(),
        client_address: decision.client_address.as_deref(),
        request_id: decision.request_id.as_deref(),
        trace_id: decision.traceparent.as_deref().and_then(trace_id),
        unverified: decision.unverified.as_deref(),
        verification: decision.verification.as_deref(),
        metadata: decision.metadata.as_ref().map(|record| LineMetadata {
            outcome: &record.outcome,
            calls: record.calls,
            keys: record.keys.iter().map(|(key, fate)| (key.as_str(), fate.as_str())).collect(),
        }),
        shadow: decision.shadow.as_ref().map(|shadow| LineShadow {
            outcome: wire::outcome(shadow.outcome),
            cause: shadow.cause.as_str().into(),
            reason: &shadow.reason,
        }),
        missed: decision.missed.iter().map(|cause| cause.as_str().into()).collect(),
        claims: decision.claims.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        warnings: decision.warnings.iter().map(String::as_str).collect(),
        end: wire::ended(decision.end),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    };
    line.json()
}

/// The form for a terminal.
pub(crate) fn human(decision: &Decision, took: Duration, paint: Paint) -> String {
    let status = decision.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let upstream = match (decision.upstream_called, decision.upstream_status) {
        (false, _) => "not called".to_owned(),
        (true, None) => "no answer".to_owned(),
        (true, Some(status)) => status.to_string(),
    };
    let shadow = decision.shadow.as_ref().map(|shadow| {
        format!("  in shadow: would be {}, {}", outcome(shadow.outcome), shadow.cause)
    });
    let missed = decision.missed.iter().map(|cause| format!("  in shadow: {cause}"));
    let shadow: String = shadow.into_iter().chain(missed).collect();
    format!(
        "{} {status} {} {} {}  subject {}  upstream {upstream}  {:.1} ms{shadow}",
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
    wire::outcome(outcome).name()
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
    use linkgate_gateway::{End, ShadowDecision};

    use super::*;

    pub(in crate::operation) fn decision() -> Decision {
        Decision {
            outcome: Outcome::Denied,
            cause: "subject-mismatch".to_owned(),
            detail: None,
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
            actor: None,
            secondary_actor: None,
            client_address: None,
            request_id: None,
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            unverified: None,
            verification: Some("host".to_owned()),
            metadata: None,
            shadow: None,
            missed: Vec::new(),
            claims: None,
            warnings: Vec::new(),
            end: End::Finished,
            elapsed_ms: 1,
        }
    }

    #[test]
    fn the_json_form_has_all_of_the_record() {
        let time = Time { unix_ms: 1_795_406_706_789 };
        let line = json(&decision(), Duration::from_micros(1500), time);
        assert_eq!(
            line,
            concat!(
                r#"{"schema":"linkgate.decision/1","time":"2026-11-23T04:05:06.789Z","outcome":"denied","#,
                r#""cause":"subject-mismatch","detail":null,"reason":"subject-mismatch","route":"link","method":"POST","#,
                r#""path":"/api/v2/users/auth0|a/identities","status":403,"upstream_called":false,"#,
                r#""upstream_status":null,"subject":"auth0|b","secondary":null,"#,
                r#""issuer":"https://tenant.example/","client":"spa","actor":null,"secondary_actor":null,"#,
                r#""client_address":null,"request_id":null,"#,
                r#""trace_id":"0af7651916cd43dd8448eb211c80319c","unverified":null,"verification":"host","metadata":null,"#,
                r#""shadow":null,"missed":[],"claims":null,"warnings":[],"end":"finished","#,
                r#""duration_us":1500}"#
            )
        );
    }

    #[test]
    fn what_is_in_shadow_stands_at_the_end_of_the_line() {
        let denied = decision();
        let shadow = ShadowDecision {
            outcome: denied.outcome,
            cause: denied.cause.clone(),
            reason: denied.reason.clone(),
        };
        let decision = Decision {
            outcome: Outcome::Passed,
            cause: "shadowed".to_owned(),
            reason: "shadowed".to_owned(),
            shadow: Some(shadow),
            missed: vec!["bearer-scope".to_owned()],
            ..denied
        };
        let line = human(&decision, Duration::from_micros(1500), Paint::never());
        let end = "  1.5 ms  in shadow: would be denied, subject-mismatch  in shadow: bearer-scope";
        assert!(line.ends_with(end), "{line}");
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
