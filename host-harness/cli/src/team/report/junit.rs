//! The report as `JUnit` XML, which CI systems show beside a change: a suite for each file.

use std::fmt::Write as _;

use super::{counts, deciding, expected, found, is_of_verdict};
use crate::team::run::{Outcome, Played, Ran, Verdict};

/// The report as XML.
pub(crate) fn text(ran: &Ran) -> String {
    let all = counts(&ran.outcomes);
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = writeln!(
        xml,
        "<testsuites name=\"linkgate\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        all.cases, all.failed, all.broken
    );
    for (index, file) in ran.gathered.files.iter().enumerate() {
        let outcomes: Vec<&Outcome> =
            ran.outcomes.iter().filter(|outcome| outcome.file == index).collect();
        let counts = counts(outcomes.iter().copied());
        if counts.cases == 0 {
            continue;
        }
        let took: f64 = outcomes.iter().map(|outcome| outcome.took.as_secs_f64()).sum();
        let name = escaped(file.document.name());
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{took:.3}\">",
            counts.cases, counts.failed, counts.broken
        );
        for outcome in outcomes {
            xml.push_str(&case(ran, &name, outcome));
        }
        xml.push_str("  </testsuite>\n");
    }
    xml + "</testsuites>\n"
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
