//! What is being done: a line on a terminal that is wiped at the end, elsewhere nothing.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// A line on standard error.
pub(crate) struct Progress {
    from: Instant,
    on_terminal: bool,
    shown: bool,
}

impl Progress {
    /// Shows nothing before so long has passed: what ends within it needs no line.
    pub(crate) fn after(quiet: Duration) -> Self {
        let (from, on_terminal) = (Instant::now() + quiet, std::io::stderr().is_terminal());
        Self { from, on_terminal, shown: false }
    }

    /// Shows what is being done, in place of what was shown before.
    pub(crate) fn show(&mut self, what: &str) {
        if self.on_terminal && Instant::now() >= self.from {
            let line: String = what.chars().take(WIDTH).collect();
            eprint!("{WIPE}{line}");
            self.shown = true;
        }
    }

    pub(crate) fn end(&self) {
        if self.shown {
            eprint!("{WIPE}");
        }
    }
}

/// Characters of a line: wrapped, it is not wiped whole.
const WIDTH: usize = 78;

/// Back to the line's begin, and erase it (ECMA-48 erase in line).
const WIPE: &str = "\r\u{1b}[2K";
