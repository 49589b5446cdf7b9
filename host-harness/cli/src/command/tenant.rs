//! `linkgate tenant`: the simulated tenant.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use linkgate_tenant::{DEFAULT_USERS, ServeOptions, Settings, SigningKey, TenantHandle, Users};
use tokio::net::TcpListener;

use super::{Trouble, asked_to_stop, runtime};
use crate::demo::policy_for;
use crate::exit::Exit;

/// Run a simulated Auth0 tenant: sign-in, keys, users and linking, in memory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE, after_long_help = ENDPOINTS)]
pub(super) struct Tenant {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Users, as JSON; a few people with several accounts each unless given
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Write a policy for this tenant and its key, ready for `linkgate serve --config`
    #[arg(long, value_name = "FILE")]
    policy_out: Option<PathBuf>,
    /// Let whoever reaches it ask for faults at `/__faults`: delays, resets, errors, held requests
    #[arg(long)]
    faults: bool,
    /// Let whoever reaches it change its keys at `/__keys`: rotate, withdraw, publish strange ones
    #[arg(long)]
    keys: bool,
}

impl Tenant {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let users = match &self.users {
            Some(path) => read_users(path)?,
            None => Users::parse(DEFAULT_USERS).map_err(Trouble::failed)?,
        };
        runtime()?.block_on(self.serve(users))
    }

    async fn serve(self, users: Users) -> Result<Exit, Trouble> {
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Trouble::failed(format!("cannot listen on {}: {error}", self.listen))
        })?;
        let address = listener.local_addr().map_err(Trouble::failed)?;
        let settings = Settings::new(&format!("http://{address}"));
        let key = SigningKey::generate().map_err(Trouble::failed)?;
        let tenant = linkgate_tenant::Tenant::new(settings, key, users);
        if let Some(path) = &self.policy_out {
            let policy =
                serde_json::to_string_pretty(&policy_for(&tenant)).map_err(Trouble::failed)?;
            std::fs::write(path, policy + "\n")
                .map_err(|error| Trouble::failed(format!("{}: {error}", path.display())))?;
        }
        welcome(&tenant, self.policy_out.as_deref());
        self.name_endpoints(tenant.settings().issuer());
        let handle = TenantHandle::new(tenant);
        handle.watch(|seen| {
            println!("{} {} {}", seen.status, seen.request.method, seen.request.target);
        });
        let options = ServeOptions { fault_control: self.faults, key_control: self.keys };
        linkgate_tenant::serve_with(options, listener, handle, asked_to_stop()).await;
        eprintln!("stopped");
        Ok(Exit::Ok)
    }

    /// The endpoints for tests, where they are.
    fn name_endpoints(&self, issuer: &str) {
        if self.faults {
            println!("  faults    {issuer}__faults");
        }
        if self.keys {
            println!("  its keys  {issuer}__keys");
        }
        if self.faults || self.keys {
            println!("  counts    {issuer}__requests");
        }
    }
}

fn read_users(path: &Path) -> Result<Users, Trouble> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Trouble::usage(format!("{}: {error}", path.display())))?;
    Users::parse(&text).map_err(|error| Trouble::usage(format!("{}: {error}", path.display())))
}

/// What one needs to know to use it.
fn welcome(tenant: &linkgate_tenant::Tenant, policy: Option<&Path>) {
    let issuer = tenant.settings().issuer();
    let audience = tenant.settings().management_audience();
    eprintln!("a simulated tenant, listening on {issuer}");
    eprintln!("  keys      {issuer}.well-known/jwks.json");
    eprintln!("  sign in   POST {issuer}oauth/token");
    eprintln!(
        "            grant_type=password client_id=spa audience={audience} username password scope"
    );
    for user in tenant.users() {
        eprintln!("  user      {}", user.user_id());
    }
    if let Some(path) = policy {
        eprintln!("  policy    {}, good until this tenant stops: its key is new", path.display());
    }
}

const EXAMPLE: &str = "\
Example:
  linkgate tenant --listen 127.0.0.1:4000 --policy-out policy.json";

const ENDPOINTS: &str = r#"Example:
  linkgate tenant --listen 127.0.0.1:4000 --policy-out policy.json

What tests ask of it, when it was told to allow it (JSON, with Content-Type: application/json):
  POST   /__faults          {"faults": [{"operation": "jwks", "occurrence": 2,
                             "fault": {"delay": {"at": "before_effect", "ms": 250}}}]}
  GET    /__faults          the plan, and the requests it holds
  DELETE /__faults          no faults any more
  POST   /__faults/release  {"all": true}
  POST   /__keys/rotate     {"overlap": true}
  POST   /__keys/withdraw   {"kid": "KID"}
  POST   /__keys/publish    {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}
  GET    /__keys            which key signs, which are published beside it
  DELETE /__keys            only keys of its own any more
  GET    /__requests        how often each operation was asked for; ?jwks=2 waits for the second

Faults: delay, hold, status, reset, hang_up, amend, drip, cut_body. Operations: discovery, jwks, sign_in,
read_user, update_user, link, unlink, unrouted. The documentation of the crate linkgate-tenant has their members."#;
