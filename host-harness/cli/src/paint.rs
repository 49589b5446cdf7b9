//! Colour, on a terminal only.

use std::io::IsTerminal as _;

/// A colour, as terminals number them (ECMA-48 select graphic rendition).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Grey = 90,
}

/// Whether a stream takes colour: it is a terminal, and `NO_COLOR` is not set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn of_stdout() -> Self {
        Self(std::io::stdout().is_terminal() && !unwanted())
    }

    pub(crate) fn of_stderr() -> Self {
        Self(std::io::stderr().is_terminal() && !unwanted())
    }

    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self(false)
    }

    /// Bold (ECMA-48 select graphic rendition 1).
    pub(crate) fn bold(self, text: &str) -> String {
        if self.0 { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn text(self, text: &str, colour: Colour) -> String {
        if self.0 { format!("\u{1b}[{}m{text}\u{1b}[0m", colour as u8) } else { text.to_owned() }
    }
}

/// <https://no-color.org>
fn unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
