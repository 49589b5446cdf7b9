//! The report as `JUnit` XML, which CI systems show beside a change: a suite for each file, and one for the
//! rules of each policy.

use std::fmt::Write as _;

use super::{Parts, counts, deciding, expected, found, in_words, is_of_verdict};
use crate::document::Shadow;
use crate::team::coverage::{Coverage, Rule};
use crate::team::run::{Outcome, Played, Ran, Verdict};

/// The report as XML. A rule that no case shows, and a policy in shadow, is a failure where that is denied, and skipped
/// otherwise.
pub(crate) fn text(parts: &Parts<'_>) -> String {
    let Parts { ran, coverage, shadows, denies_untouched: is_denied, .. } = *parts;
    let mut all = counts(&ran.outcomes);
    for one in coverage {
        all.cases += one.rules.len();
        all.failed += if is_denied { one.untouched().count() } else { 0 };
    }
    all.cases += shadows.len();
    all.failed += if parts.denies_shadow { shadows.len() } else { 0 };
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(
        xml,
        "<testsuites name=\"linkgate\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        all.cases, all.failed, all.broken
    );
    for index in 0..ran.gathered.files.len() {
        xml.push_str(&of_file(ran, index));
    }
    for one in coverage {
        xml.push_str(&of_policy(one, is_denied));
    }
    if !shadows.is_empty() {
        xml.push_str(&of_shadows(shadows, parts.denies_shadow));
    }
    xml + "</testsuites>\n"
}

/// The cases of a file.
fn of_file(ran: &Ran, index: usize) -> String {
    let outcomes: Vec<&Outcome> =
        ran.outcomes.iter().filter(|outcome| outcome.file == index).collect();
    let counts = counts(outcomes.iter().copied());
    let Some(file) = ran.gathered.files.get(index).filter(|_| counts.cases > 0) else {
        return String::new();
    };
    let took: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
    let name = escaped(file.document.name());
    let cases: String = outcomes.into_iter().map(|outcome| case(ran, &name, outcome)).collect();
    format!(
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{took:.3}\">\n{cases}  </testsuite>\n",
        counts.cases, counts.failed, counts.broken
    )
}

/// The rules of a policy, each shown by a case or not.
fn of_policy(coverage: &Coverage, is_denied: bool) -> String {
    let name = escaped(&coverage.policy);
    let untouched = coverage.untouched().count();
    let (failures, skipped) = if is_denied { (untouched, 0) } else { (0, untouched) };
    let rules: String =
        coverage.rules.iter().map(|rule| self::rule(&name, rule, is_denied)).collect();
    format!(
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n{rules}  </testsuite>\n",
        coverage.rules.len()
    )
}

/// A suite for the policies that enforce nothing.
fn of_shadows(shadows: &[Shadow], is_denied: bool) -> String {
    let count = shadows.len();
    let (failures, skipped) = if is_denied { (count, 0) } else { (0, count) };
    let element = if is_denied { "failure" } else { "skipped" };
    let mut xml = format!(
        "  <testsuite name=\"shadow\" tests=\"{count}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n"
    );
    for shadow in shadows {
        let (policy, message) = (escaped(&shadow.policy), escaped(&in_words(shadow)));
        let line = shadow.line.map(|line| format!(" line=\"{line}\"")).unwrap_or_default();
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{policy}\" name=\"it is enforced\" file=\"{policy}\"{line}>\n      <{element} message=\"{message}\"/>\n    </testcase>"
        );
    }
    xml + "  </testsuite>\n"
}

fn rule(policy: &str, rule: &Rule, is_denied: bool) -> String {
    let line = rule.line.map(|line| format!(" line=\"{line}\"")).unwrap_or_default();
    let name = escaped(&format!("{}: {}", rule.key, rule.shown_by));
    let head =
        format!("    <testcase classname=\"{policy}\" name=\"{name}\" file=\"{policy}\"{line}");
    if rule.touched {
        return format!("{head}/>\n");
    }
    let element = if is_denied { "failure" } else { "skipped" };
    let message = escaped(&format!("no case shows it: {}", rule.shown_by));
    format!("{head}>\n      <{element} message=\"{message}\"/>\n    </testcase>\n")
}

fn case(ran: &Ran, file: &str, outcome: &Outcome) -> String {
    let line = outcome.case.line.map(|line| format!(" line=\"{line}\"")).unwrap_or_default();
    let head = format!(
        "    <testcase classname=\"{file}\" name=\"{}\" file=\"{file}\"{line} time=\"{:.3}\"",
        escaped(&outcome.case.case.title),
        outcome.took.as_secs_f64()
    );
    match &outcome.verdict {
        Verdict::Broken(trouble) => {
            let text = escaped(&trouble.to_string());
            format!("{head}>\n      <error message=\"{text}\"/>\n    </testcase>\n")
        }
        Verdict::Played(_) if outcome.holds() => format!("{head}/>\n"),
        Verdict::Played(played) => {
            let message = escaped(&format!("expected {}", expected(&outcome.case.wanted)));
            let story = escaped(&story(ran, outcome, played));
            format!(
                "{head}>\n      <failure message=\"{message}\">{story}</failure>\n    </testcase>\n"
            )
        }
    }
}

fn story(ran: &Ran, outcome: &Outcome, played: &Played) -> String {
    let mut lines = vec![
        format!("expected  {}", expected(&outcome.case.wanted)),
        format!("found     {}", found(played)),
    ];
    let rules = deciding(&ran.gathered, outcome, played);
    lines.extend(rules.into_iter().map(|rule| format!("rule      {rule}")));
    let others = played.differences.iter().filter(|one| !is_of_verdict(&one.what));
    lines.extend(others.map(ToString::to_string));
    lines.join("\n")
}

/// Text for XML 1.0, which has no way to write most controls.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            control if control.is_control() => out.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_an_attribute_or_an_element() {
        assert_eq!(escaped("a<b>&\"\n\u{1}"), "a&lt;b&gt;&amp;&quot;&#10;\u{fffd}");
    }
}
