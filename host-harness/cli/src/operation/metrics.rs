//! Counts and durations, in the text form of Prometheus (`OpenMetrics`).

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use linkgate_gateway::{Fault, KeySource, Phase, Shadow, Timings, UpstreamConnections};
use linkgate_policy::LogLine;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The metrics of a gateway. `docs/log-and-metrics.md` describes each.
pub(crate) struct Metrics {
    registry: Registry,
    decisions: Family<DecisionLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    phases: Family<PhaseLabels, Histogram>,
    /// The same, found without a search: each exchange has several.
    each_phase: [OnceLock<Histogram>; Phase::ALL.len()],
    faults: Family<FaultLabels, Counter>,
    upstream_failures: Family<UpstreamLabels, Counter>,
    merges: Family<MergeLabels, Counter>,
    upstream_replaces: Family<CauseLabels, Counter>,
    shadowed: Family<ShadowLabels, Counter>,
    missed: Family<CauseLabels, Counter>,
    warnings: Family<WarningLabels, Counter>,
    verifications: Family<VerificationLabels, Counter>,
    evicted: Counter,
    shadow_until: Gauge<f64, AtomicU64>,
    shadow_rules: Gauge<u64, AtomicU64>,
    reloads: Family<ReloadLabels, Counter>,
    key_fetches: Family<FetchLabels, Counter>,
    keys_usable: Family<IssuerLabels, Gauge<u64, AtomicU64>>,
    keys_failing: Family<IssuerLabels, Gauge<u64, AtomicU64>>,
    keys_age: Family<IssuerLabels, Gauge<f64, AtomicU64>>,
    lines_dropped: Counter,
    generation: Gauge<u64, AtomicU64>,
    instances: Gauge<u64, AtomicU64>,
    live_instances: Gauge<u64, AtomicU64>,
    connections: Family<ConnectionLabels, Gauge<u64, AtomicU64>>,
    connections_opened: Family<OpenedLabels, Counter>,
    connections_reused: Family<KindLabels, Counter>,
    connections_dropped: Family<DroppedLabels, Counter>,
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
struct PhaseLabels {
    phase: &'static str,
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
struct MergeLabels {
    outcome: String,
}

/// What would have been decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ShadowLabels {
    outcome: &'static str,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WarningLabels {
    warning: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerificationLabels {
    by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabels {
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    result: &'static str,
}

/// An issuer is named by the policy document, never by a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpenedLabels {
    kind: &'static str,
    /// As ALPN has it.
    protocol: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    kind: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    kind: &'static str,
    reason: &'static str,
}

/// Bounds of the buckets, in seconds: a call into the policy takes hundredths of a millisecond, a
/// refusal tenths of one, an upstream tenths of a second, a timeout ten seconds.
const BUCKETS_S: [f64; 16] = [
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0,
    5.0, 10.0,
];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("linkgate"),
            decisions: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS_S)),
            phases: Family::new_with_constructor(|| Histogram::new(BUCKETS_S)),
            each_phase: Default::default(),
            faults: Family::default(),
            upstream_failures: Family::default(),
            merges: Family::default(),
            upstream_replaces: Family::default(),
            shadowed: Family::default(),
            missed: Family::default(),
            warnings: Family::default(),
            verifications: Family::default(),
            evicted: Counter::default(),
            shadow_until: Gauge::default(),
            shadow_rules: Gauge::default(),
            reloads: Family::default(),
            key_fetches: Family::default(),
            keys_usable: Family::default(),
            keys_failing: Family::default(),
            keys_age: Family::default(),
            lines_dropped: Counter::default(),
            generation: Gauge::default(),
            instances: Gauge::default(),
            live_instances: Gauge::default(),
            connections: Family::default(),
            connections_opened: Family::default(),
            connections_reused: Family::default(),
            connections_dropped: Family::default(),
        };
        metrics.register_exchanges();
        metrics.register_gateway();
        metrics.register_keys();
        metrics.register_shadow();
        metrics.register_upstream();
        metrics
    }

    fn register_exchanges(&mut self) {
        let registry = &mut self.registry;
        let help = "Exchanges, by outcome, public reason and route";
        registry.register("decisions", help, self.decisions.clone());
        let help = "From the head of a request to the end of its answer";
        let durations = self.durations.clone();
        registry.register_with_unit("exchange_duration", help, Unit::Seconds, durations);
        let help = "What exchanges spent their time on";
        let phases = self.phases.clone();
        registry.register_with_unit("phase_duration", help, Unit::Seconds, phases);
        let help = "Requests that the upstream did not answer";
        registry.register("upstream_failures", help, self.upstream_failures.clone());
        let help = "Merging links, by the outcome of the metadata";
        registry.register("merges", help, self.merges.clone());
        let help = "Links that were not sent because writes of the upstream replace";
        registry.register("upstream_replaces", help, self.upstream_replaces.clone());
        let help = "What decisions warn of";
        registry.register("warnings", help, self.warnings.clone());
        let help = "Requests with a signature that was checked, by who verified it, or `cache`";
        registry.register("verifications", help, self.verifications.clone());
        let help = "Verified bearers that were forgotten, for want of room or for their age";
        registry.register("verified_bearers_evicted", help, self.evicted.clone());
        let help = "Decisions that found no place in the log";
        registry.register("log_lines_dropped", help, self.lines_dropped.clone());
    }

    fn register_gateway(&mut self) {
        let registry = &mut self.registry;
        registry.register("faults", "What no decision record can tell", self.faults.clone());
        registry.register("reloads", "Policy reloads", self.reloads.clone());
        let help = "Counts the policies served since the start";
        registry.register("policy_generation", help, self.generation.clone());
        registry.register("instances", "Evaluator instances configured", self.instances.clone());
        let help = "Evaluator instances alive; the others are being replaced";
        registry.register("instances_live", help, self.live_instances.clone());
    }

    fn register_keys(&mut self) {
        let registry = &mut self.registry;
        let help = "Fetches of keys and discovery documents";
        registry.register("key_fetches", help, self.key_fetches.clone());
        let help = "Whether an issuer has a key to verify with";
        registry.register("keys_usable", help, self.keys_usable.clone());
        let help = "Whether the last fetch of an issuer's keys brought nothing";
        registry.register("keys_failing", help, self.keys_failing.clone());
        let help = "Since the keys in use were asked for";
        registry.register_with_unit("keys_age", help, Unit::Seconds, self.keys_age.clone());
    }

    fn register_shadow(&mut self) {
        let registry = &mut self.registry;
        let help = "Requests that a policy in shadow let through, by what would have been decided";
        registry.register("shadowed", help, self.shadowed.clone());
        let help = "Rules in shadow that did not pass";
        registry.register("shadow_missed", help, self.missed.clone());
        let help = "When the policy enforces; 0 for one that was never in shadow";
        let until = self.shadow_until.clone();
        registry.register_with_unit("shadow_until_timestamp", help, Unit::Seconds, until);
        let help = "Rules of the policy that are in shadow";
        registry.register("shadow_rules", help, self.shadow_rules.clone());
    }

    fn register_upstream(&mut self) {
        let registry = &mut self.registry;
        let help = "Connections to the upstream, by what is sent on them";
        registry.register("upstream_connections", help, self.connections.clone());
        let help = "Connections to the upstream that were made";
        registry.register("upstream_connections_opened", help, self.connections_opened.clone());
        let help = "Requests that were given a connection that had carried another";
        registry.register("upstream_connections_reused", help, self.connections_reused.clone());
        let help = "Connections to the upstream that were closed, by why";
        registry.register("upstream_connections_dropped", help, self.connections_dropped.clone());
    }

    pub(crate) fn decided(&self, line: &LogLine, timings: &Timings) {
        let labels = DecisionLabels {
            outcome: line.outcome.name().to_owned(),
            reason: line.reason.clone(),
            route: line.route.clone(),
        };
        self.decisions.get_or_create(&labels).inc();
        self.durations
            .get_or_create(&RouteLabels { route: line.route.clone() })
            .observe(timings.took().as_secs_f64());
        for (phase, known) in Phase::ALL.into_iter().zip(&self.each_phase) {
            if let Some(spent) = timings.of(phase) {
                let labels = PhaseLabels { phase: phase.name() };
                let histogram = known.get_or_init(|| self.phases.get_or_create(&labels).clone());
                histogram.observe(spent.as_secs_f64());
            }
        }
        if let Some(record) = &line.metadata {
            let labels = MergeLabels { outcome: record.outcome.clone() };
            self.merges.get_or_create(&labels).inc();
        }
        if line.reason == UPSTREAM_REPLACES {
            let labels = CauseLabels { cause: line.cause.clone() };
            self.upstream_replaces.get_or_create(&labels).inc();
        }
        if let Some(shadow) = &line.shadow {
            let outcome = shadow.outcome.name();
            let labels = ShadowLabels { outcome, reason: shadow.reason.clone() };
            self.shadowed.get_or_create(&labels).inc();
        }
        for cause in &line.missed {
            self.missed.get_or_create(&CauseLabels { cause: cause.clone() }).inc();
        }
        for warning in &line.warnings {
            self.warnings.get_or_create(&WarningLabels { warning: warning.clone() }).inc();
        }
        if let Some(by) = &line.verification {
            self.verifications.get_or_create(&VerificationLabels { by: by.clone() }).inc();
        }
        if is_of_the_upstream(line) {
            self.upstream_failures
                .get_or_create(&UpstreamLabels { reason: line.reason.clone() })
                .inc();
        }
    }

    /// Counts verified bearers that an instance has forgotten.
    pub(crate) fn evicted(&self, tokens: u32) {
        self.evicted.inc_by(tokens.into());
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

    /// A fetch is over: with an answer of this status, or with none.
    pub(crate) fn fetched(&self, outcome: Result<u16, &str>) {
        let result = match outcome {
            Ok(200) => "answered",
            Ok(_) => "refused",
            Err(_) => "unanswered",
        };
        self.key_fetches.get_or_create(&FetchLabels { result }).inc();
    }

    /// The keys of each issuer, as of this moment.
    pub(crate) fn keys(&self, sources: &[KeySource]) {
        self.keys_usable.clear();
        self.keys_failing.clear();
        self.keys_age.clear();
        for source in sources {
            let labels = IssuerLabels { issuer: source.issuer.clone() };
            self.keys_usable.get_or_create(&labels).set(source.usable.into());
            self.keys_failing.get_or_create(&labels).set(source.last_failure.is_some().into());
            if let Some(age_ms) = source.age_ms {
                let age = Duration::from_millis(age_ms);
                self.keys_age.get_or_create(&labels).set(age.as_secs_f64());
            }
        }
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

    /// What the policy does not enforce, as of this moment.
    pub(crate) fn shadow(&self, shadow: Option<&Shadow>) {
        let until_ms = shadow.and_then(|shadow| shadow.until).unwrap_or_default();
        self.shadow_until.set(Duration::from_millis(until_ms).as_secs_f64());
        let rules = shadow.map(|shadow| shadow.rules.len()).unwrap_or_default();
        self.shadow_rules.set(u64::try_from(rules).unwrap_or(u64::MAX));
    }

    /// Instances alive, as of this moment.
    pub(crate) fn live_instances(&self, count: usize) {
        self.live_instances.set(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Connections to the upstream, as of this moment. The gateway counts them.
    pub(crate) fn connections(&self, kinds: &[UpstreamConnections]) {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for UpstreamConnections { kind, in_use, idle, opened, opened_http2, reused, dropped } in
            kinds
        {
            for (state, count) in [("in-use", *in_use), ("idle", *idle)] {
                let labels = ConnectionLabels { kind, state };
                self.connections.get_or_create(&labels).set(number(count));
            }
            let opened_http1 = opened.saturating_sub(*opened_http2);
            for (protocol, count) in [("http/1.1", opened_http1), ("h2", *opened_http2)] {
                let labels = OpenedLabels { kind, protocol };
                set(&self.connections_opened.get_or_create(&labels), count);
            }
            set(&self.connections_reused.get_or_create(&KindLabels { kind }), *reused);
            for (why, count) in dropped.iter().filter(|(_, count)| *count > 0) {
                let labels = DroppedLabels { kind, reason: why.name() };
                set(&self.connections_dropped.get_or_create(&labels), *count);
            }
        }
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

/// A counter of what is counted elsewhere.
fn set(counter: &Counter, count: u64) {
    counter.inner().fetch_max(count, Ordering::Relaxed);
}

/// Whether the upstream was asked and gave no answer. One that was taken back, because its client hung up
/// or broke off, was given no time to.
fn is_of_the_upstream(line: &LogLine) -> bool {
    line.upstream_called
        && line.upstream_status.is_none()
        && UPSTREAM_FAILED.contains(&line.reason.as_str())
}

/// The reasons of an exchange whose upstream gave no answer.
const UPSTREAM_FAILED: [&str; 4] =
    ["upstream-unreachable", "upstream-outcome-unknown", "link-outcome-unknown", "link-found"];

/// The reason of a link that an upstream whose writes replace was not sent: seen at this link, or before.
const UPSTREAM_REPLACES: &str = "upstream-replaces";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use linkgate_gateway::Dropped;
    use linkgate_policy::{LogLineMetadata, LogLineShadow, Outcome};

    use super::*;

    #[test]
    fn an_exchange_counts_in_each_of_its_phases_and_in_no_other() {
        let metrics = Metrics::new();
        let timings = Timings::default()
            .with(Phase::Wait, Duration::from_micros(10))
            .with(Phase::Policy, Duration::from_millis(3))
            .with(Phase::Upstream, Duration::from_millis(150));
        metrics.decided(&crate::operation::line::tests::line(), &timings);
        let text = metrics.text();
        for line in [
            r#"linkgate_phase_duration_seconds_bucket{le="0.00005",phase="wait"} 1"#,
            r#"linkgate_phase_duration_seconds_bucket{le="0.002",phase="policy"} 0"#,
            r#"linkgate_phase_duration_seconds_bucket{le="0.005",phase="policy"} 1"#,
            r#"linkgate_phase_duration_seconds_count{phase="upstream"} 1"#,
            r#"linkgate_exchange_duration_seconds_bucket{le="0.2",route="link"} 1"#,
            r#"linkgate_exchange_duration_seconds_bucket{le="0.1",route="link"} 0"#,
            r#"linkgate_verifications_total{by="host"} 1"#,
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
        assert!(!text.contains("phase=\"body\""), "{text}");
    }

    fn key_source(age_ms: Option<u64>, last_failure: Option<&str>) -> KeySource {
        KeySource {
            issuer: "https://a.example/".to_owned(),
            url: None,
            usable: age_ms.is_some(),
            keys: 1,
            host_verifies: vec![],
            age_ms,
            expires_in_ms: None,
            withdrawal_ms: None,
            baked_until: None,
            last_failure: last_failure.map(str::to_owned),
        }
    }

    #[test]
    fn keys_are_told_by_issuer_and_fetches_by_result() {
        let metrics = Metrics::new();
        for outcome in [Ok(200), Ok(302), Ok(500), Err("expected an answer, found none")] {
            metrics.fetched(outcome);
        }
        metrics.keys(&[key_source(Some(1500), None)]);
        let fresh = metrics.text();
        let gone = [KeySource { issuer: "b".to_owned(), ..key_source(None, Some("no")) }];
        metrics.keys(&gone);
        let after = metrics.text();
        for (text, line) in [
            (&fresh, r#"linkgate_key_fetches_total{result="answered"} 1"#),
            (&fresh, r#"linkgate_key_fetches_total{result="refused"} 2"#),
            (&fresh, r#"linkgate_key_fetches_total{result="unanswered"} 1"#),
            (&fresh, r#"linkgate_keys_usable{issuer="https://a.example/"} 1"#),
            (&fresh, r#"linkgate_keys_failing{issuer="https://a.example/"} 0"#),
            (&fresh, r#"linkgate_keys_age_seconds{issuer="https://a.example/"} 1.5"#),
            (&after, r#"linkgate_keys_usable{issuer="b"} 0"#),
            (&after, r#"linkgate_keys_failing{issuer="b"} 1"#),
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
        assert!(!after.contains("a.example"), "an issuer that a reload took away: {after}");
        assert!(!after.contains("keys_age_seconds{"), "{after}");
    }

    /// A client that hangs up, a body of its own that breaks off, and a trap are not the upstream's.
    #[test]
    fn only_the_upstreams_failures_are_counted_as_such() {
        for (reason, status, expected) in [
            ("upstream-unreachable", None, true),
            ("upstream-outcome-unknown", None, true),
            ("link-outcome-unknown", None, true),
            ("link-found", None, true),
            ("link-outcome-unknown", Some(500), false),
            ("unfinished", None, false),
            ("body-failed", None, false),
            ("gate-unavailable", None, false),
        ] {
            let mut line = crate::operation::line::tests::line();
            (line.upstream_called, line.upstream_status) = (true, status);
            reason.clone_into(&mut line.reason);
            assert_eq!(is_of_the_upstream(&line), expected, "{reason} {status:?}");
            line.upstream_called = false;
            assert!(!is_of_the_upstream(&line), "{reason}: it was never asked");
        }
    }

    /// Metrics that have all counted something: one that has not is absent.
    fn counted() -> Metrics {
        let metrics = Metrics::new();
        let mut line = crate::operation::line::tests::line();
        (line.upstream_called, line.upstream_status) = (true, None);
        "upstream-unreachable".clone_into(&mut line.reason);
        let outcome = "merged".to_owned();
        line.metadata = Some(LogLineMetadata { outcome, calls: 5, keys: BTreeMap::new() });
        let (outcome, cause, reason) = (Outcome::Denied, "c".to_owned(), "r".to_owned());
        line.shadow = Some(LogLineShadow { outcome, cause, reason });
        line.missed = vec!["bearer-scope".to_owned()];
        metrics.decided(&line, &Timings::default().with(Phase::Wait, Duration::ZERO));
        (line.shadow, line.missed) = (None, vec![]);
        for cause in ["metadata-replaced", "merging-suspended", "merging-suspended"] {
            cause.clone_into(&mut line.cause);
            UPSTREAM_REPLACES.clone_into(&mut line.reason);
            metrics.decided(&line, &Timings::default());
        }
        metrics.shadow(Some(&Shadow { until: Some(1_797_724_800_500), rules: vec![] }));
        metrics.fault(&Fault::ExchangeLost);
        metrics.reloaded(true);
        metrics.fetched(Ok(200));
        metrics.keys(&[key_source(Some(1500), None)]);
        metrics.connections(&[connections("forward", 3)]);
        metrics
    }

    fn connections(kind: &'static str, opened: u64) -> UpstreamConnections {
        let dropped = Dropped::ALL.map(|why| (why, u64::from(why == Dropped::Ended))).to_vec();
        let opened_http2 = 1.min(opened);
        UpstreamConnections { kind, in_use: 1, idle: 1, opened, opened_http2, reused: 40, dropped }
    }

    #[test]
    fn connections_to_the_upstream_are_counted_by_kind() {
        let metrics = Metrics::new();
        for opened in [3, 5] {
            metrics.connections(&[connections("forward", opened), connections("pass", 0)]);
        }
        let text = metrics.text();
        for line in [
            r#"linkgate_upstream_connections{kind="forward",state="in-use"} 1"#,
            r#"linkgate_upstream_connections{kind="pass",state="idle"} 1"#,
            r#"linkgate_upstream_connections_opened_total{kind="forward",protocol="http/1.1"} 4"#,
            r#"linkgate_upstream_connections_opened_total{kind="forward",protocol="h2"} 1"#,
            r#"linkgate_upstream_connections_reused_total{kind="forward"} 40"#,
            r#"linkgate_upstream_connections_dropped_total{kind="forward",reason="ended"} 1"#,
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
        assert!(!text.contains("reason=\"idle\""), "what never happened: {text}");
    }

    #[test]
    fn what_is_in_shadow_is_counted_and_its_end_is_told() {
        let text = counted().text();
        for line in [
            r#"linkgate_shadowed_total{outcome="denied",reason="r"} 1"#,
            r#"linkgate_shadow_missed_total{cause="bearer-scope"} 1"#,
            "linkgate_shadow_until_timestamp_seconds 1797724800.5",
            "linkgate_shadow_rules 0",
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
        let enforcing = Metrics::new();
        enforcing.shadow(None);
        let text = enforcing.text();
        assert!(text.contains("linkgate_shadow_until_timestamp_seconds 0.0"), "{text}");
    }

    #[test]
    fn links_that_an_upstream_that_replaces_was_not_sent_are_counted() {
        let text = counted().text();
        for line in [
            r#"linkgate_upstream_replaces_total{cause="metadata-replaced"} 1"#,
            r#"linkgate_upstream_replaces_total{cause="merging-suspended"} 2"#,
        ] {
            assert!(text.contains(line), "no `{line}` in\n{text}");
        }
    }

    /// Names of the series, counters with their `_total`.
    fn names(metrics: &Metrics) -> Vec<String> {
        let text = metrics.text();
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let pairs = families.filter_map(|family| family.split_once(' '));
        pairs
            .map(|(name, kind)| match kind {
                "counter" => format!("{name}_total"),
                _ => name.to_owned(),
            })
            .collect()
    }

    #[test]
    fn every_metric_and_phase_is_documented() {
        let page = include_str!("../../../../docs/log-and-metrics.md");
        let names = names(&counted());
        assert_eq!(names.len(), 26, "{names:?}");
        let phases = Phase::ALL.map(|phase| phase.name().to_owned());
        let reasons = Dropped::ALL.map(|why| why.name().to_owned());
        for name in names.iter().chain(&phases).chain(&reasons) {
            assert!(
                page.contains(&format!("| `{name}` |")),
                "no `{name}` in docs/log-and-metrics.md"
            );
        }
    }

    #[test]
    fn the_examples_watch_metrics_that_there_are() {
        let names = names(&counted());
        for (file, text) in [
            ("alerts", include_str!("../../../../examples/operations/alerts.yaml")),
            ("dashboard", include_str!("../../../../examples/operations/grafana-dashboard.json")),
        ] {
            let after = text.split("linkgate_").skip(1);
            let ends = |letter: char| !(letter.is_ascii_lowercase() || letter == '_');
            let watched: Vec<&str> = after.filter_map(|rest| rest.split(ends).next()).collect();
            assert!(watched.len() > 5, "{file}: {watched:?}");
            for name in watched {
                let series = ["_bucket", "_sum", "_count"];
                let family = series.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
                assert!(names.contains(&format!("linkgate_{family}")), "{file}: no `{name}`");
            }
        }
    }
}
