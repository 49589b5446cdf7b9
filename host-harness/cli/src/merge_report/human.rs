//! The report for people: a row a key, and what would be written when.

use linkgate_policy::{Fate, Preview, PreviewKey, escaped};

use crate::columns::{aligned, cut};
use crate::paint::{Colour, Paint};

/// Widest cell of a value, in characters.
const VALUE: usize = 28;

/// A merge in words.
pub(crate) fn planned(preview: &Preview, paint: Paint) -> String {
    let names = ["key", "primary", "secondary", "becomes", "why"].map(str::to_owned);
    let rows = aligned([names].into_iter().chain(preview.keys.iter().map(cells)));
    let (names, rows) = rows.split_first().map_or(("", &[][..]), |(names, rows)| (names, rows));
    let mut lines = vec![paint.text(&format!("  {names}"), Colour::Grey)];
    lines.extend(preview.keys.iter().zip(rows).map(|(key, row)| {
        let (mark, colour) = mark(key);
        let line = format!("{mark} {row}");
        colour.map_or(line.clone(), |colour| paint.text(&line, colour))
    }));
    lines.push(String::new());
    let none = || "nothing".to_owned();
    let facts = [
        ("before the link", preview.before_link.clone().unwrap_or_else(none)),
        ("once it is confirmed", preview.after_link.clone().unwrap_or_else(none)),
        ("size", format!("{} of {} bytes", preview.bytes, preview.max_bytes)),
    ];
    lines.extend(facts.map(|(name, value)| {
        let name = paint.text(&format!("{name:20}"), Colour::Grey);
        format!("{name}  {value}")
    }));
    lines.join("\n") + "\n"
}

/// In words, why there would be none.
pub(crate) fn refused(cause: &str, why: &str, paint: Paint) -> String {
    let heading = paint.text("✗ the link would be refused, and nothing written", Colour::Red);
    format!("{heading}\n  {}\n  cause in the log: {cause}\n", escaped(why))
}

fn cells(key: &PreviewKey) -> [String; 5] {
    let value = |value: &Option<String>| {
        value.as_deref().map_or_else(|| "-".to_owned(), |json| cut(&escaped(json), VALUE))
    };
    let name = cut(&escaped(&key.key), VALUE);
    let same = key.outcome.is_some() && key.outcome == key.primary;
    let becomes = if same { "=".to_owned() } else { value(&key.outcome) };
    [name, value(&key.primary), value(&key.secondary), becomes, why(key).to_owned()]
}

fn mark(key: &PreviewKey) -> (char, Option<Colour>) {
    match key.fate {
        Some(Fate::Added) => ('+', Some(Colour::Green)),
        Some(Fate::Staged) => ('~', Some(Colour::Yellow)),
        Some(Fate::Dropped | Fate::LeftOut) => ('-', Some(Colour::Red)),
        Some(Fate::Kept | Fate::Carried) => ('&', Some(Colour::Green)),
        None if key.primary.is_none() => ('&', Some(Colour::Green)),
        Some(Fate::Same | Fate::Null) | None => (' ', None),
    }
}

fn why(key: &PreviewKey) -> &'static str {
    match key.fate {
        None if key.primary.is_none() => "the reserved key",
        None => "the primary alone has it",
        Some(Fate::Added) => "added once the link is confirmed",
        Some(Fate::Same) => "both have it",
        Some(Fate::Dropped) => "the primary's stays, the secondary's is lost",
        Some(Fate::Staged) => "written once the link is confirmed",
        Some(Fate::Kept) => "the primary's stays, the secondary's is kept in the reserved key",
        Some(Fate::Carried) => "kept in the reserved key as it is",
        Some(Fate::LeftOut) => "left out by the policy, lost",
        Some(Fate::Null) => "nothing to carry",
    }
}
