//! The tables of `docs/configuration.md`, which stand in it between two remarks that name their section.

use super::{Key, SECTIONS, Section, Shape, Unless};

/// The page with its tables written anew. Nothing between them is touched.
///
/// # Errors
///
/// A section has no place in it: the text says which.
pub fn renewed(page: &str) -> Result<String, String> {
    let mut page = page.to_owned();
    for section in SECTIONS {
        let name = if section.path.is_empty() { "the document" } else { section.path };
        let begin = format!("<!-- keys of {name}: generated -->\n");
        let (before, rest) =
            page.split_once(&begin).ok_or_else(|| format!("no `{}`", begin.trim()))?;
        let (_, after) =
            rest.split_once(END).ok_or_else(|| format!("no `{END}` after `{}`", begin.trim()))?;
        page = format!("{before}{begin}{}{END}{after}", table(&section));
    }
    Ok(page)
}

const END: &str = "<!-- end of keys -->";

fn table(section: &Section) -> String {
    let rows = section.keys.iter().map(row);
    let head = "| key | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    [head].into_iter().chain(rows).collect()
}

fn row(key: &Key) -> String {
    format!("| `{}` | {} | {} | {} |\n", key.name, shape(&key.shape), default(key), key.meaning)
}

fn default(key: &Key) -> String {
    match key.unless {
        Unless::Required => "required".to_owned(),
        Unless::Is(value) => format!("`{value}`"),
        Unless::Says(words) => words.to_owned(),
    }
}

/// What an editor shows at a key: its meaning, what may be there, and what holds without it.
pub(super) fn hover(key: &Key) -> String {
    let default = match key.unless {
        Unless::Required => default(key),
        Unless::Is(_) | Unless::Says(_) => format!("default: {}", default(key)),
    };
    format!("{}\n\n{}; {default}.", key.meaning, shape(&key.shape))
}

fn shape(shape: &Shape) -> String {
    match *shape {
        Shape::One => "`1`".to_owned(),
        Shape::Text => "string".to_owned(),
        Shape::SecretName => "name of a secret".to_owned(),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::True => "`true`".to_owned(),
        Shape::Word(words) => alternatives(words),
        Shape::Duration(from, to) => format!("duration, {} to {}", duration(from), duration(to)),
        Shape::DurationOr(from, to, word) => {
            format!("duration, {} to {}, or `{word}`", duration(from), duration(to))
        }
        Shape::Moment => "date, or moment in UTC".to_owned(),
        Shape::Whole(from, to) => format!("whole number, {from} to {to}"),
        Shape::Texts(_) => "list of strings".to_owned(),
        Shape::TextsOr(word) => format!("list of strings, or `\"{word}\"`"),
        Shape::Words(words) => format!("list of {}", alternatives(words)),
        Shape::WordsAt(_) => "list of names".to_owned(),
        Shape::Object => "object".to_owned(),
        Shape::ObjectOr(word) => format!("`{word}`, or object"),
        Shape::Objects => "list of objects".to_owned(),
        Shape::KeySet => "JSON Web Key Set (RFC 7517)".to_owned(),
    }
}

fn alternatives(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

/// In the largest unit that leaves a whole number.
fn duration(ms: u64) -> String {
    match ms {
        0 => "0s".to_owned(),
        ms if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        ms if ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
