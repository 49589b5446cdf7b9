//! Counts and durations, in the text form of Prometheus (`OpenMetrics`).

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use linkgate_gateway::{Decision, Fault};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::line;

/// The metrics of a gateway. `docs/operations.md` describes each.
pub(crate) struct Metrics {
    registry: Registry,
    decisions: Family<DecisionLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    faults: Family<FaultLabels, Counter>,
    upstream_failures: Family<UpstreamLabels, Counter>,
    reloads: Family<ReloadLabels, Counter>,
    lines_dropped: Counter,
    generation: Gauge<u64, AtomicU64>,
    instances: Gauge<u64, AtomicU64>,
}

/// No label holds anything that a caller chose: each has a fixed, small set of values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    outcome: String,
    reason: String,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FaultLabels {
    fault: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    result: String,
}

/// Bounds of the buckets, in seconds: a refusal takes tenths of a millisecond, an upstream tenths
/// of a second, a timeout ten seconds.
const BUCKETS_S: [f64; 14] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 10.0];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("linkgate");
        let metrics = Self {
            registry: Registry::default(),
            decisions: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS_S)),
            faults: Family::default(),
            upstream_failures: Family::default(),
            reloads: Family::default(),
            lines_dropped: Counter::default(),
            generation: Gauge::default(),
            instances: Gauge::default(),
        };
        registry.register(
            "decisions",
            "Exchanges, by outcome, public reason and route",
            metrics.decisions.clone(),
        );
        registry.register_with_unit(
            "exchange_duration",
            "From the head of a request to the end of its answer",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register("faults", "What no decision record can tell", metrics.faults.clone());
        registry.register(
            "upstream_failures",
            "Requests that the upstream did not answer",
            metrics.upstream_failures.clone(),
        );
        registry.register("reloads", "Policy reloads", metrics.reloads.clone());
        registry.register(
            "log_lines_dropped",
            "Decisions that found no place in the log",
            metrics.lines_dropped.clone(),
        );
        registry.register(
            "policy_generation",
            "Counts the policies served since the start",
            metrics.generation.clone(),
        );
        registry.register("instances", "Evaluator instances configured", metrics.instances.clone());
        Self { registry, ..metrics }
    }

    pub(crate) fn decided(&self, decision: &Decision, took: Duration) {
        let labels = DecisionLabels {
            outcome: line::outcome(decision.outcome).to_owned(),
            reason: decision.reason.clone(),
            route: decision.route.clone(),
        };
        self.decisions.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route: decision.route.clone() })
            .observe(took.as_secs_f64());
        if decision.upstream_called && decision.upstream_status.is_none() {
            self.upstream_failures
                .get_or_create(&UpstreamLabels { reason: decision.reason.clone() })
                .inc();
        }
    }

    pub(crate) fn fault(&self, fault: &Fault) {
        let name = match fault {
            Fault::InstanceLost(_) => "instance-lost",
            Fault::ExchangeLost => "exchange-lost",
            Fault::TurnedAway => "turned-away",
            Fault::NotReplaced(_) => "instance-not-replaced",
            Fault::Breach(_) => "contract-breach",
        };
        self.faults.get_or_create(&FaultLabels { fault: name.to_owned() }).inc();
    }

    pub(crate) fn line_dropped(&self) {
        self.lines_dropped.inc();
    }

    /// A policy was loaded, at the start or by a reload, or was refused.
    pub(crate) fn reloaded(&self, held: bool) {
        let result = if held { "ok" } else { "refused" };
        self.reloads.get_or_create(&ReloadLabels { result: result.to_owned() }).inc();
        if held {
            self.generation.inc();
        }
    }

    pub(crate) fn instances(&self, count: usize) {
        self.instances.set(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// The text form.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            let _ = writeln!(text, "# the metrics could not be written");
        }
        text
    }
}
