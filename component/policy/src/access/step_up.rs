//! A sign-in that is strong and fresh enough to link and unlink by (RFC 9470).

use crate::jose::claims::Claims;
use crate::rules::issuer::StepUpRules;
use crate::text::json::Json;
use crate::time::clock::Now;

impl StepUpRules {
    /// Whether a token tells of such a sign-in. What it does not tell, or not in a form that can be read, did
    /// not happen.
    pub(crate) fn is_met(&self, claims: &Claims, skew_ms: u64, now: Now) -> bool {
        self.is_strong(claims) && self.is_fresh(claims, skew_ms, now)
    }

    fn is_strong(&self, claims: &Claims) -> bool {
        let lists = |names: &[String], found: &Json| {
            found.as_text().is_some_and(|found| names.iter().any(|name| name == found))
        };
        let methods = match claims.member("amr") {
            Some(Json::List(methods)) => methods.as_slice(),
            _ => &[],
        };
        (self.acr.is_empty() && self.amr.is_empty())
            || claims.member("acr").is_some_and(|acr| lists(&self.acr, acr))
            || methods.iter().any(|method| lists(&self.amr, method))
    }

    /// The claim that cannot be read, if that is why such a sign-in did not happen.
    pub(crate) fn ill_typed(&self, claims: &Claims) -> Option<&'static str> {
        let is_odd = |name: &'static str, is_read: bool, fits: fn(&Json) -> bool| {
            (is_read && claims.member(name).is_some_and(|value| !fits(value))).then_some(name)
        };
        is_odd("acr", !self.acr.is_empty(), |acr| acr.as_text().is_some())
            .or_else(|| is_odd("amr", !self.amr.is_empty(), |amr| matches!(amr, Json::List(_))))
            .or_else(|| {
                let is_read = self.max_age_ms.is_some();
                (is_read && claims.date_ms("auth_time").is_err()).then_some("auth_time")
            })
    }

    /// `iat` replaces nothing: a silent renewal has a new one and is no sign-in.
    fn is_fresh(&self, claims: &Claims, skew_ms: u64, now: Now) -> bool {
        let Some(max_age_ms) = self.max_age_ms else { return true };
        claims.date_ms("auth_time").ok().flatten().is_some_and(|signed_in_ms| {
            let oldest_ms = signed_in_ms.saturating_add(max_age_ms).saturating_add(skew_ms);
            now.unix_ms <= oldest_ms && signed_in_ms <= now.unix_ms.saturating_add(skew_ms)
        })
    }

    /// What a client has to ask for, as attributes of the challenge (RFC 9470 section 3). They come from the
    /// policy, and hold nothing that would end a quoted string. `amr` has no attribute.
    pub(crate) fn attributes(&self) -> String {
        let acr =
            (!self.acr.is_empty()).then(|| format!(r#", acr_values="{}""#, self.acr.join(" ")));
        let max_age = self.max_age_ms.map(|ms| format!(r#", max_age="{}""#, ms / 1000));
        [acr, max_age].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;

    fn rules(acr: &[&str], amr: &[&str], max_age_ms: Option<u64>) -> StepUpRules {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        StepUpRules { acr: owned(acr), amr: owned(amr), max_age_ms }
    }

    fn is_met(rules: &StepUpRules, text: &str) -> bool {
        let claims = Claims::parse(text.as_bytes()).map_err(|_| "no claims").unwrap();
        rules.is_met(&claims, 30_000, NOW)
    }

    #[test]
    fn one_of_the_strong_ways_is_enough() {
        let rules = rules(&["gold", "silver"], &["mfa"], None);
        for strong in [
            r#"{"acr":"gold"}"#,
            r#"{"acr":"bronze","amr":["pwd","mfa"]}"#,
            r#"{"acr":1,"amr":["mfa"]}"#,
        ] {
            assert!(is_met(&rules, strong), "{strong}");
        }
        for weak in [
            "{}",
            r#"{"acr":"Gold"}"#,
            r#"{"acr":"gold silver"}"#,
            r#"{"acr":["gold"]}"#,
            r#"{"acr":"mfa"}"#,
            r#"{"amr":"mfa"}"#,
            r#"{"amr":["gold"]}"#,
            r#"{"amr":{"mfa":true}}"#,
            r#"{"amr":[]}"#,
        ] {
            assert!(!is_met(&rules, weak), "{weak}");
        }
    }

    #[test]
    fn a_sign_in_ages_from_its_auth_time() {
        let rules = rules(&[], &[], Some(60_000));
        let at =
            |ago_s: i64| format!(r#"{{"iat":1700000000,"auth_time":{}}}"#, 1_700_000_000 - ago_s);
        for (ago_s, expected) in [(0, true), (90, true), (91, false), (-30, true)] {
            assert_eq!(is_met(&rules, &at(ago_s)), expected, "{ago_s}");
        }
        assert!(!is_met(&rules, r#"{"iat":1700000000}"#), "a renewal is no sign-in");
    }

    #[test]
    fn the_challenge_says_what_to_ask_for() {
        for (rules, expected) in [
            (
                rules(&["gold", "silver"], &[], Some(600_000)),
                r#", acr_values="gold silver", max_age="600""#,
            ),
            (rules(&[], &["mfa"], Some(1500)), r#", max_age="1""#),
            (rules(&[], &["mfa"], None), ""),
        ] {
            assert_eq!(rules.attributes(), expected);
        }
    }
}
