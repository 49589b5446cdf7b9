//! What keeps a case from being run, as opposed to a case that runs and fails.

use std::fmt;

/// Why a case, a suite or an edition cannot be used: a phrase for the person at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl Trouble {
    /// A trouble, in words.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A name that is none of those that are known: the nearest of them is suggested.
    pub(crate) fn unknown<'k>(
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k String>,
    ) -> Self {
        let near = linkgate_policy::nearest(name, known.map(String::as_str));
        let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
        Self(format!("no {what} `{name}`{near}"))
    }

    /// The same, with the place where it was met in front.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self(format!("{place}: {}", self.0))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl From<String> for Trouble {
    fn from(text: String) -> Self {
        Self(text)
    }
}
