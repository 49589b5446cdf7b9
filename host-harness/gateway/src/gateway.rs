//! The gateway: built, then served.

use std::fs;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::drive::Driver;
use crate::error::StartError;
use crate::evaluator::Evaluator;
use crate::fleet::Fleet;
use crate::sandbox::{Guest, Policy, Sandbox};
use crate::serve;
use crate::settings::{ComponentSource, Limits, Settings};
use crate::sink::DecisionSink;
use crate::upstream::Upstream;

/// A gateway that is ready to serve: its component is compiled, its policy too, in every instance.
pub struct Gateway<E: Evaluator = Guest> {
    driver: Arc<Driver<E>>,
}

impl Gateway {
    /// Compiles the component and the policy. This takes seconds of CPU and blocks; nothing listens
    /// before it is done.
    ///
    /// # Errors
    /// The component is unusable, or the policy has mistakes: all of them are in the error.
    pub fn build(settings: Settings, sink: impl DecisionSink) -> Result<Self, StartError> {
        let component = match settings.component {
            ComponentSource::Bytes(bytes) => bytes,
            ComponentSource::File(path) => {
                fs::read(&path).map_err(|error| StartError::Unreadable { path, error })?
            }
        };
        let policy =
            Policy { document: settings.document, secrets: settings.secrets, seed: settings.seed };
        let sandbox = Sandbox::new(&component, policy)?;
        let make = move || sandbox.instance();
        Self::with_evaluators(make, settings.instances, settings.upstream, settings.limits, sink)
    }
}

impl<E: Evaluator> Gateway<E> {
    /// A gateway around evaluators of any make: the same driver, for tests that script the steps.
    ///
    /// # Errors
    /// What `make` gives. It is called once per instance here, and again whenever one was lost.
    pub fn with_evaluators(
        make: impl Fn() -> Result<E, StartError> + Send + Sync + 'static,
        instances: NonZeroUsize,
        upstream: Upstream,
        limits: Limits,
        sink: impl DecisionSink,
    ) -> Result<Self, StartError> {
        let fleet = Fleet::new(Box::new(make), instances.get(), Box::new(sink))?;
        Ok(Self { driver: Arc::new(Driver { fleet, upstream, limits }) })
    }

    /// Serves HTTP/1.1 on `listener` until `shutdown` resolves. Then no connection is accepted any
    /// more, open exchanges have [`Limits::drain_timeout`] to end, and what is left is broken off.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        serve::serve(self.driver, listener, shutdown).await;
    }
}
