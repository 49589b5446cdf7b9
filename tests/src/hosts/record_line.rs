//! A line of the decision log, read back.

use linkgate_cases::Record;
use serde_json::Value;

/// The record in a line, if it is one; other lines are a host's own. `traceparent` holds what a
/// line tells of it, the trace id.
#[must_use]
pub fn parse(line: &str) -> Option<Record> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("schema")? != "linkgate.decision/1" {
        return None;
    }
    let text = |name: &str| line.get(name)?.as_str().map(str::to_owned);
    let number = |name: &str| line.get(name)?.as_u64();
    let status = |name: &str| number(name).and_then(|number| u16::try_from(number).ok());
    text("time")?;
    Some(Record {
        outcome: text("outcome")?,
        cause: text("cause")?,
        detail: text("detail"),
        reason: text("reason")?,
        route: text("route")?,
        method: text("method")?,
        path: text("path")?,
        status: status("status"),
        upstream_called: line.get("upstream_called")?.as_bool()?,
        upstream_status: status("upstream_status"),
        subject: text("subject"),
        secondary: text("secondary"),
        issuer: text("issuer"),
        client: text("client"),
        actor: text("actor"),
        secondary_actor: text("secondary_actor"),
        client_address: text("client_address"),
        request_id: text("request_id"),
        traceparent: text("trace_id"),
        unverified: text("unverified"),
        verification: text("verification"),
        metadata: line.get("metadata").filter(|value| !value.is_null()).cloned(),
        shadow: line.get("shadow").filter(|value| !value.is_null()).cloned(),
        missed: line.get("missed").and_then(texts).unwrap_or_default(),
        claims: line.get("claims").filter(|value| !value.is_null()).cloned(),
        warnings: line.get("warnings").and_then(texts).unwrap_or_default(),
        end: text("end")?,
        elapsed_ms: number("duration_us")? / 1_000,
    })
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"schema":"linkgate.decision/1","time":"2026-11-23T04:05:06.789Z","outcome":"denied","cause":"c","reason":"r","route":"none","method":"GET","path":"/a\"b\\u{a}","status":400,"upstream_called":false,"upstream_status":null,"subject":"auth0|a b","secondary":null,"issuer":null,"client":null,"trace_id":null,"unverified":null,"end":"finished","duration_us":3999}"#;

    #[test]
    fn a_line_is_read_back() {
        let record = parse(LINE).expect("a decision");
        assert_eq!((record.path.as_str(), record.status), (r#"/a"b\u{a}"#, Some(400)));
        assert_eq!((record.subject.as_deref(), record.issuer), (Some("auth0|a b"), None));
        assert_eq!(record.elapsed_ms, 3);
        let incomplete = LINE.replace(r#""end":"finished","#, "");
        let of_another_version = LINE.replace("decision/1", "decision/2");
        for other in ["Serving HTTP", "{}", "1", &incomplete, &of_another_version] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
