//! Lines on stderr that say what is being done.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use crate::exit::Failure;

/// The lines of one run, each with the time since its start.
pub(crate) struct Progress {
    start: Instant,
    colour: bool,
}

impl Progress {
    /// Starts the clock. Colour on a terminal only, and not with `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn start() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { start: Instant::now(), colour: std::io::stderr().is_terminal() && !refused }
    }

    /// Says what is done next.
    pub(crate) fn step(&self, what: &str) {
        let at = format!("[{:>8}]", seconds(self.start.elapsed()));
        eprintln!("{} {what}", self.painted(&at, "36"));
    }

    /// Says loudly what is not done, and what would change that.
    pub(crate) fn skip(&self, what: &str, todo: &str) {
        eprintln!("{} {what}", self.painted("SKIPPED:", "1;33"));
        eprintln!("{} {todo}", self.painted("   help:", "1;33"));
    }

    /// Says what failed and what to do.
    pub(crate) fn failure(&self, failure: &Failure) {
        eprintln!("{} {}", self.painted("error:", "1;31"), failure.what);
        eprintln!("{} {}", self.painted(" help:", "1;36"), failure.todo);
    }

    /// `text` in a colour (ECMA-48 SGR parameters), or as it is.
    fn painted(&self, text: &str, sgr: &str) -> String {
        if self.colour { format!("\u{1b}[{sgr}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// A duration for people: `12.3 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
