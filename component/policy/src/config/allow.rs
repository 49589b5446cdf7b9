//! `allow`: warnings that a policy accepts, by their names, each everywhere or at one place.

use super::notes::{self, Warning};
use super::section::Entry;
use super::spelling;
use crate::text::json::Json;

/// The warning of an entry that accepts nothing. It cannot be accepted: the entry is simply taken out.
pub const ALLOW_UNUSED: &str = "allow-unused";

/// The names of all other warnings. `docs/commands.md` describes each.
pub const WARNINGS: [&str; 21] = [
    "actors",
    "audience-slash",
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
        let Accepted { name, at } = Accepted::of(text);
        if at == Some("") {
            let help = "write the place as `linkgate check` does: `actors at issuers[0].actors`";
            let message = format!("expected a place after `at`, found none in `{text}`");
            return entry.mistaken(message, Some(help.to_owned()));
        }
        if WARNINGS.contains(&name) {
            return Some(());
        }
        let near = spelling::nearest(name, WARNINGS.into_iter()).map(spelling::question);
        let help = if name == ALLOW_UNUSED {
            "take out the entry that accepts nothing".to_owned()
        } else {
            near.unwrap_or_else(|| "`linkgate check` writes the name of each warning".to_owned())
        };
        let message =
            format!("expected the name of a warning that can be accepted, found `{name}`");
        entry.mistaken(message, Some(help))
    });
}

/// An entry of the list: `old-sign-ins`, or `old-sign-ins at issuers[0].secondary.max_age`.
struct Accepted<'a> {
    name: &'a str,
    /// Everywhere unless given.
    at: Option<&'a str>,
}

impl<'a> Accepted<'a> {
    fn of(text: &'a str) -> Self {
        match text.split_once(" at") {
            Some((name, at)) if at.is_empty() || at.starts_with(' ') => {
                Self { name, at: Some(at.trim()) }
            }
            Some(_) | None => Self { name: text, at: None },
        }
    }

    /// A place takes in what is below it.
    fn takes(&self, warning: &Warning) -> bool {
        let path = notes::key_path(&warning.pointer);
        let is_there = |at: &str| {
            path.strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.name == warning.name && self.at.is_none_or(is_there)
    }
}

/// The warnings that a document accepts, and the others. An entry that accepts nothing is one of these.
pub(super) fn parted(document: &Json, warnings: Vec<Warning>) -> (Vec<Warning>, Vec<Warning>) {
    let items = match document.member("allow") {
        Some(Json::List(items)) => items.as_slice(),
        Some(_) | None => &[],
    };
    // What is no text keeps its place, and accepts nothing.
    let entries = items.iter().map(|item| Accepted::of(item.as_text().unwrap_or_default()));
    let entries: Vec<Accepted<'_>> = entries.collect();
    let (accepted, mut others): (Vec<Warning>, Vec<Warning>) =
        warnings.into_iter().partition(|warning| entries.iter().any(|entry| entry.takes(warning)));
    for (index, entry) in entries.iter().enumerate() {
        let is_used = accepted.iter().any(|warning| entry.takes(warning));
        if is_used || !WARNINGS.contains(&entry.name) {
            continue;
        }
        let place = entry.at.map(|at| format!(" at `{at}`")).unwrap_or_default();
        others.push(Warning {
            name: ALLOW_UNUSED,
            pointer: format!("/allow/{index}"),
            message: format!("there is no warning `{}`{place} to accept", entry.name),
            help: "take it out, so that the next such warning is seen".to_owned(),
        });
    }
    (accepted, others)
}
