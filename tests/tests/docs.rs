//! `docs/denials.md` is written from the code: this test renders it and compares.
//!
//! `LINKGATE_BLESS=1 cargo test -p linkgate-tests --test docs` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use linkgate_policy::reason::{Challenge, STEP_UP};
use linkgate_policy::{Cause, PROBLEM_TYPE, Reason};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/denials.md");

const INTRODUCTION: &str = "\
# What is refused, and what the client learns of it

Written from the code by `tests/tests/docs.rs`; do not edit.

A refusal has a fine *cause*, for logs and tests, and a coarse public *reason*, for the client and
for metrics. All that the client sees follows from the reason alone: two causes that share a reason look
the same from outside. Everything that is wrong with a token before its signature was verified is
one reason.

The body is `application/problem+json` (RFC 9457) with `type`, `title`, `status`, `detail` and
`reason`, and with the members that clients of the Auth0 Management API read: `statusCode`, `error`,
`message` and `errorCode`. Challenges follow RFC 6750 section 3. `Retry-After` is the one in the table
unless the gate knows better: while it waits for an issuer's keys, it says when it may ask again, within
10 s: SDKs block for as long as it says.
";

/// The page, from the tables of the core.
fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Reasons\n\n| reason | status | challenge | `errorCode` | text | `Retry-After` |\n|---|---|---|---|---|---|\n");
    for reason in Reason::ALL {
        let row = reason.row();
        let challenge = match row.challenge {
            Challenge::Unsaid => "none".to_owned(),
            Challenge::Bare => "`Bearer`".to_owned(),
            Challenge::StepUp => {
                format!("`Bearer error=\"{STEP_UP}\", acr_values=\"…\", max_age=\"…\"`")
            }
            Challenge::Error(error) => format!("`Bearer error=\"{error}\"`"),
        };
        let retry =
            row.retry_after_s.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"));
        let _ = writeln!(
            page,
            "| [`{0}`](reasons/{0}.md) | {1} | {challenge} | `{2}` | {3} | {retry} |",
            reason.name(),
            row.status,
            row.error_code,
            row.text
        );
    }
    let _ = writeln!(
        page,
        "\nThe `type` of a problem is `{PROBLEM_TYPE}` and the reason: `linkgate reason TYPE` shows the page."
    );
    page.push_str("\n## Causes\n\nIn the order in which a request is checked.\n\n| cause | reason | status |\n|---|---|---|\n");
    for cause in Cause::all() {
        let status = match cause {
            Cause::Denied(denial) => denial.reason().row().status.to_string(),
            Cause::Failed(fault) => fault.reason().row().status.to_string(),
            Cause::Preflight => "204".to_owned(),
            Cause::LinkFound => "201".to_owned(),
            Cause::Granted | Cause::Passed | Cause::Shadowed => "the upstream's".to_owned(),
            Cause::Unfinished => "none".to_owned(),
        };
        let _ = writeln!(page, "| `{}` | `{}` | {status} |", cause.name(), cause.reason_code());
    }
    page
}

#[test]
fn the_denial_table_is_the_codes_own() {
    let rendered = page();
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(PAGE, &rendered).unwrap();
    }
    let written = std::fs::read_to_string(Path::new(PAGE)).unwrap_or_default();
    assert!(
        written == rendered,
        "docs/denials.md is stale: write it anew with `LINKGATE_BLESS=1 cargo test -p linkgate-tests --test docs`"
    );
}
