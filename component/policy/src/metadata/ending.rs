//! How a merging link ends for its client.

use super::plan::KeyFate;
use super::state::{Given, Merge};
use crate::audit::merge::Fate;
use crate::http::message::{Header, HeaderEdits, Reply};
use crate::http::path;
use crate::protocol::Step;
use crate::verdict::cause::Cause;

/// Longest value of the outcome header, in bytes. Raised, a secondary with many keys makes long heads.
const MAX_HEADER: usize = 1024;

impl Merge {
    /// The link is made: a 201 of ours, with these identities.
    pub(super) fn respond(&mut self, identities: Vec<u8>, given: &mut Given<'_>) -> Step {
        let mut headers = vec![
            Header::new("content-type", "application/json; charset=utf-8"),
            Header::new("cache-control", "no-store"),
        ];
        headers.extend(given.cors.headers());
        headers.extend(self.outcome_header(given));
        given.record.cause = Some(Cause::LinkFound);
        given.record.status = Some(201);
        Step::Respond(Reply { status: 201, headers, body: identities })
    }

    /// The upstream's own answer.
    pub(super) fn relay(&mut self, status: u16, given: &mut Given<'_>) -> Step {
        let mut edits: HeaderEdits = given.cors.edits();
        edits.remove.push(OUTCOME.to_owned());
        edits.append.extend(self.outcome_header(given));
        given.record.cause = Some(Cause::Granted);
        given.record.status = Some(status);
        Step::Relay(edits)
    }

    /// What became of the keys, by name and never by value.
    fn outcome_header(&self, given: &Given<'_>) -> Option<Header> {
        if !given.metadata.show_outcome {
            return None;
        }
        let mut text = self.outcome.name().to_owned();
        for fate in [Fate::Added, Fate::Staged, Fate::Kept, Fate::Dropped, Fate::LeftOut] {
            let fits = |row: &&KeyFate| row.fate == fate;
            let names: Vec<String> =
                self.rows.iter().filter(fits).map(|row| encoded(&row.key)).collect();
            let parameter = format!("; {}=\"{}\"", fate.name(), names.join(" "));
            if !names.is_empty() && text.len() + parameter.len() <= MAX_HEADER {
                text.push_str(&parameter);
            }
        }
        Some(Header::new(OUTCOME, &text))
    }
}

/// The header that says what became of the metadata.
pub(crate) const OUTCOME: &str = "linkgate-metadata";

/// A key, percent-encoded: it may hold anything.
fn encoded(key: &str) -> String {
    path::encode([key]).trim_start_matches('/').to_owned()
}
