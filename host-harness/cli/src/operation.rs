//! What an operator watches: a line and a count for every exchange, and an address to ask.
//!
//! ```text
//!  gateway ─▶ Observer ─┬─▶ log      one JSON line an exchange, written by a thread of its own
//!                       └─▶ metrics ─▶ admin  /metrics  /live  /ready
//! ```
//!
//! The decision record is the only source of both; nothing here looks at a request.

pub(crate) mod admin;
mod decision_log;
pub(crate) mod key_origin;
pub(crate) mod line;
mod metrics;
pub(crate) mod reload;
mod shadow_news;
pub(crate) mod tls_files;
mod upstream_news;

use std::sync::Arc;
use std::time::Instant;

use linkgate_cases::log_line;
use linkgate_gateway::{Decision, DecisionSink, Failure, Fault, Timings};
use linkgate_policy::Time;

use crate::clock;

pub(crate) use decision_log::{DecisionLog, Format};
pub(crate) use metrics::Metrics;
pub(crate) use shadow_news::ShadowNews;
pub(crate) use tls_files::TlsFiles;
pub(crate) use upstream_news::UpstreamNews;

/// Takes what the gateway has to tell.
#[derive(Clone)]
pub(crate) struct Observer {
    pub(crate) log: Arc<DecisionLog>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) upstream_news: Arc<UpstreamNews>,
}

impl DecisionSink for Observer {
    fn decided(&self, decision: Decision, timings: &Timings) {
        let time = Time { unix_ms: clock::now().unix_ms };
        self.metrics.evicted(decision.evicted);
        let line = log_line(decision, time, timings.took());
        self.metrics.decided(&line, timings);
        if !self.log.decided(&line) {
            self.metrics.line_dropped();
        }
    }

    fn upstream_failed(&self, failure: Failure, why: &str) {
        if let Some(line) = self.upstream_news.line(failure, why, Instant::now()) {
            eprintln!("linkgate: {line}");
        }
    }

    fn notice(&self, notice: &str) {
        eprintln!("linkgate: {notice}");
    }

    fn fetched(&self, outcome: Result<u16, &str>) {
        self.metrics.fetched(outcome);
    }

    fn fault(&self, fault: &Fault) {
        self.metrics.fault(fault);
        eprintln!("linkgate: {}", said(fault));
    }
}

/// A fault, for a reader of standard error.
fn said(fault: &Fault) -> String {
    match fault {
        Fault::InstanceLost(trap) => format!(
            "an instance trapped and is replaced; what was open in it was answered 503: {trap}"
        ),
        Fault::ExchangeLost => {
            "a request was answered 503, or 504 when something was sent: its instance was lost"
                .to_owned()
        }
        Fault::TurnedAway => {
            "a request was answered 503: no room for it, or no living instance, in time".to_owned()
        }
        Fault::NotReplaced(error) => format!("a lost instance could not be replaced: {error}"),
        Fault::Breach(what) => format!("the component broke its contract: {what}"),
    }
}
