//! A line of the decision log for a person: aligned words.

use std::time::Duration;

use linkgate_policy::{LogLine, Outcome};

use crate::paint::{Colour, Paint};

/// The form for a terminal.
pub(crate) fn human(line: &LogLine, paint: Paint) -> String {
    let status = line.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let upstream = match (line.upstream_called, line.upstream_status) {
        (false, _) => "not called".to_owned(),
        (true, None) => "no answer".to_owned(),
        (true, Some(status)) => status.to_string(),
    };
    let shadow = line
        .shadow
        .as_ref()
        .map(|shadow| format!("  in shadow: would be {}, {}", shadow.outcome.name(), shadow.cause));
    let missed = line.missed.iter().map(|cause| format!("  in shadow: {cause}"));
    let shadow: String = shadow.into_iter().chain(missed).collect();
    format!(
        "{} {status} {} {} {}  subject {}  upstream {upstream}  {:.1} ms{shadow}",
        paint.text(&format!("{:7}", line.outcome.name()), colour(line.outcome)),
        line.cause,
        line.method,
        line.path,
        line.subject.as_deref().unwrap_or("-"),
        Duration::from_micros(line.duration_us).as_secs_f64() * 1000.0,
    )
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
    use linkgate_policy::{End, LogLineShadow, Time};

    use super::*;

    pub(in crate::operation) fn line() -> LogLine {
        LogLine {
            time: Time { unix_ms: 1_795_406_706_789 },
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
            trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
            unverified: None,
            verification: Some("host".to_owned()),
            metadata: None,
            shadow: None,
            missed: Vec::new(),
            claims: None,
            warnings: Vec::new(),
            end: End::Finished,
            duration_us: 1500,
        }
    }

    #[test]
    fn what_is_in_shadow_is_at_the_end_of_the_line() {
        let denied = line();
        let shadow = LogLineShadow {
            outcome: denied.outcome,
            cause: denied.cause.clone(),
            reason: denied.reason.clone(),
        };
        let line = LogLine {
            outcome: Outcome::Passed,
            cause: "shadowed".to_owned(),
            reason: "shadowed".to_owned(),
            shadow: Some(shadow),
            missed: vec!["bearer-scope".to_owned()],
            ..denied
        };
        let line = human(&line, Paint::never());
        let end = "  1.5 ms  in shadow: would be denied, subject-mismatch  in shadow: bearer-scope";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn the_human_form_is_one_line() {
        let line = human(&line(), Paint::never());
        assert_eq!(
            line,
            "denied  403 subject-mismatch POST /api/v2/users/auth0|a/identities  subject auth0|b  upstream not called  1.5 ms"
        );
    }
}
