//! A tenant with two accounts, and a client that links them.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linkgate_tenant::{Settings, SigningKey, Tenant, TenantHandle, Users, Validity};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::host::Host;

/// Bounds every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const ALICE: &str = "auth0|alice";
const GOOGLE: &str = "google-oauth2|115015401343387192604";

/// The metadata of both accounts: keys on one side, on both with the same value, in conflict, nested.
fn users() -> Users {
    let users = json!({ "users": [
        {
            "user_id": ALICE,
            "email": "alice@example.com",
            "user_metadata": {
                "own": 1.5, "same": "x", "theme": "light",
                "nest": { "a": 1, "b": 2 }, "list": ["p", "x"],
            },
        },
        {
            "user_id": GOOGLE,
            "email": "alice@example.com",
            "user_metadata": {
                "added": "s", "same": "x", "theme": "dark",
                "nest": { "b": 3, "c": 4 }, "list": ["x", "s"], "ключ": "значение",
            },
        },
    ]});
    Users::parse(&users.to_string()).expect("users")
}

/// How metadata is merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) conflicts: &'static str,
    pub(crate) deep: bool,
}

/// A tenant that listens.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) tenant: TenantHandle,
    pub(crate) origin: String,
    pristine: Tenant,
    bearer: String,
    secondary: String,
}

/// Both accounts as they stand: the metadata, and what is linked.
#[derive(Debug, PartialEq)]
pub(crate) struct Accounts {
    primary: Option<(Value, Vec<String>)>,
    secondary: Option<Value>,
}

impl World {
    pub(crate) async fn begin() -> Self {
        Self::begin_with(Settings::new).await
    }

    /// With a tenant that has other settings at this origin.
    pub(crate) async fn begin_with(settings: impl Fn(&str) -> Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let key = SigningKey::generate().expect("a key");
        let pristine = Tenant::new(settings(&origin), key, users());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let hour = Validity::new(now.as_secs(), 3600);
        let scopes = ["update:current_user_identities"];
        let bearer = pristine.mint_access_token(ALICE, "spa", &scopes, hour).expect("a token");
        let secondary = pristine.mint_id_token(GOOGLE, "spa", hour).expect("a token");
        let tenant = TenantHandle::new(pristine.clone());
        tokio::spawn(linkgate_tenant::serve(listener, tenant.clone(), std::future::pending()));
        Self { tenant, origin, pristine, bearer, secondary }
    }

    /// Both accounts are as they were at the beginning.
    pub(crate) fn begin_anew(&self) {
        self.pristine.clone_into(&mut self.tenant.tenant());
        self.tenant.forget_requests();
    }

    /// A policy that merges, with a token that the gate is granted, or a fixed one.
    pub(crate) fn policy(&self, rule: Rule, service: &Value) -> Value {
        json!({
            "version": 1,
            "issuers": [{
                "issuer": format!("{}/", self.origin),
                "audiences": [format!("{}/api/v2/", self.origin)],
                "keys": { "jwks_uri": format!("{}/.well-known/jwks.json", self.origin) },
            }],
            "metadata": {
                "credentials": "service",
                "service": service,
                "include": "*",
                "conflicts": rule.conflicts,
                "depth": if rule.deep { "deep" } else { "first-level" },
                "arrays": if rule.deep { "union" } else { "keep" },
            },
        })
    }

    /// A token of the gate's own.
    pub(crate) fn service_token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let scopes = ["read:users", "update:users"];
        let hour = Validity::new(now.as_secs(), 3600);
        self.pristine.mint_machine_token("machine", &scopes, hour).expect("a token")
    }

    /// Both accounts, as the tenant has them.
    pub(crate) fn accounts(&self) -> Accounts {
        let tenant = self.tenant.tenant();
        let metadata = |id: &str| {
            let user = tenant.user(id)?;
            Some(user.user_metadata().map_or(Value::Null, |metadata| json!(metadata)))
        };
        let linked = tenant.user(ALICE).map(linkgate_tenant::User::linked_ids);
        Accounts { primary: metadata(ALICE).zip(linked), secondary: metadata(GOOGLE) }
    }

    /// Waits until the tenant holds a request.
    pub(crate) async fn until_held(&self, host: &Host) {
        let held = timeout(PATIENCE, self.tenant.until_held(|held| !held.is_empty())).await;
        assert!(held.is_ok(), "nothing is held. The host said:\n{}", host.said());
    }

    /// Links the accounts and gives the status of the answer; none when there is none.
    pub(crate) async fn link(&self, address: SocketAddr) -> Option<u16> {
        self.clone().client(address).await
    }

    /// The same, to be run beside the test.
    pub(crate) async fn client(self, address: SocketAddr) -> Option<u16> {
        let body = json!({ "link_with": self.secondary }).to_string();
        let request = format!(
            "POST /api/v2/users/auth0%7Calice/identities HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\
             authorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.bearer,
            body.len()
        );
        let exchange = async {
            let mut socket = TcpStream::connect(address).await.ok()?;
            socket.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            let _reset = socket.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
        };
        timeout(PATIENCE, exchange).await.expect("an end of the exchange")
    }
}
