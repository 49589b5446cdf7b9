//! Something to say of a document, and where.

use linkgate_policy::{UNKNOWN_KEY, Warning, key_path};

use super::places::{Place, Places};
use crate::reference;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The document cannot be used.
    Error,
    /// It can be used, but is unwise.
    Warning,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something to say of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// Of a warning, the name by which a policy accepts it.
    pub(crate) name: Option<&'static str>,
    /// None where the text has no such place, as for a document that is empty.
    pub(crate) place: Option<Place>,
    /// JSON Pointer, empty for the whole document.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Finding {
    /// Something wrong with the form of the text.
    pub(super) fn of_text(place: Option<Place>, message: String) -> Self {
        let (severity, name) = (Severity::Error, None);
        Self { severity, name, place, pointer: String::new(), message, help: None }
    }

    /// A text that says nothing.
    pub(super) fn of_nothing() -> Self {
        let help = "a policy begins with `version: 1` and has `issuers`".to_owned();
        let finding = Self::of_text(None, "expected a policy, found nothing".to_owned());
        Self { help: Some(help), ..finding }
    }

    /// A key that is written twice.
    pub(super) fn twice(
        pointer: &str,
        name: &str,
        place: Option<Place>,
        before: Option<Place>,
    ) -> Self {
        let first = before.map(|before| format!("the first one is on line {}", before.line));
        Self {
            severity: Severity::Error,
            name: None,
            place,
            pointer: pointer.to_owned(),
            message: format!("expected every key once, found `{name}` again"),
            help: first,
        }
    }

    /// A warning of the policy's, and where that is.
    pub(super) fn warned(warning: &Warning, places: &Places) -> Self {
        Self {
            severity: Severity::Warning,
            name: Some(warning.name),
            place: places.value(&warning.pointer),
            pointer: warning.pointer.clone(),
            message: warning.message.clone(),
            help: Some(warning.help.clone()),
        }
    }

    /// A mistake that the policy found in a document, and where that is.
    pub(super) fn located(
        (pointer, message, help): (&str, &str, Option<&str>),
        places: &Places,
    ) -> Self {
        let is_of_key = message.starts_with(UNKNOWN_KEY);
        let key = if is_of_key { places.key(pointer) } else { None };
        // A slip of the pen is likelier than a key in a wrong place.
        let is_slip = help.is_some_and(|help| help.starts_with("did you mean"));
        let elsewhere = if is_of_key && !is_slip { belongs_elsewhere(pointer) } else { None };
        Self {
            severity: Severity::Error,
            name: None,
            place: key.or_else(|| places.value(pointer)),
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            help: elsewhere.or_else(|| help.map(str::to_owned)),
        }
    }

    /// The way to it as people write it: `issuers[0].keys`. Empty for the whole document.
    pub(crate) fn key_path(&self) -> String {
        key_path(&self.pointer)
    }
}

/// What to do with a key that is known, but not there.
fn belongs_elsewhere(pointer: &str) -> Option<String> {
    let (_, name) = pointer.rsplit_once('/')?;
    let sections: Vec<String> = reference::places(name)
        .iter()
        .map(|section| match section.path {
            "" => "at the top of the document".to_owned(),
            path => format!("under `{path}`"),
        })
        .collect();
    (!sections.is_empty()).then(|| format!("`{name}` belongs {}", sections.join(" or ")))
}
