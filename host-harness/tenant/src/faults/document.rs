//! Fault rules as a JSON document, read strictly.

use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::route::Operation;

use super::amendment::Amendment;
use super::fault::{Drip, Fault, Point};
use super::rule::{FaultRule, When};

/// How long a body can be asked for, in bytes: several times what any reader of key sets or users should take. Each request
/// that is hit costs as much memory, so that a higher limit lets a plan use up the machine.
const MAX_PADDED_BYTES: usize = 64 * 1024 * 1024;

/// Reads a document `{"faults": [...]}`, whose form the [module](super) shows. Members that are not known are refused.
///
/// # Errors
///
/// The place and nature of the first mistake in the document's form; if its form is good, all mistakes in its content.
pub fn parse_faults(document: &str) -> Result<Vec<FaultRule>, FaultMistakes> {
    let written: Document =
        serde_json::from_str(document).map_err(|error| FaultMistakes(vec![error.to_string()]))?;
    let mut mistakes = Mistakes::default();
    let rules = written
        .faults
        .into_iter()
        .enumerate()
        .map(|(index, rule)| mistakes.of_rule(&format!("faults[{index}]"), rule))
        .collect();
    if mistakes.0.is_empty() { Ok(rules) } else { Err(FaultMistakes(mistakes.0)) }
}

/// The mistakes of a faults document, one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultMistakes(Vec<String>);

impl fmt::Display for FaultMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for FaultMistakes {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    faults: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    operation: Operation,
    fault: WrittenFault,
    occurrence: Option<u64>,
    probability: Option<f64>,
    seed: Option<u64>,
    times: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenFault {
    Delay { at: Point, ms: u64 },
    Hold { at: Point },
    Status(WrittenAnswer),
    Reset { at: Point },
    HangUp {},
    Amend(WrittenAmendment),
    Drip { bytes: usize, every_ms: u64 },
    CutBody { after_bytes: Option<usize> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    at: Point,
    status: u16,
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    body: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAmendment {
    #[serde(default)]
    headers: serde_json::Map<String, Value>,
    pad_to_bytes: Option<usize>,
}

#[derive(Default)]
struct Mistakes(Vec<String>);

impl Mistakes {
    fn of_rule(&mut self, place: &str, written: WrittenRule) -> FaultRule {
        for (name, number) in [("occurrence", written.occurrence), ("times", written.times)] {
            if number == Some(0) {
                self.add(place, name, "expected at least 1, found 0");
            }
        }
        if written.occurrence.is_some() && written.times.is_some() {
            self.add(place, "times", "not with `occurrence`, which is a single request");
        }
        FaultRule {
            operation: written.operation,
            when: self.of_when(place, &written),
            times: written.times,
            fault: self.of_fault(place, written.fault),
        }
    }

    fn of_when(&mut self, place: &str, written: &WrittenRule) -> When {
        match (written.occurrence, written.probability, written.seed) {
            (None, None, None) => When::Every,
            (Some(nth), None, None) => When::Nth(nth),
            (None, Some(probability), Some(seed)) => {
                if !(0.0..=1.0).contains(&probability) {
                    let found = format!("expected a number from 0 to 1, found {probability}");
                    self.add(place, "probability", &found);
                }
                When::Random { probability, seed }
            }
            (None, Some(_), None) => self.no_when(place, "probability", "needs a `seed`"),
            (None, None, Some(_)) => self.no_when(place, "seed", "needs a `probability`"),
            (Some(_), _, _) => {
                self.no_when(place, "occurrence", "not with `probability` or `seed`")
            }
        }
    }

    fn no_when(&mut self, place: &str, name: &str, mistake: &str) -> When {
        self.add(place, name, mistake);
        When::Every
    }

    fn of_fault(&mut self, place: &str, written: WrittenFault) -> Fault {
        match written {
            WrittenFault::Delay { at, ms } => Fault::Delay { at, ms },
            WrittenFault::Hold { at } => Fault::Hold { at },
            WrittenFault::Reset { at } => Fault::Reset { at },
            WrittenFault::HangUp {} => Fault::HangUp,
            WrittenFault::Amend(written) => {
                Fault::Amend(self.of_amendment(&format!("{place}.fault.amend"), &written))
            }
            WrittenFault::Drip { bytes, every_ms } => {
                if bytes == 0 {
                    self.add(place, "fault.drip.bytes", "expected at least 1, found 0");
                }
                Fault::Drip(Drip { bytes, every: Duration::from_millis(every_ms) })
            }
            WrittenFault::CutBody { after_bytes } => Fault::CutBody { after_bytes },
            WrittenFault::Status(written) => {
                let at = written.at;
                Fault::Status {
                    at,
                    answer: self.of_answer(&format!("{place}.fault.status"), written),
                }
            }
        }
    }

    fn of_answer(&mut self, place: &str, written: WrittenAnswer) -> Answer {
        if !(200..=599).contains(&written.status) {
            let found = format!("expected 200 to 599, found {}", written.status);
            self.add(place, "status", &found);
        }
        let mut answer = answer_with(written.status, written.body);
        for (name, value) in &written.headers {
            match checked(name, value) {
                Ok((name, value)) => {
                    answer.headers.retain(|(held, _)| *held != name);
                    answer.headers.push((name, value));
                }
                Err(mistake) => self.add(place, &format!("headers.{name}"), mistake),
            }
        }
        answer
    }

    fn of_amendment(&mut self, place: &str, written: &WrittenAmendment) -> Amendment {
        let mut amendment = Amendment::default();
        for (name, value) in &written.headers {
            let kept = if value.is_null() { &Value::String(String::new()) } else { value };
            match checked(name, kept) {
                Ok((name, _)) if value.is_null() => amendment.headers.push((name, None)),
                Ok((name, value)) => amendment.headers.push((name, Some(value))),
                Err(mistake) => self.add(place, &format!("headers.{name}"), mistake),
            }
        }
        if let Some(bytes) = written.pad_to_bytes.filter(|bytes| *bytes > MAX_PADDED_BYTES) {
            let mistake = format!("expected {MAX_PADDED_BYTES} at most, found {bytes}");
            self.add(place, "pad_to_bytes", &mistake);
        }
        Amendment { pad_to_bytes: written.pad_to_bytes, ..amendment }
    }

    fn add(&mut self, place: &str, member: &str, mistake: &str) {
        self.0.push(format!("{place}.{member}: {mistake}"));
    }
}

/// A header that HTTP allows and that does not say how long the body is: that is hyper's, and `cut_body`'s, to say.
fn checked(name: &str, value: &Value) -> Result<(String, String), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "expected a header name")?;
    if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
        return Err("the framing is not to be chosen; see `cut_body`");
    }
    let value = value.as_str().ok_or("expected a text")?;
    HeaderValue::from_str(value).map_err(|_| "expected a header value")?;
    Ok((name.as_str().to_owned(), value.to_owned()))
}

fn answer_with(status: u16, body: Option<Value>) -> Answer {
    match body {
        Some(Value::String(text)) => Answer {
            status,
            headers: vec![("content-type".to_owned(), "text/plain; charset=utf-8".to_owned())],
            body: text.into_bytes(),
        },
        Some(body) => Answer::json(status, &body),
        None => Answer::json(status, &usual_body(status)),
    }
}

/// The shape of the Management API's errors.
fn usual_body(status: u16) -> Value {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let message = "A fault that was asked for.";
    json!({ "statusCode": status, "error": reason.unwrap_or_default(), "message": message })
}
