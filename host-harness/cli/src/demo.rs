//! The demo: a stage with everything real on it, a story, and a table of what happened.

mod calls;
mod page;
pub(crate) mod stay;
pub(crate) mod story;
pub(crate) mod table;
mod tokens;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use linkgate_cases::log_line;
use linkgate_gateway::{ComponentSource, Decision, Gateway, Limits, Reloader, Settings, Timings};
use linkgate_policy::{LogLine, Time};
use linkgate_tenant::{DEFAULT_USERS, SigningKey, Tenant, TenantHandle, Users};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::client::{self, Answer};
use crate::clock;
use story::{Before, Scene};

/// Tenant, gateway and component, on loopback ports of their own. They end with the process.
pub(crate) struct Stage {
    pub(crate) gateway: SocketAddr,
    pub(crate) tenant_address: SocketAddr,
    pub(crate) tenant: TenantHandle,
    /// The tenant as it was at the beginning.
    pristine: Tenant,
    reloader: Arc<Reloader>,
    decisions: UnboundedReceiver<LogLine>,
    /// Where the page for a browser is, once it is served.
    page: TcpListener,
}

/// What happened in a scene.
pub(crate) struct Seen {
    pub(crate) answer: Answer,
    pub(crate) decision: LogLine,
    /// Whether a request reached the tenant: by its own count, not by the gate's word.
    pub(crate) upstream_called: bool,
    pub(crate) took: Duration,
}

/// Longest wait for a decision record after its answer.
const RECORD_TIMEOUT: Duration = Duration::from_secs(10);

impl Stage {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// A phrase that says what did not start.
    pub(crate) async fn build(component: PathBuf, seed: u64) -> Result<Self, String> {
        let listen = async || {
            TcpListener::bind("127.0.0.1:0")
                .await
                .map_err(|error| format!("no loopback port: {error}"))
        };
        let address =
            |listener: &TcpListener| listener.local_addr().map_err(|error| error.to_string());
        let tenant_listener = listen().await?;
        let tenant_address = address(&tenant_listener)?;
        let page = listen().await?;
        let mut settings = linkgate_tenant::Settings::new(&format!("http://{tenant_address}"));
        settings.register_page(story::CLIENT, &page::url(address(&page)?));
        let key = SigningKey::generate().map_err(|error| error.to_string())?;
        let users = Users::parse(DEFAULT_USERS).map_err(|error| error.to_string())?;
        let tenant = Tenant::new(settings, key, users);
        let (sender, decisions) = unbounded_channel();
        let settings = Settings {
            component: ComponentSource::File(component),
            document: Some(policy_for(&tenant).to_string()),
            secrets: secrets(),
            seed,
            upstream: format!("http://{tenant_address}")
                .parse()
                .map_err(|_invalid| "the tenant has no usable address")?,
            instances: NonZeroUsize::MIN,
            limits: Limits::default(),
        };
        let sink = move |decision: Decision, timings: &Timings| {
            let time = Time { unix_ms: clock::now().unix_ms };
            // The receiver is gone when the demo ends.
            let _ = sender.send(log_line(decision, time, timings.took()));
        };
        let gateway = tokio::task::spawn_blocking(|| Gateway::reloadable(settings, sink))
            .await
            .map_err(|error| error.to_string())?;
        let (gateway, reloader) = gateway.map_err(|error| error.to_string())?;
        let listener = listen().await?;
        let gateway_address = address(&listener)?;
        let (pristine, tenant) = (tenant.clone(), TenantHandle::new(tenant));
        tokio::spawn(linkgate_tenant::serve(
            tenant_listener,
            tenant.clone(),
            std::future::pending(),
        ));
        tokio::spawn(gateway.serve(listener, std::future::pending()));
        let reloader = Arc::new(reloader);
        Ok(Self {
            gateway: gateway_address,
            tenant_address,
            tenant,
            pristine,
            reloader,
            decisions,
            page,
        })
    }

    /// Sends a scene's request through the gateway and waits for its decision record.
    ///
    /// # Errors
    ///
    /// There was no answer, or no record.
    pub(crate) async fn play(&mut self, scene: &Scene) -> Result<Seen, String> {
        self.tenant.clear_faults();
        for before in &scene.before {
            self.set(before).await?;
        }
        let before = self.tenant.received();
        let started = Instant::now();
        let answer = client::send(self.gateway, &scene.call).await?;
        let took = started.elapsed();
        let record = tokio::time::timeout(RECORD_TIMEOUT, self.decisions.recv()).await;
        let decision = record
            .ok()
            .flatten()
            .ok_or_else(|| format!("`{}` left no decision record", scene.title))?;
        Ok(Seen { answer, decision, upstream_called: self.tenant.received() > before, took })
    }
}

impl Stage {
    async fn set(&self, before: &Before) -> Result<(), String> {
        match before {
            Before::AccountsAnew => self.pristine.clone_into(&mut self.tenant.tenant()),
            Before::Fault(rule) => {
                self.tenant.add_fault(rule.clone());
            }
            Before::Merging(metadata) => {
                let mut document = policy_for(&self.pristine);
                if let Value::Object(members) = &mut document {
                    members.insert("metadata".to_owned(), metadata.clone());
                }
                let reloader = Arc::clone(&self.reloader);
                tokio::task::spawn_blocking(move || {
                    reloader.reload(document.to_string(), secrets())
                })
                .await
                .map_err(|error| error.to_string())?
                .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

/// Those that the policies of the story name: the simulated tenant's, for anybody to read.
fn secrets() -> Vec<(String, String)> {
    vec![("MACHINE".to_owned(), "machine-secret".to_owned())]
}

/// A policy for a simulated tenant, with its present key inline. The pages registered there may call the gate.
pub(crate) fn policy_for(tenant: &Tenant) -> Value {
    let settings = tenant.settings();
    let origins: BTreeSet<&String> =
        settings.applications.iter().flat_map(|application| &application.origins).collect();
    json!({
        "version": 1,
        "issuers": [{
            "issuer": settings.issuer(),
            "audiences": [settings.management_audience()],
            "keys": { "jwks": { "keys": [tenant.signing_key().jwk()] } },
        }],
        "profile": "read-own",
        "pass": ["/oauth/token", "/.well-known"],
        "cors": { "origins": origins },
    })
}
