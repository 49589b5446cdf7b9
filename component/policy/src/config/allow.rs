//! `allow`: warnings that a policy accepts, by their names.

use super::notes::Warning;
use super::section::Entry;
use super::spelling;
use crate::text::json::Json;

/// The names of all warnings. `docs/commands.md` describes each.
pub const WARNINGS: [&str; 21] = [
    "actors",
    "allow-unused",
    "bound-tokens",
    "entra-tenant",
    "id-token-bearer",
    "issuer-slash",
    "keys-by-http",
    "keys-stale",
    "long-clock-skew",
    "long-tokens",
    "metadata-everything",
    "old-sign-ins",
    "page-by-http",
    "placeholder",
    "rule-in-shadow",
    "scopes-foreign",
    "scopes-in-shadow",
    "scopes-none",
    "secret-shared",
    "shadow",
    "shadow-over",
];

/// Reads the list. What is accepted is parted from the rest once all was read: [`parted`].
pub(super) fn read(entry: &Entry<'_>) {
    let mut seen = Vec::new();
    entry.filled_list(|entry| {
        let text = entry.text()?;
        if seen.contains(&text) {
            return entry.wrong::<()>("every warning once", &format!("`{text}` again"));
        }
        seen.push(text);
        if WARNINGS.contains(&text) {
            return Some(());
        }
        let near = spelling::nearest(text, WARNINGS.into_iter()).map(spelling::question);
        let help =
            near.unwrap_or_else(|| "`linkgate check` writes the name of each warning".to_owned());
        entry.mistaken(format!("expected the name of a warning, found `{text}`"), Some(help))
    });
}

/// The warnings that a document accepts, and the others. A name that accepts nothing is one of these.
pub(super) fn parted(document: &Json, warnings: Vec<Warning>) -> (Vec<Warning>, Vec<Warning>) {
    let names: Vec<&str> = match document.member("allow") {
        Some(Json::List(items)) => items.iter().filter_map(Json::as_text).collect(),
        Some(_) | None => Vec::new(),
    };
    let (accepted, mut others): (Vec<Warning>, Vec<Warning>) =
        warnings.into_iter().partition(|warning| names.contains(&warning.name));
    let known = names.iter().enumerate().filter(|(_, name)| WARNINGS.contains(name));
    for (index, name) in known {
        if !accepted.iter().any(|warning| warning.name == *name) {
            others.push(Warning {
                name: "allow-unused",
                pointer: format!("/allow/{index}"),
                message: format!("there is no warning `{name}` to accept"),
                help: "take it out, so that the next such warning is seen".to_owned(),
            });
        }
    }
    (accepted, others)
}
