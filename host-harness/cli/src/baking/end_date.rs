//! When keys that are baked in end: after a while, or at a moment.

use std::time::Duration;

use linkgate_policy::{Time, duration_ms, moment_ms};

/// The longest that keys may be baked in for. A key that an issuer withdraws works for as long; raised, a stolen
/// one does too.
pub(crate) const LONGEST: Duration = Duration::from_hours(720);

/// A duration as policies have them: a whole number and `ms`, `s`, `m` or `h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = duration_ms(text).map(Duration::from_millis);
    let fits = |duration: &Duration| (Duration::from_millis(1)..=LONGEST).contains(duration);
    duration.filter(fits).ok_or_else(|| {
        "expected a duration of at most `720h`, such as `24h` or `90m`, found something else"
            .to_owned()
    })
}

/// A moment as policies have them, in UTC: `2026-12-01`, or `2026-12-01T00:00:00Z`.
pub(crate) fn moment(text: &str) -> Result<Time, String> {
    let moment = moment_ms(text).map(|unix_ms| Time { unix_ms });
    moment.ok_or_else(|| {
        "expected a moment in UTC, such as `2026-12-01T00:00:00Z`, found something else".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_within_a_month() {
        assert_eq!(duration("24h"), Ok(Duration::from_hours(24)));
        assert_eq!(duration("720h"), Ok(LONGEST));
        for text in ["", "0s", "721h", "7d", "24", "-1h", "1.5h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
