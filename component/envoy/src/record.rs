//! What is recorded of a decision: a line of the log, counters, and filter state for the access log.

use std::cell::RefCell;
use std::collections::BTreeMap;

use linkgate_policy::{Decision, Line, Mistake, Time};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{LogLevel, MetricType};

use crate::host;

/// The numbers of what was counted so far, by name.
#[derive(Default)]
pub(crate) struct Metrics(RefCell<BTreeMap<String, u32>>);

impl Metrics {
    /// Counts a decision, `duration_us` long.
    fn count(&self, decision: &Decision, duration_us: u64) {
        let (outcome, reason) = (decision.outcome().name(), decision.cause.reason_code());
        self.increment(format!("linkgate.decisions.{outcome}.{reason}"));
        if let Some(decided) = decision.shadow {
            let (outcome, reason) = (decided.outcome().name(), decided.reason_code());
            self.increment(format!("linkgate.shadowed.{outcome}.{reason}"));
        }
        for warning in &decision.warnings {
            self.increment(format!("linkgate.warnings.{warning}"));
        }
        if let Some(by) = decision.verification {
            self.increment(format!("linkgate.verifications.{}", by.name()));
        }
        let timed = self.of(MetricType::Histogram, format!("linkgate.duration_us.{outcome}"));
        let _ = timed.map(|id| hostcalls::record_metric(id, duration_us));
    }

    fn increment(&self, name: String) {
        let id = self.of(MetricType::Counter, name);
        let _ = id.map(|id| hostcalls::increment_metric(id, 1));
    }

    fn of(&self, kind: MetricType, name: String) -> Option<u32> {
        if let Some(id) = self.0.borrow().get(&name) {
            return Some(*id);
        }
        let id = hostcalls::define_metric(kind, &name).ok()?;
        self.0.borrow_mut().insert(name, id);
        Some(id)
    }
}

/// Tells of an exchange, `duration_us` long and closed at `unix_ms`. While its stream is there, the
/// access log may tell of it too: `%FILTER_STATE(wasm.linkgate_cause:PLAIN)%`.
pub(crate) fn decision(
    metrics: &Metrics,
    decision: &Decision,
    unix_ms: u64,
    duration_us: u64,
    has_stream: bool,
) {
    host::log(LogLevel::Info, &Line::of(decision, Time { unix_ms }, duration_us).json());
    metrics.count(decision, duration_us);
    if has_stream {
        for (name, value) in [
            ("linkgate_outcome", decision.outcome().name()),
            ("linkgate_reason", decision.cause.reason_code()),
            ("linkgate_cause", &*decision.cause.name()),
            ("linkgate_subject", decision.subject.as_deref().unwrap_or_default()),
        ] {
            let _ = hostcalls::set_property(vec![name], Some(value.as_bytes()));
        }
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
