//! Whom is being waited for: a line on a terminal that is wiped at the end, elsewhere nothing.

use std::io::IsTerminal as _;

use linkgate_policy::escaped;

/// A line on standard error.
pub(crate) struct Progress {
    shown: bool,
}

impl Progress {
    pub(crate) fn on_terminal() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    pub(super) fn asking(&self, url: &str) {
        if self.shown {
            let shown: String = escaped(url).chars().take(WIDTH).collect();
            eprint!("{WIPE}asking {shown}");
        }
    }

    pub(super) fn end(&self) {
        if self.shown {
            eprint!("{WIPE}");
        }
    }
}

/// Characters of a URL: wrapped, a line is not wiped whole.
const WIDTH: usize = 70;

/// Back to the line's begin, and erase it (ECMA-48 erase in line).
const WIPE: &str = "\r\u{1b}[2K";
