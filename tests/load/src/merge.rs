//! `merge`: what carrying metadata over adds to a link, and the window that it leaves to others.
//!
//! ```text
//!  client ─▶ gateway ─▶ tenant, which takes so long for each call
//!                          └─▶ when the secondary was read last, and when the link took effect
//! ```

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use linkgate_tenant::Validity;
use linkgate_tenant::faults::{Fault, FaultRule, Point};
use linkgate_tenant::{
    DEFAULT_USERS, Operation, Settings, SigningKey, Tenant, TenantHandle, Users,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::client::{Call, Client, Spoken};
use crate::mint::now_s;
use crate::process::{Process, address_in};
use crate::quantile::Durations;
use crate::scratch::Scratch;
use crate::table::{aligned, row};
use crate::{Attempt, machine};

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) linkgate: PathBuf,
    /// Links of each row, one after another.
    pub(crate) links: usize,
}

const PRIMARY: &str = "auth0|alice-5f7c8ec7";
const SECONDARY: &str = "google-oauth2|115015401343387192604";

/// How long the tenant takes for a call, in milliseconds.
const DELAYS_MS: [u64; 2] = [0, 20];

/// How metadata is merged; not at all first.
const WAYS: [(&str, Option<&str>); 3] = [
    ("no metadata", None),
    ("keys are added", Some("first-level")),
    ("keys are added and staged", Some("deep")),
];

/// Links that are not counted: connections, caches, and the service token.
const WARM_UP: usize = 5;

/// Runs it and gives its table.
pub(crate) async fn merge(settings: Merge) -> Attempt<String> {
    let heading = ["each call takes, way", "links", "calls", "p50", "p99", "window p50", "most"];
    let mut rows = vec![row(heading)];
    for delay_ms in DELAYS_MS {
        for (name, depth) in WAYS {
            let stage = Stage::set(&settings, delay_ms, depth).await?;
            rows.push(stage.measured(&settings, &format!("{delay_ms} ms, {name}")).await?);
        }
    }
    Ok(format!(
        "{}\nmachine  {}\nmethod   {} links a row, one after another, each of fresh accounts\ncalls    requests to the API for one link, the link itself among them\nwindow   from the tenant's last look at the secondary to the link's effect: what somebody else writes there meanwhile is lost with it\n",
        aligned(&rows),
        machine::line(),
        settings.links,
    ))
}

/// A tenant, and the gateway in front of it.
struct Stage {
    tenant: TenantHandle,
    pristine: Tenant,
    gateway: Process,
    call: Call,
    client: Client,
    seen: Arc<Mutex<Vec<(Operation, Instant)>>>,
    _scratch: Scratch,
}

impl Stage {
    async fn set(settings: &Merge, delay_ms: u64, depth: Option<&str>) -> Attempt<Self> {
        let scratch = Scratch::new()?;
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| told(&error))?;
        let origin = format!("http://{}", listener.local_addr().map_err(|error| told(&error))?);
        let key = SigningKey::generate().map_err(|error| told(&error))?;
        let users = Users::parse(DEFAULT_USERS).map_err(|error| told(&error))?;
        let pristine = Tenant::new(Settings::new(&origin), key, users);
        let tenant = TenantHandle::new(pristine.clone());
        for operation in [Operation::ReadUser, Operation::UpdateUser, Operation::Link] {
            if delay_ms > 0 {
                let fault = Fault::Delay { at: Point::BeforeEffect, ms: delay_ms };
                tenant.add_fault(FaultRule::new(operation, fault));
            }
        }
        let seen: Arc<Mutex<Vec<(Operation, Instant)>>> = Arc::default();
        let notes = Arc::clone(&seen);
        tenant.watch(move |recorded| {
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.push((Operation::of(&recorded.request), Instant::now()));
        });
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        let config = scratch.write("policy.json", policy(&pristine, depth).to_string())?;
        let gateway = Process::start(
            "the gateway",
            Command::new(&settings.linkgate)
                .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
                .args(["--upstream", &origin, "--config"])
                .arg(config)
                .env("LINKGATE_SECRET_MACHINE", "machine-secret"),
            drop,
        )?;
        let address = gateway.hear(|line| address_in(line, "listening on http://"))?;
        let call = link(&pristine)?;
        let client = Client::new(address, Spoken::Http1);
        Ok(Self { tenant, pristine, gateway, call, client, seen, _scratch: scratch })
    }

    async fn measured(mut self, settings: &Merge, name: &str) -> Attempt<Vec<String>> {
        let (mut links, mut windows, mut calls) = (Durations::default(), Durations::default(), 0);
        for nth in 0..WARM_UP + settings.links {
            self.pristine.clone_into(&mut self.tenant.tenant());
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
            let began = Instant::now();
            let answer = self.client.exchange(&self.call).await;
            answer.answered(201).map_err(|error| self.gateway.blame(&error))?;
            if nth < WARM_UP {
                continue;
            }
            links.add(began.elapsed());
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let linked = seen.iter().position(|(operation, _)| *operation == Operation::Link);
            let (before, after) = seen.split_at(linked.unwrap_or(0));
            if let (Some((Operation::ReadUser, read)), Some((_, linked))) =
                (before.last(), after.first())
            {
                windows.add(linked.duration_since(*read));
            }
            calls = seen.iter().filter(|(operation, _)| operation.is_management()).count();
        }
        let row = [
            name.to_owned(),
            links.count().to_string(),
            calls.to_string(),
            links.text(500),
            links.text(990),
            windows.text(500),
            windows.text(1000),
        ];
        Ok(row.to_vec())
    }
}

fn policy(tenant: &Tenant, depth: Option<&str>) -> Value {
    let settings = tenant.settings();
    let mut policy = json!({
        "version": 1,
        "issuers": [{
            "issuer": settings.issuer(),
            "audiences": [settings.management_audience()],
            "keys": { "jwks": { "keys": [tenant.signing_key().jwk()] } },
        }],
    });
    if let (Some(depth), Value::Object(members)) = (depth, &mut policy) {
        let metadata = json!({
            "credentials": "service",
            "service": { "client_id": "machine", "client_secret": "MACHINE" },
            "include": "*",
            "depth": depth,
        });
        members.insert("metadata".to_owned(), metadata);
    }
    policy
}

/// Alice's link of her second account.
fn link(tenant: &Tenant) -> Attempt<Call> {
    let hour = Validity::new(now_s(), 3600);
    let scopes = ["update:current_user_identities"];
    let bearer = tenant.mint_access_token(PRIMARY, "spa", &scopes, hour);
    let secondary = tenant.mint_id_token(SECONDARY, "spa", hour);
    let (bearer, secondary) =
        bearer.and_then(|bearer| Ok((bearer, secondary?))).map_err(|error| error.to_string())?;
    let headers = vec![
        (AUTHORIZATION, format!("Bearer {bearer}")),
        (CONTENT_TYPE, "application/json".to_owned()),
    ];
    Ok(Call {
        method: Method::POST,
        target: "/api/v2/users/auth0%7Calice-5f7c8ec7/identities".to_owned(),
        headers,
        body: Bytes::from(json!({ "link_with": secondary }).to_string()),
    })
}
