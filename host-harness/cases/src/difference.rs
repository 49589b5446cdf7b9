//! In what an observation differs from what was expected.

use std::fmt;

/// One thing that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is: `cause`, `reply.status`, `upstream_request.path`, …
    pub what: String,
    /// What the case says.
    pub expected: String,
    /// What was seen.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  expected  {}\n  found     {}", self.what, self.expected, self.found)
    }
}

/// Differences as they are found.
#[derive(Default)]
pub(crate) struct Differences(Vec<Difference>);

impl Differences {
    /// All of them, in the order in which they were found.
    pub(crate) fn into_list(self) -> Vec<Difference> {
        self.0
    }

    /// Notes a difference between two texts.
    pub(crate) fn text(&mut self, what: &str, expected: &str, found: &str) {
        if expected != found && !is_new_id(expected, found) {
            self.0.push(Difference {
                what: what.to_owned(),
                expected: expected.to_owned(),
                found: found.to_owned(),
            });
        }
    }
}

/// How a case writes an id that the gate has made up: its value is another one at each run.
const NEW_ID: &str = "(a new id)";

/// Whether such an id is expected and found: 32 hex digits, perhaps in quotes.
pub(crate) fn is_new_id(expected: &str, found: &str) -> bool {
    let found = found.trim_matches('"');
    let is_id = found.len() == 32 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    expected.trim_matches('"') == NEW_ID && is_id
}
