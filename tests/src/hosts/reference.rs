//! The reference gateway with the evaluator edition, in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use linkgate_cases::{Trouble, log_line};
use linkgate_gateway::{
    ComponentSource, Decision, DecisionSink, Gateway, KeySource, Limits, Readiness, Reloader,
    Settings, Timings,
};
use linkgate_policy::{LogLine, Time};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{Host, PATIENCE, Policy, Running, missing};

/// The gateway, with the component that it runs. Compiling that takes seconds, so there is one
/// gateway an upstream: it is given another policy by a reload, and serves one at a time.
pub struct Reference {
    component: PathBuf,
    gateways: Mutex<BTreeMap<SocketAddr, Arc<Serving>>>,
}

impl Reference {
    /// With this evaluator component.
    #[must_use]
    pub fn new(component: PathBuf) -> Self {
        Self { component, gateways: Mutex::default() }
    }
}

impl Host for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn edition(&self) -> &'static str {
        "evaluator"
    }

    fn start(&self, policy: &Policy, upstream: SocketAddr) -> Result<Box<dyn Running>, Trouble> {
        let mut gateways = locked(&self.gateways);
        let serving = match gateways.get(&upstream) {
            Some(serving) => Arc::clone(serving),
            None => Arc::new(Serving::begin(self.component.clone(), policy, upstream)?),
        };
        if gateways.insert(upstream, Arc::clone(&serving)).is_some() {
            serving.reload(policy)?;
        }
        serving.fetched_ahead()?;
        Ok(Box::new(serving))
    }
}

/// What is logged of keys.
struct Notices {
    coming: Receiver<String>,
    notices: Vec<String>,
}

struct Serving {
    address: SocketAddr,
    reloader: Reloader,
    readiness: Readiness,
    decisions: Mutex<Receiver<LogLine>>,
    notices: Mutex<Notices>,
    runtime: Option<Runtime>,
}

impl Serving {
    fn begin(component: PathBuf, policy: &Policy, upstream: SocketAddr) -> Result<Self, Trouble> {
        let settings = Settings {
            component: ComponentSource::File(component),
            document: Some(policy.document.clone()),
            secrets: policy.secrets.clone(),
            seed: 1,
            upstream: format!("http://{upstream}").parse().map_err(|error| trouble(&error))?,
            instances: NonZeroUsize::MIN,
            limits: Limits::default(),
        };
        let (decided, decisions) = channel();
        let (notices, coming) = channel();
        let ear = Ear { decided: Mutex::new(decided), notices: Mutex::new(notices) };
        let (gateway, reloader) =
            Gateway::reloadable(settings, ear).map_err(|error| trouble(&error))?;
        let readiness = gateway.readiness();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| trouble(&error))?;
        let listener =
            runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|error| trouble(&error))?;
        let address = listener.local_addr().map_err(|error| trouble(&error))?;
        runtime.spawn(gateway.serve(listener, std::future::pending()));
        Ok(Self {
            address,
            reloader,
            readiness,
            decisions: Mutex::new(decisions),
            notices: Mutex::new(Notices { coming, notices: Vec::new() }),
            runtime: Some(runtime),
        })
    }

    fn reload(&self, policy: &Policy) -> Result<(), Trouble> {
        let mut notices = locked(&self.notices);
        notices.coming.try_iter().for_each(drop);
        notices.notices.clear();
        drop(notices);
        let reloaded = self.reloader.reload(policy.document.clone(), policy.secrets.clone());
        reloaded.map_err(|error| trouble(&error))
    }

    /// Waits until keys are there, or known not to be. A request in the very millisecond of their fetch
    /// may still count as before it, so they have some age too. No line announces that: the gateway is
    /// asked again and again.
    fn fetched_ahead(&self) -> Result<(), Trouble> {
        let is_settled = |source: &KeySource| {
            let has_age = source.age_ms.is_some_and(|age| age > 1);
            source.url.is_none() || has_age || source.last_failure.is_some()
        };
        let until = Instant::now() + PATIENCE;
        while !self.readiness.key_sources().iter().all(is_settled) {
            if Instant::now() > until {
                return Err(Trouble::new("keys are neither fetched nor given up"));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }
}

/// How long a look at the keys is put off. Lowered, the wait takes the CPU from what it waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Running for Arc<Serving> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<LogLine> {
        locked(&self.decisions).recv_timeout(PATIENCE).ok()
    }

    fn notices(&mut self, phrases: &[String]) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        let mut notices = locked(&self.notices);
        while missing(phrases, &notices.notices) {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(notice) = notices.coming.recv_timeout(left) else { break };
            notices.notices.push(notice);
        }
        notices.notices.clone()
    }

    fn output(&self) -> String {
        String::new()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Hears what is logged. A sink is shared by threads; this end of a channel would rather not be.
struct Ear {
    decided: Mutex<Sender<LogLine>>,
    notices: Mutex<Sender<String>>,
}

impl DecisionSink for Ear {
    fn decided(&self, decision: Decision, timings: &Timings) {
        let time = Time { unix_ms: 0 };
        let _ = locked(&self.decided).send(log_line(decision, time, timings.took()));
    }

    fn notice(&self, notice: &str) {
        let _ = locked(&self.notices).send(notice.to_owned());
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trouble(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(error.to_string())
}
