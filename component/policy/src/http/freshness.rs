//! How long an answer is fresh (RFC 9111), and when to ask again.

use super::outgoing::Answer;

/// Milliseconds for which an answer says it is fresh: `max-age` less `Age` (RFC 9111 sections 4.2.1
/// and 5.1). Nothing when it does not say.
pub(crate) fn stated_freshness_ms(answer: &Answer) -> Option<u64> {
    let directives = || {
        let lines = answer.headers.iter().filter(|line| line.name == "cache-control");
        lines
            .filter_map(|line| std::str::from_utf8(&line.value).ok())
            .flat_map(|value| value.split(','))
            .map(|directive| directive.trim().to_ascii_lowercase())
    };
    if directives().any(|directive| matches!(&*directive, "no-store" | "no-cache")) {
        return Some(0);
    }
    let max_age_s =
        directives().find_map(|directive| directive.strip_prefix("max-age=").and_then(seconds))?;
    let age_s = header(answer, "age").and_then(seconds).unwrap_or(0);
    Some(max_age_s.saturating_sub(age_s).saturating_mul(1000))
}

/// Milliseconds after which an answer says it may be asked for again (RFC 9110 section 10.2.3).
/// Dates are not read.
pub(crate) fn retry_after_ms(answer: &Answer) -> Option<u64> {
    header(answer, "retry-after").and_then(seconds).map(|seconds| seconds.saturating_mul(1000))
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let line = answer.headers.iter().find(|line| line.name == name)?;
    std::str::from_utf8(&line.value).ok()
}

/// `delta-seconds`, capped as RFC 9111 section 1.2.2 has it; quotes around it are tolerated.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim().trim_matches('"');
    let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.parse().unwrap_or(u64::MAX).min(1 << 31))
}

#[cfg(test)]
mod tests {
    use super::super::message::Header;
    use super::*;

    #[test]
    fn freshness_is_what_the_answer_says() {
        for (row, headers, expected) in [
            ("nothing said", &[][..], None),
            ("max-age", &[("cache-control", "public, max-age=60")][..], Some(60_000)),
            ("less its age", &[("cache-control", "max-age=60"), ("age", "20")][..], Some(40_000)),
            ("older than that", &[("cache-control", "max-age=60"), ("age", "90")][..], Some(0)),
            ("no-store", &[("cache-control", "max-age=60, no-store")][..], Some(0)),
            ("capitals", &[("cache-control", "Max-Age=5")][..], Some(5000)),
            ("not a number", &[("cache-control", "max-age=x")][..], None),
            (
                "huge",
                &[("cache-control", "max-age=99999999999999999999")][..],
                Some((1 << 31) * 1000),
            ),
        ] {
            let headers = headers.iter().map(|(name, value)| Header::new(name, value)).collect();
            let answer = Answer { status: 200, headers, body: vec![] };
            assert_eq!(stated_freshness_ms(&answer), expected, "{row}");
        }
    }
}
