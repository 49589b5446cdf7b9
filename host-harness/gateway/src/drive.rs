//! Drives exchanges, from the heads of requests to the heads of their answers.
//!
//! ```text
//!  open ─▶ step by step, for as long as the client is there ─▶ answer
//!             │ acquire, call
//!             └─▶ the same on a task of its own: once the policy says so, it goes on without the client
//! ```

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use hyper::Response;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::accounts::Accounts;
use crate::answer::{self, Answer};
use crate::contract::{Step, Turn};
use crate::exchange::Exchange;
use crate::pool::{Pool, Shared};
use crate::request::ClientRequest;
use crate::settings::Limits;
use crate::steps::{Journey, Next};
use crate::tls::Tls;
use crate::upstream::Upstream;
use crate::upstream_pool::UpstreamPools;

/// What the steps act upon.
pub(crate) struct Driver {
    /// The pool that takes new exchanges. One that was replaced lives on until its exchanges end.
    pool: RwLock<Arc<Pool>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstream: Upstream,
    /// Connections to it.
    pub(crate) connections: UpstreamPools,
    pub(crate) limits: Limits,
    pub(crate) accounts: Arc<Accounts>,
    /// Exchanges that may go on without their clients.
    detached: Mutex<JoinSet<()>>,
}

impl Driver {
    pub(crate) fn new(
        pool: Pool,
        shared: Arc<Shared>,
        upstream: Upstream,
        tls: Option<Tls>,
        limits: Limits,
    ) -> Self {
        Self {
            pool: RwLock::new(Arc::new(pool)),
            shared,
            connections: UpstreamPools::new(upstream.clone(), tls, limits.clone()),
            upstream,
            limits,
            accounts: Arc::default(),
            detached: Mutex::default(),
        }
    }

    /// The pool of the moment. An exchange stays with the one that it was opened in.
    pub(crate) fn pool(&self) -> Arc<Pool> {
        Arc::clone(&self.pool.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has new exchanges opened in another pool.
    pub(crate) fn replace_pool(&self, pool: Pool) {
        pool.lead();
        *self.pool.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pool);
    }

    /// Drives one exchange. The answer's body closes it.
    pub(crate) async fn drive(self: &Arc<Self>, client: ClientRequest) -> Response<Answer> {
        let pool = self.pool();
        let seen = client.head(pool.wanted_headers());
        let Ok((mut exchange, mut turn)) = pool.open(seen).await else {
            return answer::unavailable();
        };
        let mut journey = Journey::new(client);
        loop {
            if matches!(turn.step, Step::Acquire(_) | Step::Call(_)) {
                return self.detach(journey, exchange, turn).await;
            }
            match self.advance(&mut journey, exchange, turn).await {
                Next::Turn(back, next) => (exchange, turn) = (back, next),
                Next::Answer(response) => return response,
            }
        }
    }

    /// Drives an exchange on a task of its own, which a client that leaves does not end.
    async fn detach(
        self: &Arc<Self>,
        journey: Journey,
        exchange: Exchange,
        turn: Turn,
    ) -> Response<Answer> {
        let (reply, response) = oneshot::channel();
        let driver = Arc::clone(self);
        {
            let mut detached = self.detached.lock().unwrap_or_else(PoisonError::into_inner);
            while detached.try_join_next().is_some() {}
            detached.spawn(async move {
                driver.drive_detached(journey, exchange, turn, reply).await;
            });
        }
        // Without a report, its task is gone: something may have been sent.
        response.await.unwrap_or_else(|_gone| answer::lost(true))
    }

    async fn drive_detached(
        &self,
        mut journey: Journey,
        mut exchange: Exchange,
        mut turn: Turn,
        mut client: oneshot::Sender<Response<Answer>>,
    ) {
        let mut alone = false;
        loop {
            let must_finish = exchange.must_finish();
            let mut step = pin!(self.advance(&mut journey, exchange, turn));
            let next = tokio::select! {
                next = &mut step => next,
                () = client.closed(), if !alone => {
                    if !must_finish.await {
                        return;
                    }
                    alone = true;
                    step.await
                }
            };
            match next {
                Next::Turn(back, next) => (exchange, turn) = (back, next),
                Next::Answer(response) => {
                    if let Err(response) = client.send(response) {
                        response.into_body().abandon();
                    }
                    return;
                }
            }
        }
    }

    /// Exchanges that may go on without their clients, to be waited for or broken off.
    pub(crate) fn detached(&self) -> JoinSet<()> {
        std::mem::take(&mut *self.detached.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
