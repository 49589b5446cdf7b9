//! Lines for the operator, on the host's stderr.

use std::fmt::Write as _;

use linkgate_policy::{Decision, End, Outcome};

/// Writes the record of an exchange.
pub(crate) fn decision(decision: &Decision) {
    write(&line(decision));
}

/// Writes what is wrong with the configuration.
pub(crate) fn mistakes(mistakes: &[String]) {
    for mistake in mistakes {
        write(&format!("linkgate is unavailable: {mistake}"));
    }
}

/// A record as one line: `linkgate`, then `name=value` for all that is known. The texts of callers
/// are escaped by the core, and quoted here.
fn line(decision: &Decision) -> String {
    let outcome = match decision.outcome() {
        Outcome::Allowed => "allowed",
        Outcome::Passed => "passed",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
    };
    let end = match decision.end {
        End::Finished => "finished",
        End::ClientGone => "client-gone",
        End::Shutdown => "shutdown",
    };
    let (cause, reason) = (decision.cause.name(), decision.cause.reason_code());
    let mut line = format!(
        "linkgate outcome={outcome} cause={cause} reason={reason} route={}",
        decision.route
    );
    let number = |number: Option<u16>| number.map(|number| number.to_string());
    let pairs = [
        ("method", Some(quoted(&decision.method))),
        ("path", Some(quoted(&decision.path))),
        ("status", number(decision.status)),
        ("upstream_called", Some(decision.upstream_called.to_string())),
        ("upstream_status", number(decision.upstream_status)),
        ("subject", decision.subject.as_deref().map(quoted)),
        ("secondary", decision.secondary.as_deref().map(quoted)),
        ("issuer", decision.issuer.as_deref().map(quoted)),
        ("client", decision.client.as_deref().map(quoted)),
        ("traceparent", decision.traceparent.clone()),
        ("unverified", decision.unverified.clone()),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    }
    let _ = write!(line, " end={end} elapsed_ms={}", decision.elapsed_ms);
    line
}

/// The core's escapes begin with a backslash and hold no quote; ours is the one before a quote.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}

/// Writes a line. What cannot be written is lost: a request does not wait for its log.
fn write(line: &str) {
    let stderr = wasi::cli::stderr::get_stderr();
    for part in format!("{line}\n").as_bytes().chunks(MAX_WRITE) {
        if stderr.blocking_write_and_flush(part).is_err() {
            return;
        }
    }
}

/// Bytes that one blocking write takes, by the contract of `wasi:io/streams`.
const MAX_WRITE: usize = 4096;

#[cfg(test)]
mod tests {
    use linkgate_policy::{Head, Now, Policy, Secrets};

    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let document = r#"{"version":1,"issuers":[{"issuer":"https://tenant.example/","audiences":["x"],
            "algorithms":["EdDSA"],"secondary":{"algorithms":["EdDSA"]},"keys":{"jwks":{"keys":[{
            "kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}}]}"#;
        let mut policy = Policy::compile(document, &Secrets::default(), 1).unwrap();
        let now = Now { unix_ms: 1_700_000_000_000, mono_ms: 0 };
        let head = Head { method: "GET".into(), target: b"/a\"b\n".into(), headers: vec![] };
        let (exchange, _) = policy.open(head, now);
        assert_eq!(
            line(&policy.close(exchange, End::Finished, now)),
            r#"linkgate outcome=denied cause=path-raw-control reason=path-refused route=none method="GET" path="/a\"b\u{a}" status=400 upstream_called=false end=finished elapsed_ms=0"#
        );
    }
}
