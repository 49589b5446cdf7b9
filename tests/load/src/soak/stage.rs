//! The two processes: a tenant that can be made to fail, and the gateway in front of it.

use std::net::SocketAddr;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::Attempt;
use crate::client::{Call, Client, Spoken};
use crate::mint::Mint;
use crate::policy;
use crate::process::{Process, address_in, signal};
use crate::scratch::Scratch;

use super::Soak;
use super::arrivals::Arrivals;
use super::decisions::Decisions;
use super::people;

/// What runs.
pub(super) struct Stage {
    pub(super) gateway: Process,
    pub(super) tenant: Process,
    pub(super) gateway_address: SocketAddr,
    pub(super) tenant_address: SocketAddr,
    admin_address: SocketAddr,
    pub(super) mint: Mint,
    pub(super) documents: Documents,
    decisions: Arc<Mutex<Decisions>>,
    arrivals: Arc<Mutex<Arrivals>>,
}

/// Policy documents that stand for each other, and some that stand for nothing.
#[derive(Clone)]
pub(super) struct Documents {
    pub(super) first: String,
    pub(super) second: String,
    pub(super) broken: Vec<String>,
}

/// The name of the policy file that the gateway watches.
pub(super) const POLICY: &str = "policy.json";

impl Stage {
    /// Starts both.
    pub(super) fn set(settings: &Soak, scratch: &Scratch) -> Attempt<Self> {
        let users = scratch.write("users.json", people::users_document(settings.connections))?;
        let own_policy = scratch.path("tenant.json");
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let arrived = Arc::clone(&arrivals);
        let tenant = Process::start(
            "the tenant",
            Command::new(&settings.linkgate)
                .args(["tenant", "--faults", "--listen", "127.0.0.1:0", "--users"])
                .arg(users)
                .arg("--policy-out")
                .arg(&own_policy),
            move |line| arrived.lock().unwrap_or_else(PoisonError::into_inner).take(&line),
        )?;
        let tenant_address = tenant.hear(|line| address_in(line, "listening on http://"))?;
        let issuer = format!("http://{tenant_address}/");
        let mint = Mint::new(issuer.clone())?;
        let documents = Documents::of(&mint, &issuer, &own_policy)?;
        let config = scratch.write(POLICY, &documents.first)?;

        let decisions = Arc::new(Mutex::new(Decisions::default()));
        let decided = Arc::clone(&decisions);
        let gateway = Process::start(
            "the gateway",
            Command::new(&settings.linkgate)
                .arg("serve")
                .arg("--config")
                .arg(config)
                .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json"])
                .args(["--upstream", &format!("http://{tenant_address}")]),
            move |line| decided.lock().unwrap_or_else(PoisonError::into_inner).take(&line),
        )?;
        let admin_address = gateway.hear(|line| address_in(line, "admin on http://"))?;
        let gateway_address = gateway.hear(|line| address_in(line, "listening on http://"))?;
        Ok(Self {
            gateway,
            tenant,
            gateway_address,
            tenant_address,
            admin_address,
            mint,
            documents,
            decisions,
            arrivals,
        })
    }

    /// The gateway's metrics, in their text form.
    pub(super) async fn metrics(&self) -> Attempt<String> {
        let call = Call {
            method: Method::GET,
            target: "/metrics".to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        };
        let answer = Client::new(self.admin_address, Spoken::Http1).exchange(&call).await;
        let reply = answer.answered(200).map_err(|error| self.gateway.blame(&error))?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// Sees the gateway end, and gives how, and all that it decided.
    pub(super) fn end_gateway(&mut self, within: Duration) -> Attempt<(ExitStatus, Decisions)> {
        let status = self.gateway.ended(within)?;
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((status, std::mem::take(&mut decisions)))
    }

    /// Stops the tenant, and gives all that arrived there.
    pub(super) fn end_tenant(&mut self, within: Duration) -> Attempt<Arrivals> {
        signal(self.tenant.id(), "TERM")?;
        self.tenant.ended(within)?;
        Ok(std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Documents {
    /// Of the policy that the tenant wrote for itself, the keys are what counts.
    fn of(mint: &Mint, issuer: &str, own_policy: &std::path::Path) -> Attempt<Self> {
        let text = std::fs::read_to_string(own_policy)
            .map_err(|error| format!("{}: {error}", own_policy.display()))?;
        let own: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let keys = own.pointer("/issuers/0/keys/jwks/keys").and_then(Value::as_array);
        let keys = keys.ok_or("the tenant's policy holds no keys")?;
        let document = policy::document(mint, issuer, keys);
        Ok(Self {
            first: document.to_string(),
            second: format!("{:#}\n", policy::reworded(&document)),
            broken: policy::broken(&document),
        })
    }
}
