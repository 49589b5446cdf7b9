//! What is recorded of a decision: a line of the log, counters, and filter state for the access log.

use std::cell::RefCell;
use std::collections::BTreeMap;

use linkgate_policy::{Decision, LogLine, Mistake, Outcome, Time};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MetricType};

use crate::host;

/// The numbers of what was counted so far, by name.
#[derive(Default)]
pub(crate) struct Metrics(RefCell<BTreeMap<String, u32>>);

impl Metrics {
    /// Counts a decision.
    fn count(&self, line: &LogLine) {
        let outcome = line.outcome.name();
        self.increment(&["decisions", outcome, &line.reason]);
        if let Some(decided) = &line.shadow {
            self.increment(&["shadowed", decided.outcome.name(), &decided.reason]);
        }
        for warning in &line.warnings {
            self.increment(&["warnings", warning]);
        }
        if let Some(by) = &line.verification {
            self.increment(&["verifications", by]);
        }
        let timed = self.of(MetricType::Histogram, &["duration_us", outcome]);
        let _ = timed.map(|id| hostcalls::record_metric(id, line.duration_us));
    }

    fn increment(&self, name: &[&str]) {
        self.add(name, 1);
    }

    fn add(&self, name: &[&str], count: i64) {
        let id = self.of(MetricType::Counter, name);
        let _ = id.map(|id| hostcalls::increment_metric(id, count));
    }

    /// The number of the metric with a name of these parts.
    fn of(&self, kind: MetricType, name: &[&str]) -> Option<u32> {
        let mut full = String::with_capacity(NAME_BYTES);
        full.push_str("linkgate");
        for part in name {
            full.push('.');
            full.push_str(part);
        }
        if let Some(id) = self.0.borrow().get(&full) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(kind, &full).ok()?;
        self.0.borrow_mut().insert(full, id);
        Some(id)
    }
}

/// Most names are shorter.
const NAME_BYTES: usize = 64;

/// Records an exchange, `duration_us` long and closed at `unix_ms`. While its stream is there, the
/// access log may have it too: `%FILTER_STATE(wasm.linkgate_cause:PLAIN)%`.
pub(crate) fn decision(
    metrics: &Metrics,
    decision: Decision,
    unix_ms: u64,
    duration_us: u64,
    has_stream: bool,
) {
    if decision.evicted > 0 {
        metrics.add(&["verified_bearers_evicted"], decision.evicted.into());
    }
    let line = LogLine::of(decision, Time { unix_ms }, duration_us);
    host::log(LogLevel::Info, &line.json());
    metrics.count(&line);
    if has_stream {
        access_log(&line);
    }
}

/// What the access log may have. Of a request that passes it is the outcome alone, which says all: each value costs about
/// two microseconds.
fn access_log(line: &LogLine) {
    let set = |name, value: &str| {
        let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
    };
    set("linkgate_outcome", line.outcome.name());
    if line.outcome == Outcome::Passed && line.shadow.is_none() {
        return;
    }
    set("linkgate_reason", &line.reason);
    set("linkgate_cause", &line.cause);
    if let Some(subject) = &line.subject {
        set("linkgate_subject", subject);
    }
}

/// Tells what is wrong with the configuration.
pub(crate) fn mistakes(mistakes: &[String]) {
    for mistake in mistakes {
        host::log(LogLevel::Error, &format!("linkgate is unavailable: {mistake}"));
    }
}

/// Tells the operator what they should know.
pub(crate) fn notice(notice: &str) {
    host::log(LogLevel::Warn, &format!("linkgate: {notice}"));
}

/// A mistake in the policy as the operator reads it.
pub(crate) fn mistake(mistake: &Mistake) -> String {
    let help = mistake.help.as_deref().map(|help| format!(" (help: {help})")).unwrap_or_default();
    format!("/policy{}: {}{help}", mistake.pointer, mistake.message)
}
