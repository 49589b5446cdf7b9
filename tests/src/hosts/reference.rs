//! The reference gateway with the evaluator edition, in this process.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use linkgate::cases::{Record, Trouble};
use linkgate_gateway::{ComponentSource, Decision, Gateway, Limits, Settings, Timings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::{Host, PATIENCE, Policy, Running};

/// The gateway, with the component that it runs.
pub struct Reference {
    /// The evaluator component.
    pub component: PathBuf,
}

impl Host for Reference {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn edition(&self) -> &'static str {
        "evaluator"
    }

    fn start(&self, policy: &Policy, upstream: SocketAddr) -> Result<Box<dyn Running>, Trouble> {
        let trouble = |error: &dyn std::fmt::Display| Trouble::new(error.to_string());
        let settings = Settings {
            component: ComponentSource::File(self.component.clone()),
            document: policy.document.clone(),
            secrets: policy.secrets.clone(),
            seed: 1,
            upstream: format!("http://{upstream}").parse().map_err(|error| trouble(&error))?,
            instances: NonZeroUsize::MIN,
            limits: Limits::default(),
        };
        let (decided, decisions) = channel();
        // A sink is shared by threads; this end of a channel would rather not be.
        let decided = Mutex::new(decided);
        let sink = move |decision: &Decision, _: &Timings| {
            if let Ok(decided) = decided.lock() {
                let _ = decided.send(decision.clone().into());
            }
        };
        let gateway = Gateway::build(settings, sink).map_err(|error| trouble(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| trouble(&error))?;
        let listener =
            runtime.block_on(TcpListener::bind("127.0.0.1:0")).map_err(|error| trouble(&error))?;
        let address = listener.local_addr().map_err(|error| trouble(&error))?;
        runtime.spawn(gateway.serve(listener, std::future::pending()));
        Ok(Box::new(Serving { address, decisions, runtime: Some(runtime) }))
    }
}

struct Serving {
    address: SocketAddr,
    decisions: Receiver<Record>,
    runtime: Option<Runtime>,
}

impl Running for Serving {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn record(&mut self) -> Option<Record> {
        self.decisions.recv_timeout(PATIENCE).ok()
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
