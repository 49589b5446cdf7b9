//! A tenant that publishes its keys and is the upstream, and a client that links at a host.

use std::time::{SystemTime, UNIX_EPOCH};

use linkgate_tenant::keys::Overlap;
use linkgate_tenant::{DEFAULT_USERS, Settings, SigningKey, Tenant, TenantHandle, Users, Validity};
use linkgate_tests::hosts::PATIENCE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::host::Host;

pub(crate) const ALICE: &str = "auth0|alice-5f7c8ec7";
pub(crate) const GOOGLE: &str = "google-oauth2|115015401343387192604";

/// A tenant that listens.
pub(crate) struct World {
    pub(crate) tenant: TenantHandle,
    pub(crate) origin: String,
}

/// The answer that a client got: a status, and the gate's own reason for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    reason: String,
}

impl Answer {
    pub(crate) fn new(status: u16, reason: &str) -> Self {
        Self { status, reason: reason.to_owned() }
    }
}

impl World {
    pub(crate) async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let users = Users::parse(DEFAULT_USERS).expect("users");
        let key = SigningKey::generate().expect("a key");
        let tenant = TenantHandle::new(Tenant::new(Settings::new(&origin), key, users));
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        Self { tenant, origin }
    }

    /// A policy that has keys by discovery.
    pub(crate) fn policy(&self) -> Value {
        json!({
            "version": 1,
            "issuers": [{
                "issuer": format!("{}/", self.origin),
                "audiences": [format!("{}/api/v2/", self.origin)],
                "scopes": ["update:current_user_identities"],
            }],
        })
    }

    /// A bearer of this user's, signed by the tenant's newest key.
    pub(crate) fn bearer(&self, user: &str) -> String {
        bearer(&self.tenant.tenant(), user)
    }

    /// The same, signed by a key that the tenant never published.
    pub(crate) fn forged(&self, user: &str) -> String {
        let settings = self.tenant.tenant().settings().clone();
        let key = SigningKey::generate().expect("a key");
        bearer(&Tenant::new(settings, key, Users::default()), user)
    }

    /// Signs with another key from now on; the one before is withdrawn.
    pub(crate) fn rotate(&self) {
        self.tenant.rotate_key(Overlap::None).expect("a key");
    }

    /// Links the Google account to a user's, with this bearer.
    pub(crate) async fn link(&self, host: &Host, user: &str, bearer: &str) -> Answer {
        let secondary = self.tenant.tenant().mint_id_token(GOOGLE, "spa", hour()).expect("a token");
        let body = json!({ "link_with": secondary }).to_string();
        let request = format!(
            "POST /api/v2/users/{}/identities HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\
             authorization: Bearer {bearer}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            user.replace('|', "%7C"),
            body.len()
        );
        let asked = async {
            let mut stream = TcpStream::connect(host.address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.map(|_| reply)
        };
        let reply = timeout(PATIENCE, asked).await.expect("an answer in time");
        let reply = reply.unwrap_or_else(|error| panic!("{error}. It said:\n{}", host.said()));
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        let reason = reply
            .split_once("urn:linkgate:reason:")
            .and_then(|(_, rest)| Some(rest.split_once('"')?.0.to_owned()));
        Answer { status: status.expect("a status"), reason: reason.unwrap_or_default() }
    }
}

fn bearer(tenant: &Tenant, user: &str) -> String {
    let scopes = ["update:current_user_identities"];
    tenant.mint_access_token(user, "spa", &scopes, hour()).expect("a token")
}

fn hour() -> Validity {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Validity::new(now.as_secs(), 3600)
}
