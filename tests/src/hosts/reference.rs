//! The reference gateway with the evaluator edition, in this process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linkgate::cases::{Record, Trouble};
use linkgate_gateway::{
    ComponentSource, Decision, DecisionSink, Gateway, Limits, Reloader, Settings, Timings,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{Host, PATIENCE, Policy, Running};

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
        Ok(Box::new(serving))
    }
}

struct Serving {
    address: SocketAddr,
    reloader: Reloader,
    decisions: Mutex<Receiver<Record>>,
    runtime: Option<Runtime>,
}

impl Serving {
    fn begin(component: PathBuf, policy: &Policy, upstream: SocketAddr) -> Result<Self, Trouble> {
        let settings = Settings {
            component: ComponentSource::File(component),
            document: policy.document.clone(),
            secrets: policy.secrets.clone(),
            seed: 1,
            upstream: format!("http://{upstream}").parse().map_err(|error| trouble(&error))?,
            instances: NonZeroUsize::MIN,
            limits: Limits::default(),
        };
        let (decided, decisions) = channel();
        let (gateway, reloader) =
            Gateway::reloadable(settings, Ear { decided: Mutex::new(decided) })
                .map_err(|error| trouble(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| trouble(&error))?;
        let listener =
            runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|error| trouble(&error))?;
        let address = listener.local_addr().map_err(|error| trouble(&error))?;
        runtime.spawn(gateway.serve(listener, std::future::pending()));
        Ok(Self { address, reloader, decisions: Mutex::new(decisions), runtime: Some(runtime) })
    }

    fn reload(&self, policy: &Policy) -> Result<(), Trouble> {
        let reloaded = self.reloader.reload(policy.document.clone(), policy.secrets.clone());
        reloaded.map_err(|error| trouble(&error))
    }
}

impl Running for Arc<Serving> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<Record> {
        locked(&self.decisions).recv_timeout(PATIENCE).ok()
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

/// Hears what was decided. A sink is shared by threads; this end of a channel would rather not be.
struct Ear {
    decided: Mutex<Sender<Record>>,
}

impl DecisionSink for Ear {
    fn decided(&self, decision: &Decision, _: &Timings) {
        let _ = locked(&self.decided).send(decision.clone().into());
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trouble(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(error.to_string())
}
