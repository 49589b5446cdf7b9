//! One row a scene: what was asked, what was decided, whether the tenant heard of it.

use std::collections::BTreeMap;

use linkgate_policy::LogLineMetadata;

use super::story::Scene;
use super::{Seen, Stage};
use crate::columns::cut;
use crate::exit::Exit;
use crate::operation::line;
use crate::paint::{Colour, Paint};

/// A table that is printed as the story goes on.
pub(crate) struct Table {
    paint: Paint,
    scenes: usize,
    surprises: usize,
}

/// Widths of the columns, in characters.
const TITLE: usize = 36;
const REQUEST: usize = 40;
const DECISION: usize = 11;
const REASON: usize = 23;
const UPSTREAM: usize = 10;

impl Table {
    pub(crate) fn begin(stage: &Stage) -> Self {
        println!(
            "gateway http://{}, in front of a simulated tenant at http://{}\n",
            stage.gateway, stage.tenant_address
        );
        println!(
            "  {:TITLE$} {:REQUEST$} {:DECISION$} {:REASON$} {:UPSTREAM$} {:>7}",
            "scene", "request", "decision", "reason", "upstream", "ms"
        );
        Self { paint: Paint::of_stdout(), scenes: 0, surprises: 0 }
    }

    /// Prints a scene, and what was expected instead when it surprises.
    pub(crate) fn row(&mut self, scene: &Scene, seen: &Seen) {
        let outcome = seen.decision.outcome;
        let (word, colour) = (outcome.name(), line::colour(outcome));
        let surprises = surprises(scene, seen);
        let mark = if surprises.is_empty() {
            self.paint.text("✓", Colour::Green)
        } else {
            self.paint.text("✗", Colour::Red)
        };
        let decision = self
            .paint
            .text(&format!("{:DECISION$}", format!("{word} {}", seen.answer.status)), colour);
        let upstream = if seen.upstream_called { "called" } else { "-" };
        println!(
            "{mark} {:TITLE$} {:REQUEST$} {decision} {:REASON$} {upstream:UPSTREAM$} {:>7.1}",
            scene.title,
            request(scene),
            seen.decision.reason,
            seen.took.as_secs_f64() * 1000.0,
        );
        if let Some(record) = &seen.decision.metadata {
            println!("    {}", self.paint.text(&merge(record), Colour::Grey));
        }
        for surprise in &surprises {
            println!("    {}", self.paint.text(surprise, Colour::Red));
        }
        self.scenes += 1;
        self.surprises += usize::from(!surprises.is_empty());
    }

    /// Prints the sum.
    pub(crate) fn end(self) -> Exit {
        if self.surprises == 0 {
            println!("\n{} scenes, every one as expected", self.scenes);
            return Exit::Ok;
        }
        println!("\n{} of {} scenes did not go as expected", self.surprises, self.scenes);
        Exit::Failed
    }
}

/// The outcome of metadata: by the names of keys, as the record has it.
fn merge(record: &LogLineMetadata) -> String {
    let mut fates: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, fate) in &record.keys {
        fates.entry(fate).or_default().push(key);
    }
    let fates = fates.iter().map(|(fate, keys)| format!(" · {fate}: {}", keys.join(", ")));
    format!("metadata {} in {} calls{}", record.outcome, record.calls, fates.collect::<String>())
}

/// What differs from the story: status, reason, and whether the tenant heard of it. The gate's own word on
/// the last is held against the tenant's.
fn surprises(scene: &Scene, seen: &Seen) -> Vec<String> {
    let mut surprises = Vec::new();
    if seen.answer.status != scene.status {
        surprises.push(format!(
            "expected status {}, found {}: {}",
            scene.status,
            seen.answer.status,
            String::from_utf8_lossy(&seen.answer.body)
        ));
    }
    if seen.decision.reason != scene.reason {
        surprises.push(format!(
            "expected reason `{}`, found `{}` (cause `{}`)",
            scene.reason, seen.decision.reason, seen.decision.cause
        ));
    }
    let found = seen.decision.metadata.as_ref().map(|record| record.outcome.as_str());
    if found != scene.metadata {
        surprises.push(format!("expected metadata {:?}, found {found:?}", scene.metadata));
    }
    if seen.upstream_called != scene.upstream_called {
        let called = |called| if called { "called" } else { "left alone" };
        surprises.push(format!(
            "expected the tenant to be {}, found it {}",
            called(scene.upstream_called),
            called(seen.upstream_called)
        ));
    }
    let calls = seen.decision.metadata.as_ref().map_or(0, |record| record.calls);
    if seen.upstream_called != (seen.decision.upstream_called || calls > 0) {
        surprises
            .push("the decision record says otherwise of the upstream than the tenant".to_owned());
    }
    surprises
}

/// Longest segment of a path that is shown whole.
const SEGMENT: usize = 14;

/// Method and path, with long ids cut and what every path has in common left out.
fn request(scene: &Scene) -> String {
    let path = scene.call.target.replace("/api/v2/users/", "…/");
    let segments: Vec<String> = path.split('/').map(|segment| cut(segment, SEGMENT)).collect();
    cut(&format!("{} {}", scene.call.method, segments.join("/")), REQUEST)
}
