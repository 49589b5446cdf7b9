//! Where an issuer's keys come from, and for how long a withdrawn one may still work: for the operator.

use std::time::Duration;

use linkgate_gateway::KeySource;
use linkgate_policy::Time;

/// A line about the keys of one issuer, as its policy has them.
pub(crate) fn line(source: &KeySource) -> String {
    let KeySource { issuer, url, withdrawal_ms, keys, .. } = source;
    if let Some(unix_ms) = source.baked_until {
        let until = Time { unix_ms };
        return match source.expires_in_ms {
            Some(0) => format!(
                "keys of {issuer} are baked in and ended at {until}: its requests are answered 503"
            ),
            Some(_) | None => {
                format!("keys of {issuer} are baked in: used until {until}, and never fetched")
            }
        };
    }
    match (url, withdrawal_ms) {
        (Some(url), Some(withdrawal_ms)) => {
            let longest = words(Duration::from_millis(*withdrawal_ms));
            format!("keys of {issuer} from {url}: a withdrawn key stops working within {longest}")
        }
        (Some(url), None) => format!("keys of {issuer} from {url}"),
        (None, _) => {
            let counted = if *keys == 1 { "1 key" } else { &format!("{keys} keys") };
            format!(
                "keys of {issuer} from the policy, {counted}: a key works until it is taken out"
            )
        }
    }
}

/// A duration in hours, minutes and seconds, rounded up.
pub(crate) fn words(duration: Duration) -> String {
    let seconds = u64::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_a_line_with_its_withdrawal_bound() {
        let remote = KeySource {
            issuer: "https://a.example/".to_owned(),
            url: Some("https://a.example/keys".to_owned()),
            usable: false,
            keys: 0,
            host_verifies: vec![],
            age_ms: None,
            expires_in_ms: None,
            withdrawal_ms: Some(4_200_000),
            baked_until: None,
            last_failure: None,
        };
        let inline = KeySource { url: None, withdrawal_ms: None, keys: 2, ..remote.clone() };
        let baked = KeySource {
            baked_until: Some(1_764_081_005_250),
            expires_in_ms: Some(1),
            ..remote.clone()
        };
        let ended = KeySource { expires_in_ms: Some(0), ..baked.clone() };
        for (source, expected) in [
            (
                baked,
                "keys of https://a.example/ are baked in: used until 2025-11-25T14:30:05.250Z, and \
                 never fetched",
            ),
            (
                ended,
                "keys of https://a.example/ are baked in and ended at 2025-11-25T14:30:05.250Z: its \
                 requests are answered 503",
            ),
            (
                remote,
                "keys of https://a.example/ from https://a.example/keys: \
                 a withdrawn key stops working within 1 h 10 min",
            ),
            (
                inline,
                "keys of https://a.example/ from the policy, 2 keys: \
                 a key works until it is taken out",
            ),
        ] {
            assert_eq!(line(&source), expected);
        }
    }

    #[test]
    fn a_duration_is_rounded_up_to_seconds() {
        for (ms, expected) in [
            (0, "0 s"),
            (1, "1 s"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (90_061_500, "25 h 1 min 2 s"),
        ] {
            assert_eq!(words(Duration::from_millis(ms)), expected, "{ms}");
        }
    }
}
