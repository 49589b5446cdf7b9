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
#[command(
    after_help = "Example:\n  linkgate tenant --listen 127.0.0.1:4000 --policy-out policy.json"
)]
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
        if self.faults {
            println!("  faults    {}__faults", tenant.settings().issuer());
        }
        let handle = TenantHandle::new(tenant);
        handle.watch(|seen| {
            println!("{} {} {}", seen.status, seen.request.method, seen.request.target);
        });
        let options = ServeOptions { fault_control: self.faults };
        linkgate_tenant::serve_with(options, listener, handle, asked_to_stop()).await;
        eprintln!("stopped");
        Ok(Exit::Ok)
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
