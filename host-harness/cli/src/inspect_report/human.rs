//! The report for people: what the file is, then what is baked into it.

use linkgate_policy::{KeySource, escaped};

use super::{BakedPolicy, Contents, End, Inspection, origin};
use crate::key_report::human::{moment, table, words_of};
use crate::paint::{Colour, Paint};

/// Width of the names of facts, in characters.
const NAME: usize = 10;

/// The report in words.
pub(crate) fn text(inspection: &Inspection<'_>, paint: Paint) -> String {
    let mut lines = vec![paint.bold(&escaped(inspection.file))];
    let fact = |name: &str, text: &str, colour| {
        format!("  {}{text}", paint.text(&format!("{name:NAME$}"), colour))
    };
    for (name, texts) in facts(inspection) {
        lines.extend(
            texts
                .iter()
                .enumerate()
                .map(|(place, text)| fact(if place == 0 { name } else { "" }, text, Colour::Grey)),
        );
    }
    match &inspection.baked {
        Contents::Nothing => {
            let text = if inspection.artifact.has_slot() {
                "none baked in: it is configured from outside"
            } else {
                "none, and no place for one"
            };
            lines.push(fact("policy", text, Colour::Grey));
        }
        Contents::Unusable(why) => lines.push(fact("policy", &escaped(why), Colour::Red)),
        Contents::Policy(policy) => {
            lines.push(fact("policy", "baked in, below", Colour::Grey));
            lines.extend(policy.upstream.iter().map(|url| fact("upstream", url, Colour::Grey)));
            lines.extend(policy.keys.map(|end| {
                let colour = if end.left_ms.is_some() { Colour::Grey } else { Colour::Red };
                fact("keys", &ending(end), colour)
            }));
            lines.extend(below(policy, paint));
        }
    }
    lines.join("\n") + "\n"
}

/// What is known of any file, each with its name.
fn facts(inspection: &Inspection<'_>) -> Vec<(&'static str, Vec<String>)> {
    let artifact = inspection.artifact;
    let surface = &artifact.surface;
    let names = |names: &[String]| match names {
        [] => vec!["nothing".to_owned()],
        names => names.iter().map(|name| escaped(name)).collect(),
    };
    let mut facts = Vec::new();
    match &surface.label {
        Some(label) => {
            let edition = format!("{} {}", label.edition, label.version);
            facts.push(("edition", vec![escaped(&edition)]));
            facts.push(("world", vec![escaped(&label.world)]));
            if !label.needs.is_empty() {
                facts.push(("needs", names(&label.needs)));
            }
        }
        None => {
            facts.push(("edition", vec!["none: this is nothing that linkgate built".to_owned()]));
        }
    }
    facts.push(("kind", vec![surface.kind.name().to_owned()]));
    facts.push(("size", vec![format!("{} bytes", artifact.bytes().len())]));
    facts.push(("sha-256", vec![artifact.digest()]));
    facts.push(("imports", names(&surface.imports)));
    facts.push(("exports", names(&surface.exports)));
    facts
}

fn ending(end: End) -> String {
    let at = moment(end.until);
    match end.left_ms {
        Some(left_ms) => format!("end at {at}, in {}; then 503", words_of(left_ms)),
        None => format!("ended at {at}: what needs one is answered 503"),
    }
}

/// The keys of each issuer, and the policy.
fn below(policy: &BakedPolicy, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for source in &policy.sources {
        lines.extend([String::new(), paint.bold(&escaped(&source.issuer)), from(source)]);
        if !source.keys.is_empty() {
            lines.extend(table(&source.keys, paint));
        }
    }
    let document = serde_json::to_string_pretty(&policy.document).unwrap_or_default();
    lines.push(String::new());
    lines.extend(document.lines().map(ascii));
    lines
}

fn from(source: &KeySource) -> String {
    let url = source.url.as_deref().map(escaped).unwrap_or_default();
    match origin(source) {
        "baked" => format!("  keys are baked in, as they were at {url}"),
        "fetched" => format!("  keys are not baked in: they are fetched from {url}"),
        _ => "  keys stand in the policy, and have no end date".to_owned(),
    }
}

/// A line in ASCII: what is in a file must not move a terminal's cursor. Its backslashes are JSON's.
fn ascii(line: &str) -> String {
    let shown =
        |c: char| if matches!(c, ' '..='~') { vec![c] } else { c.escape_unicode().collect() };
    line.chars().flat_map(shown).collect()
}
