//! How a merging link ends for its client.

use super::given::Given;
use crate::audit::merge::{Fate, MergeOutcome, MergeRecord};
use crate::http::message::{Header, HeaderEdits, Reply};
use crate::http::path;
use crate::protocol::Step;
use crate::text::escape::escaped;
use crate::verdict::cause::Cause;

/// Longest value of the outcome header, in bytes. Raised, a secondary with many keys makes long heads.
const MAX_HEADER: usize = 1024;

/// What is said of a merge: to its client, and in the decision record.
pub(super) struct Report {
    pub(super) outcome: MergeOutcome,
    pub(super) rows: Vec<(String, Fate)>,
}

impl Default for Report {
    fn default() -> Self {
        Self { outcome: MergeOutcome::None, rows: Vec::new() }
    }
}

impl Report {
    /// What the decision record says, after so many calls.
    pub(super) fn record(&self, calls: u32) -> MergeRecord {
        let keys = self.rows.iter().map(|(key, fate)| (escaped(key), *fate)).collect();
        MergeRecord { outcome: self.outcome.name(), calls, keys }
    }

    /// The link is made: a 201 of ours, with these identities.
    pub(super) fn respond(&self, identities: Vec<u8>, given: &mut Given<'_>) -> Step {
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
    pub(super) fn relay(&self, status: u16, given: &mut Given<'_>) -> Step {
        let mut edits: HeaderEdits = given.cors.edits();
        edits.remove.push(OUTCOME.to_owned());
        edits.append.extend(self.outcome_header(given));
        given.record.cause = Some(Cause::Granted);
        given.record.status = Some(status);
        Step::Relay(edits)
    }

    /// The fates of the keys, by name and never by value.
    fn outcome_header(&self, given: &Given<'_>) -> Option<Header> {
        if !given.metadata.show_outcome {
            return None;
        }
        let mut text = self.outcome.name().to_owned();
        for fate in [Fate::Added, Fate::Staged, Fate::Kept, Fate::Dropped, Fate::LeftOut] {
            let rows = self.rows.iter().filter(|(_, own)| *own == fate);
            let names: Vec<String> = rows.map(|(key, _)| encoded(key)).collect();
            let parameter = format!("; {}=\"{}\"", fate.name(), names.join(" "));
            if !names.is_empty() && text.len() + parameter.len() <= MAX_HEADER {
                text.push_str(&parameter);
            }
        }
        Some(Header::new(OUTCOME, &text))
    }
}

/// The header with the outcome of the metadata.
pub(crate) const OUTCOME: &str = "linkgate-metadata";

/// A key, percent-encoded: it may hold anything.
fn encoded(key: &str) -> String {
    path::encode([key]).trim_start_matches('/').to_owned()
}
