//! What is not enforced, said loudly: at the start, after a reload, and when it ends.

use linkgate_gateway::Readiness;
use linkgate_policy::{Shadow, Time};
use serde_json::json;

use super::Format;
use crate::clock;

/// What was printed last.
pub(crate) struct ShadowNews {
    readiness: Readiness,
    format: Format,
    printed: Vec<String>,
}

impl ShadowNews {
    /// News of the policy that a gateway serves, in the form of its decision log.
    pub(crate) fn new(readiness: Readiness, format: Format) -> Self {
        Self { readiness, format, printed: Vec::new() }
    }

    /// Prints on standard error what is in shadow now, if that has changed.
    pub(crate) fn tell(&mut self) {
        let now = Time { unix_ms: clock::now().unix_ms };
        let shadow = self
            .readiness
            .shadow()
            .map(|shadow| Shadow { until_unix_ms: shadow.until, rules: shadow.rules });
        let current = shadow.as_ref().map(|shadow| shadow.notices(now.unix_ms)).unwrap_or_default();
        for notice in news(&self.printed, &current) {
            eprintln!("{}", line(notice, shadow.as_ref(), now, self.format));
        }
        self.printed = current;
    }
}

/// What is to be said now, after this was said before.
fn news<'a>(printed: &[String], current: &'a [String]) -> Vec<&'a str> {
    if current == printed {
        return Vec::new();
    }
    if current.is_empty() { vec![OVER] } else { current.iter().map(String::as_str).collect() }
}

const OVER: &str = "shadow mode is over: the policy enforces all it says";

fn line(notice: &str, shadow: Option<&Shadow>, time: Time, format: Format) -> String {
    match format {
        Format::Human => format!("linkgate: {notice}"),
        Format::Json => {
            let until = shadow.and_then(|shadow| shadow.until_unix_ms);
            let until = until.map(|unix_ms| Time { unix_ms });
            let rules = shadow.map(|shadow| shadow.rules.as_slice()).unwrap_or_default();
            json!({
                "schema": "linkgate.shadow/1", "time": time, "notice": notice, "until": until, "rules": rules,
            })
            .to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: u64 = 1_797_724_800_000;
    const DAY: u64 = 86_400_000;

    fn shadow() -> Shadow {
        Shadow { until_unix_ms: Some(UNTIL), rules: vec!["issuers[0].scopes".to_owned()] }
    }

    #[test]
    fn it_is_told_once_and_again_when_it_changes() {
        let (before, after) = (shadow().notices(UNTIL - DAY), shadow().notices(UNTIL));
        assert!(before[0].starts_with("SHADOW MODE until 2026-12-20T00:00:00.000Z"), "{before:?}");
        assert!(after[0].starts_with("shadow mode ended at 2026-12-20"), "{after:?}");
        assert_eq!(before[1], "SHADOW MODE of rules, logged and not enforced: issuers[0].scopes");
        assert_eq!(news(&[], &before), before.iter().collect::<Vec<_>>());
        assert!(news(&before, &before).is_empty());
        assert_eq!(news(&before, &after).len(), 2);
        assert_eq!(news(&after, &[]), [OVER]);
        assert!(news(&[], &[]).is_empty());
    }

    /// A clock that lost its date lets nothing through, and does not say so.
    #[test]
    fn an_end_too_far_ahead_is_none() {
        assert!(shadow().notices(UNTIL - 30 * DAY)[0].starts_with("SHADOW MODE"));
        assert!(
            shadow().notices(UNTIL - 30 * DAY - 1)[0].starts_with("shadow mode is not in force")
        );
    }

    #[test]
    fn machines_get_it_as_json() {
        let time = Time { unix_ms: UNTIL - DAY };
        assert_eq!(
            line("said", Some(&shadow()), time, Format::Json),
            r#"{"notice":"said","rules":["issuers[0].scopes"],"schema":"linkgate.shadow/1","time":"2026-12-19T00:00:00.000Z","until":"2026-12-20T00:00:00.000Z"}"#
        );
        assert_eq!(line("said", None, time, Format::Human), "linkgate: said");
    }
}
