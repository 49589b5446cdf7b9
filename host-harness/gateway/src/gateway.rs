//! The gateway: built, then served.

use std::fs;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::client_tls::ClientTls;
use crate::drive::Driver;
use crate::error::StartError;
use crate::evaluator::Evaluator;
use crate::fetch::Fetcher;
use crate::pool::{Pool, Shared};
use crate::readiness::Readiness;
use crate::sandbox::{Policy, Sandbox};
use crate::serve;
use crate::settings::{ComponentSource, Limits, Settings};
use crate::sink::DecisionSink;
use crate::upstream::Upstream;

/// A gateway that is ready to serve: its component is compiled, its policy too, in every instance.
pub struct Gateway {
    driver: Arc<Driver>,
    fetcher: Arc<Fetcher>,
}

impl Gateway {
    /// Compiles the component and the policy. This takes seconds of CPU and blocks; nothing listens
    /// before it is done.
    ///
    /// # Errors
    /// The component is unusable, or the policy has mistakes: all of them are in the error.
    pub fn build(settings: Settings, sink: impl DecisionSink) -> Result<Self, StartError> {
        Self::reloadable(settings, sink).map(|(gateway, _)| gateway)
    }

    /// Like [`Self::build`], with the handle that gives the gateway another policy later.
    ///
    /// # Errors
    /// Those of [`Self::build`].
    pub fn reloadable(
        settings: Settings,
        sink: impl DecisionSink,
    ) -> Result<(Self, Reloader), StartError> {
        let component = match settings.component {
            ComponentSource::Bytes(bytes) => bytes,
            ComponentSource::File(path) => {
                fs::read(&path).map_err(|error| StartError::Unreadable { path, error })?
            }
        };
        let Settings { document, secrets, seed, instances, limits, upstream, .. } = settings;
        let policy = Policy { document, secrets, seed };
        let sandbox = Arc::new(Sandbox::new(&component, policy, instances)?);
        let first = Arc::clone(&sandbox);
        let make = move || first.instance();
        let gateway = Self::with_evaluators(make, instances, upstream, limits, sink)?;
        let driver = Arc::clone(&gateway.driver);
        Ok((gateway, Reloader { driver, sandbox, instances, seed }))
    }

    /// A gateway around evaluators of any make: the same driver, for tests that script the steps.
    ///
    /// # Errors
    /// What `make` gives, or TLS to the upstream has no roots to rest on. `make` is called once per
    /// instance here, and again whenever one was lost.
    pub fn with_evaluators<E: Evaluator>(
        make: impl Fn() -> Result<E, StartError> + Send + Sync + 'static,
        instances: NonZeroUsize,
        upstream: Upstream,
        limits: Limits,
        sink: impl DecisionSink,
    ) -> Result<Self, StartError> {
        let tls = upstream.tls()?;
        let fetcher = Arc::new(Fetcher::new(upstream.ca())?);
        let shared = Shared::new(Box::new(sink), limits.in_flight);
        let pool = Pool::new(Arc::new(make), instances.get(), limits.clone(), Arc::clone(&shared))?;
        pool.lead();
        let driver = Arc::new(Driver::new(pool, shared, upstream, tls, limits));
        Ok(Self { driver, fetcher })
    }

    /// A view of the gateway that remains when it serves.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness::of(Arc::clone(&self.driver))
    }

    /// Serves HTTP/1.1 and HTTP/2 on `listener` until `shutdown` resolves. Then no connection is
    /// accepted any more, open exchanges have [`Limits::drain_timeout`] to end, and what is left is
    /// broken off: the number of these is returned.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> usize {
        serve::serve(self.driver, self.fetcher, listener, None, shutdown).await
    }

    /// As [`Gateway::serve`], over TLS.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        tls: Arc<ClientTls>,
        shutdown: impl Future<Output = ()>,
    ) -> usize {
        serve::serve(self.driver, self.fetcher, listener, Some(tls), shutdown).await
    }
}

/// Gives a gateway another policy while it serves.
pub struct Reloader {
    driver: Arc<Driver>,
    sandbox: Arc<Sandbox>,
    instances: NonZeroUsize,
    seed: u64,
}

impl Reloader {
    /// Compiles a policy in fresh instances, then has new requests judged by it. Requests in flight
    /// keep the policy they began with. This takes CPU and blocks.
    ///
    /// # Errors
    /// The policy has mistakes, or no instance could be made: the present one serves on.
    pub fn reload(
        &self,
        document: String,
        secrets: Vec<(String, String)>,
    ) -> Result<(), StartError> {
        let sandbox =
            self.sandbox.with_policy(Policy { document: Some(document), secrets, seed: self.seed });
        let (limits, shared) = (self.driver.limits.clone(), Arc::clone(&self.driver.shared));
        let make = Arc::new(move || sandbox.instance());
        let pool = Pool::new(make, self.instances.get(), limits, shared)?;
        self.driver.replace_pool(pool);
        Ok(())
    }
}
