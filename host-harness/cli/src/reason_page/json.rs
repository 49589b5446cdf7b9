//! A reason for programs: one object in one line. `docs/commands.md` tells its members.

use linkgate_policy::{PROBLEM_TYPE, Reason};
use serde::Serialize;

/// Its name and version: a member that goes, or means something else, makes it another.
const SCHEMA: &str = "linkgate.reason/1";

#[derive(Serialize)]
struct Whole {
    schema: &'static str,
    reason: &'static str,
    #[serde(rename = "type")]
    kind: String,
    status: u16,
    error_code: &'static str,
    text: &'static str,
    retry_after_s: Option<u32>,
    causes: Vec<String>,
    page: String,
}

/// The reason in its JSON form.
pub(crate) fn text(reason: Reason) -> String {
    let row = reason.wire();
    let whole = Whole {
        schema: SCHEMA,
        reason: reason.name(),
        kind: format!("{PROBLEM_TYPE}{}", reason.name()),
        status: row.status,
        error_code: row.error_code,
        text: row.text,
        retry_after_s: row.retry_after_s,
        causes: super::causes(reason),
        page: super::plain(reason),
    };
    // Every member is text, a number or a list of them: there is nothing that JSON cannot say.
    serde_json::to_string(&whole).unwrap_or_default()
}
