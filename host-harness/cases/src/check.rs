//! Compares what was seen with what a case expects, and says in what they differ.

use linkgate_policy::Header;
use serde_json::Value;

use crate::difference::{Difference, Differences, is_new_id};
use crate::driver::{Departed, Observed};
use crate::edition::Sent;
use crate::form::ReplyForm;
use crate::invariants;
use crate::scene::{ExpectedCall, ExpectedSent, Response, Scene};

/// All differences, in the order of the flow; none when the case holds.
#[must_use]
pub fn compare(scene: &Scene, observed: &Observed) -> Vec<Difference> {
    let mut seen = Differences::default();
    let (expected, record) = (&scene.expected, &observed.record);
    seen.text("outcome", &expected.outcome, record.outcome.name());
    seen.text("cause", &expected.cause, &record.cause);
    seen.text("reason", &expected.reason, &record.reason);
    let forwarded: Vec<&Departed> =
        observed.sent.iter().filter(|sent| !matches!(sent, Departed::Call(_))).collect();
    seen.sent(&expected.upstream, &forwarded);
    seen.calls(&expected.calls, &observed.sent);
    match &observed.reply {
        Some(reply) => seen.reply(&expected.reply, reply, scene),
        None => seen.text("reply", "a reply", "none"),
    }
    if let Ok(record) = serde_json::to_value(record) {
        for (name, value) in &expected.decision {
            seen.subset(&format!("decision.{name}"), value, record.get(name));
        }
    }
    seen.notices(&expected.notices, &observed.notices);
    invariants::judge(scene, observed, &mut seen);
    seen.into_list()
}

impl Differences {
    /// Each phrase is in a line.
    fn notices(&mut self, phrases: &[String], lines: &[String]) {
        for phrase in phrases {
            if !lines.iter().any(|line| line.contains(phrase.as_str())) {
                self.text("notices", &format!("a line with `{phrase}`"), &listed(lines));
            }
        }
    }

    fn sent(&mut self, expected: &ExpectedSent, found: &[&Departed]) {
        match (expected, found) {
            (ExpectedSent::Nothing, []) | (ExpectedSent::Untouched, [Departed::Untouched]) => {}
            (ExpectedSent::Request(expected), [Departed::Request(found)]) => {
                self.request("upstream_request", expected, found);
            }
            (expected, found) => {
                let wanted = match expected {
                    ExpectedSent::Nothing => "nothing is sent".to_owned(),
                    ExpectedSent::Untouched => "the client's own request".to_owned(),
                    ExpectedSent::Request(sent) => format!("{} {}", sent.method, sent.path),
                };
                let got: Vec<String> = found.iter().map(|found| departed(found)).collect();
                self.text(
                    "upstream_request",
                    &wanted,
                    if got.is_empty() { "nothing is sent".to_owned() } else { got.join(", ") }
                        .as_str(),
                );
            }
        }
    }

    /// Calls, and the place of the link among them. A case without calls has no place for the link.
    fn calls(&mut self, expected: &[ExpectedCall], found: &[Departed]) {
        if expected.is_empty() && !found.iter().any(|sent| matches!(sent, Departed::Call(_))) {
            return;
        }
        let link = || "the link".to_owned();
        let wanted = expected.iter().map(|call| match call {
            ExpectedCall::Link => link(),
            ExpectedCall::Call(sent) => format!("{} {}", sent.method, sent.path),
        });
        let got = found.iter().map(|sent| match sent {
            Departed::Untouched | Departed::Request(_) => link(),
            Departed::Call(_) => departed(sent),
        });
        self.text("calls", &listed(&wanted.collect::<Vec<_>>()), &listed(&got.collect::<Vec<_>>()));
        for (index, pair) in expected.iter().zip(found).enumerate() {
            if let (ExpectedCall::Call(expected), Departed::Call(found)) = pair {
                self.request(&format!("calls.{index}"), expected, found);
            }
        }
    }

    fn request(&mut self, what: &str, expected: &Sent, found: &Sent) {
        self.text(&format!("{what}.method"), &expected.method, &found.method);
        self.text(&format!("{what}.path"), &expected.path, &found.path);
        self.text(
            &format!("{what}.headers"),
            &lines(&expected.headers),
            &lines(&with_new_ids(&found.headers, &expected.headers)),
        );
        let body = |body: &Option<Vec<u8>>| {
            body.as_ref().map_or_else(|| "no body".to_owned(), |body| shown(body))
        };
        self.text(&format!("{what}.body"), &body(&expected.body), &body(&found.body));
    }

    fn reply(&mut self, expected: &ReplyForm, found: &Response, scene: &Scene) {
        if expected.relayed {
            match &scene.upstream {
                Ok(answer) => {
                    self.text(
                        "reply.status",
                        &answer.status.to_string(),
                        &found.status.to_string(),
                    );
                    self.text("reply.headers", &lines(&answer.headers), &lines(&found.headers));
                    self.text("reply.body", &shown(&answer.body), &shown(&found.body));
                }
                Err(_) => self.text(
                    "reply",
                    "the upstream's answer",
                    "the upstream gives none in this case",
                ),
            }
            return;
        }
        if let Some(status) = expected.status {
            self.text("reply.status", &status.to_string(), &found.status.to_string());
        }
        for (name, values) in &expected.headers {
            let name = name.to_ascii_lowercase();
            let found: Vec<String> = found
                .headers
                .iter()
                .filter(|line| line.name == name)
                .map(|line| shown(&line.value))
                .collect();
            self.text(&format!("reply.headers.{name}"), &values.0.join(" + "), &found.join(" + "));
        }
        for name in &expected.absent {
            let there = found.headers.iter().find(|line| line.name == name.to_ascii_lowercase());
            self.text(
                &format!("reply.headers.{name}"),
                "absent",
                there.map_or("absent".to_owned(), |line| shown(&line.value)).as_str(),
            );
        }
        match &expected.body {
            None => {}
            Some(Value::String(text)) => self.text("reply.body", text, &shown(&found.body)),
            Some(members) => self.subset(
                "reply.body",
                members,
                serde_json::from_slice(&found.body).ok().as_ref(),
            ),
        }
    }

    /// Notes where a value lacks what is expected of it; members that are not named are not compared.
    fn subset(&mut self, what: &str, expected: &Value, found: Option<&Value>) {
        match (expected, found) {
            (Value::Object(members), Some(Value::Object(found))) => {
                for (name, value) in members {
                    self.subset(&format!("{what}.{name}"), value, found.get(name));
                }
            }
            (expected, found) => self.text(
                what,
                &expected.to_string(),
                &found.map_or("nothing".to_owned(), Value::to_string),
            ),
        }
    }
}

/// The lines that were found, ids written as the case has them.
fn with_new_ids(found: &[Header], expected: &[Header]) -> Vec<Header> {
    let as_expected = |line: &Header| {
        let wanted = |wanted: &&Header| {
            let (value, found) = (&wanted.value, &line.value);
            let texts = (String::from_utf8_lossy(value), String::from_utf8_lossy(found));
            wanted.name == line.name && is_new_id(&texts.0, &texts.1)
        };
        expected.iter().find(wanted).unwrap_or(line).clone()
    };
    found.iter().map(as_expected).collect()
}

fn departed(departed: &Departed) -> String {
    match departed {
        Departed::Untouched => "the client's own request".to_owned(),
        Departed::Request(sent) | Departed::Call(sent) => format!("{} {}", sent.method, sent.path),
    }
}

/// Header lines, one a line.
fn lines(headers: &[Header]) -> String {
    let line = |line: &Header| format!("{}: {}", line.name, shown(&line.value));
    listed(&headers.iter().map(line).collect::<Vec<_>>())
}

fn listed(lines: &[String]) -> String {
    if lines.is_empty() { "none".to_owned() } else { lines.join("\n            ") }
}

/// Bytes for a person: text as it is, the rest escaped, long ones cut in the middle.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (length, edge) = (text.chars().count(), MAX_SHOWN / 2);
    if length <= MAX_SHOWN {
        return text.into_owned();
    }
    let (head, tail): (String, String) =
        (text.chars().take(edge).collect(), text.chars().skip(length - edge).collect());
    // The digest keeps two long texts that differ in the middle apart.
    format!("{head}…{tail} ({length} characters, {:016x})", checksum(bytes))
}

/// FNV-1a: tells long texts apart on a screen.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Longest text shown whole, in characters.
const MAX_SHOWN: usize = 400;
