//! An issuer of tokens: the simulated tenant, listening. It is the upstream, too.

#![expect(clippy::expect_used, reason = "a suite without its issuer cannot run")]

use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_tenant::faults::{Amendment, Fault, FaultRule};
use linkgate_tenant::keys::Overlap;
use linkgate_tenant::{
    DEFAULT_USERS, Operation, Settings, SigningKey, Tenant, TenantHandle, Users, Validity,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::hosts::PATIENCE;

/// One of the tenant's users.
pub const ALICE: &str = "auth0|alice-5f7c8ec7";

/// Where her profile is.
pub const ALICES_PROFILE: &str = "/api/v2/users/auth0%7Calice-5f7c8ec7";

/// A tenant that listens, and its issuer's origin.
#[derive(Clone)]
pub struct Issuer {
    /// The tenant.
    pub tenant: TenantHandle,
    /// The issuer, without its slash.
    pub origin: String,
}

impl Issuer {
    /// One that listens on a port of its own until the runtime ends.
    ///
    /// # Panics
    /// There is no port, or no key.
    pub async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let users = Users::parse(DEFAULT_USERS).expect("users");
        let tenant = Tenant::new(Settings::new(&origin), signing_key(), users);
        let tenant = TenantHandle::new(tenant);
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        Self { tenant, origin }
    }

    /// Its keys by URL, with these rules: an object.
    #[must_use]
    pub fn by_url(&self, rules: &Value) -> Value {
        let mut keys = json!({ "jwks_uri": format!("{}/.well-known/jwks.json", self.origin) });
        for (name, rule) in rules.as_object().into_iter().flatten() {
            keys[name] = rule.clone();
        }
        keys
    }

    /// A policy's entry for it.
    #[must_use]
    pub fn entry(&self, keys: &Value) -> Value {
        json!({
            "issuer": format!("{}/", self.origin),
            "audiences": [format!("{}/api/v2/", self.origin)],
            "keys": keys,
        })
    }

    /// Alice's token, signed by the newest key.
    #[must_use]
    pub fn token(&self) -> String {
        mint(&self.tenant.tenant())
    }

    /// The same token, signed by a key that was never published.
    #[must_use]
    pub fn unknown_token(&self) -> String {
        let settings = self.tenant.tenant().settings().clone();
        mint(&Tenant::new(settings, signing_key(), Users::default()))
    }

    /// Signs with another key from now on; the one before is withdrawn.
    ///
    /// # Panics
    /// There is no other key.
    pub fn rotate(&self) {
        self.tenant.rotate_key(Overlap::None).expect("a key");
    }

    /// Key sets that were asked for so far, whatever became of it.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.tenant.arrived(Operation::Jwks)
    }

    /// Waits until so many were asked for.
    ///
    /// # Panics
    /// It takes too long.
    pub async fn until_fetched(&self, count: u64) {
        let fetched = timeout(PATIENCE, self.tenant.until_arrived(Operation::Jwks, count));
        fetched.await.expect("a fetch");
    }

    /// What goes wrong with its key sets from now on, until faults are cleared.
    pub fn fault(&self, fault: Fault) {
        self.tenant.add_fault(FaultRule::new(Operation::Jwks, fault));
    }

    /// Its sets are fresh for as long as it says from now on. A policy takes that for at least its
    /// `refresh_min`.
    pub fn fresh_for(&self, seconds: u64) {
        let max_age = format!("max-age={seconds}");
        self.fault(Fault::Amend(Amendment::default().with_header("cache-control", &max_age)));
    }
}

/// A policy of these issuers, under which users may read their profile.
#[must_use]
pub fn policy(issuers: &[Value]) -> Value {
    json!({ "version": 1, "profile": "read-own", "issuers": issuers })
}

fn signing_key() -> SigningKey {
    SigningKey::generate().expect("a key")
}

fn mint(tenant: &Tenant) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    let validity = Validity::new(now, 600);
    tenant.mint_access_token(ALICE, "spa", &["read:current_user"], validity).expect("a token")
}
