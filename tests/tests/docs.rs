//! `docs/denials.md` is written from the code, and the list of questions in `docs/design.md` from its headings: these
//! tests render both and compare.
//!
//! `LINKGATE_BLESS=1 cargo test -p linkgate-tests --test docs` writes them anew.

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
        let row = reason.wire();
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
            Cause::Denied(denial) => denial.reason().wire().status.to_string(),
            Cause::Failed(fault) => fault.reason().wire().status.to_string(),
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

const DESIGN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/design.md");
const BEGIN: &str = "<!-- questions: written by tests/tests/docs.rs -->\n";
const END: &str = "<!-- end of questions -->\n";

#[test]
fn the_questions_of_the_design_are_listed() {
    let text = std::fs::read_to_string(DESIGN).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the begin of the list");
    let (_, after) = rest.split_once(END).expect("the end of the list");
    let bold = after.lines().find(|line| line.starts_with("**"));
    assert_eq!(bold, None, "a question is a heading, `### Why …?`, with the answer below it");
    let rendered = format!("{before}{BEGIN}{}\n{END}{after}", questions(after));
    if std::env::var_os("LINKGATE_BLESS").is_some() {
        std::fs::write(DESIGN, &rendered).unwrap();
    } else {
        assert!(text == rendered, "the questions in docs/design.md are stale: `LINKGATE_BLESS=1`");
    }
}

/// A list of the questions under each heading, each with a link to it.
fn questions(text: &str) -> String {
    let (mut list, mut anchors) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let _ = writeln!(list, "\n**[{heading}](#{})**\n", anchor(heading, &mut anchors));
        } else if let Some(question) = line.strip_prefix("### ") {
            let _ = writeln!(list, "- [{question}](#{})", anchor(question, &mut anchors));
        }
    }
    list
}

/// The anchor that GitHub gives a heading; one that is there already gets a number.
fn anchor(heading: &str, before: &mut Vec<String>) -> String {
    let kept = |letter: &char| letter.is_alphanumeric() || "-_ ".contains(*letter);
    let plain: String = heading.to_lowercase().chars().filter(kept).collect();
    let plain = plain.replace(' ', "-");
    let times = before.iter().filter(|anchor| **anchor == plain).count();
    before.push(plain.clone());
    if times == 0 { plain } else { format!("{plain}-{times}") }
}
