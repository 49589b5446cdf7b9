//! The explanation for people: a block a step, and the verdict.

use linkgate_policy::Time;

use crate::columns::aligned;
use crate::explain::steps::{Explanation, State, Step};
use crate::paint::{Colour, Paint};

/// The explanation in words.
pub(crate) fn text(explanation: &Explanation, paint: Paint) -> String {
    let mut lines = Vec::new();
    for step in &explanation.steps {
        lines.extend(block(step, paint));
    }
    lines.push(String::new());
    lines.extend(verdict(explanation, paint));
    lines.join("\n") + "\n"
}

fn block(step: &Step, paint: Paint) -> Vec<String> {
    let (mark, colour) = match step.state {
        State::Held => ("✓", Colour::Green),
        State::Refused => ("✗", Colour::Red),
        State::Open => ("?", Colour::Yellow),
        State::NotReached => ("-", Colour::Grey),
    };
    let name = format!("{:NAME$}", step.stage.name());
    let mut lines =
        vec![format!("{} {}{}", paint.text(mark, colour), paint.bold(&name), step.concluded)];
    let rule = step.rule.iter().map(|rule| ("rule".to_owned(), rule.clone()));
    let facts = step.saw.iter().cloned().chain(rule);
    let rows = aligned(facts.map(|(name, value)| [name, value]));
    lines.extend(rows.into_iter().map(|row| format!("{:width$}{row}", "", width = NAME + 2)));
    lines
}

/// Width of the names of steps, in characters.
const NAME: usize = 11;

fn verdict(explanation: &Explanation, paint: Paint) -> Vec<String> {
    let at =
        Time { unix_ms: explanation.at_s.saturating_mul(1000) }.to_string().replace(".000Z", "Z");
    let is_open = explanation.steps.iter().any(|step| step.state == State::Open);
    let word = match (explanation.outcome, explanation.is_pass(), is_open) {
        ("allowed" | "passed", false, _) => {
            paint.text("not a pass", Colour::Yellow)
                + ": all else holds, but no signature was checked"
        }
        (_, true, true) => {
            paint.text("allowed", Colour::Green)
                + ", as far as the gate decides: metadata is the API's to tell"
        }
        (outcome, true, false) => paint.text(outcome, Colour::Green),
        (outcome, false, _) => {
            let gets = if explanation.shadow_until_ms.is_some() { "would get" } else { "gets" };
            let status = explanation.status.map(|status| format!(", the client {gets} {status}"));
            let cause = if explanation.cause == explanation.reason {
                String::new()
            } else {
                format!(" (cause {})", explanation.cause)
            };
            format!(
                "{}: {}{cause}{}",
                paint.text(outcome, Colour::Red),
                explanation.reason,
                status.unwrap_or_default()
            )
        }
    };
    let mut lines = vec![format!("{word} (at {at})")];
    lines.extend(
        explanation.missed.iter().map(|missed| {
            format!("logged and not enforced, since its rule is in shadow: {missed}")
        }),
    );
    if let Some(until) = explanation.shadow_until_ms {
        let until = Time { unix_ms: until }.to_string().replace(".000Z", "Z");
        lines.push(format!(
            "The policy is in shadow: until {until} the request passes all the same."
        ));
    }
    if let Some(advice) = &explanation.advice {
        lines.push("If it should be otherwise:".to_owned());
        lines.extend(wrapped(advice));
        lines.push(format!("`linkgate reason {}` has the whole page.", explanation.reason));
    }
    lines
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDEST => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines
}

/// Characters of a line of prose.
const WIDEST: usize = 90;
