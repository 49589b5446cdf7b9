//! `linkgate tenant`: the simulated tenant.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use linkgate_tenant::{
    DEFAULT_USERS, LocalTls, Operation, Recorded, ServeOptions, Settings, SigningKey, TenantHandle,
    Users,
};
use tokio::net::TcpListener;

use super::{Trouble, asked_to_stop, runtime};
use crate::demo::policy_for;
use crate::exit::Exit;

/// Run a simulated Auth0 tenant: sign-in, keys, users and linking, in memory.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE, after_long_help = ENDPOINTS)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each of its own")]
pub(super) struct Tenant {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Users, as JSON, whose passwords are shown at the start; a few people with several accounts each unless given
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Write a policy for this tenant and its key, ready for `linkgate serve --config`
    #[arg(long, value_name = "FILE")]
    policy_out: Option<PathBuf>,
    /// The issuer of its tokens, where clients find it at another address than its own: that of a gate in front
    #[arg(long, value_name = "URL", value_parser = issuer)]
    issuer: Option<String>,
    /// A page that may sign users in as the client `spa`: its address is a callback, its origin may call the tenant.
    /// Can be given several times; `http://localhost:3000/` always may
    #[arg(long = "page", value_name = "URL", value_parser = page)]
    pages: Vec<String>,
    /// Serve https alone, at `localhost`, with a certificate that is made anew with each start and good for a day
    #[arg(long)]
    tls: bool,
    /// Write the certificate of the CA that signed it, for clients that are given a CA by file
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca_out: Option<PathBuf>,
    /// Accept ID tokens as bearers, as tenants of 2017 and before do: for a gate with `kind: id-token`
    #[arg(long)]
    legacy_id_tokens: bool,
    /// Have a write of metadata replace what is there instead of merging with it: no link may go out in front of such a
    /// server
    #[arg(long)]
    patch_replaces: bool,
    /// Let any client ask for faults at `/__faults`: delays, resets, errors, held requests
    #[arg(long)]
    faults: bool,
    /// Let any client change its keys at `/__keys`: rotate, withdraw, publish strange ones
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
        let tls = self.tls.then(LocalTls::new).transpose().map_err(Trouble::failed)?;
        let own = match &tls {
            Some(_) => format!("https://localhost:{}/", address.port()),
            None => format!("http://{address}/"),
        };
        let settings = self.settings(&own);
        let key = SigningKey::generate().map_err(Trouble::failed)?;
        let tenant = linkgate_tenant::Tenant::new(settings, key, users);
        if let Some(path) = &self.policy_out {
            let policy =
                serde_json::to_string_pretty(&policy_for(&tenant)).map_err(Trouble::failed)?;
            write(path, &(policy + "\n"))?;
        }
        if let (Some(path), Some(tls)) = (&self.tls_ca_out, &tls) {
            write(path, tls.ca_pem())?;
        }
        welcome(&tenant, &own, self.policy_out.as_deref());
        if let Some(path) = &self.tls_ca_out {
            eprintln!(
                "  CA        {}, for `curl --cacert` and `linkgate serve --ca`",
                path.display()
            );
        }
        self.name_endpoints(&own);
        let handle = TenantHandle::new(tenant);
        handle.watch(log(handle.clone()));
        let options = ServeOptions { fault_control: self.faults, key_control: self.keys };
        match tls {
            Some(tls) => {
                linkgate_tenant::serve_tls(tls, options, listener, handle, asked_to_stop()).await;
            }
            None => {
                linkgate_tenant::serve_with(options, listener, handle, asked_to_stop()).await;
            }
        }
        eprintln!("stopped");
        Ok(Exit::Ok)
    }

    fn settings(&self, own: &str) -> Settings {
        let mut settings = Settings::new(self.issuer.as_deref().unwrap_or(own));
        settings.id_tokens_as_bearer = self.legacy_id_tokens;
        settings.patch_replaces = self.patch_replaces;
        for page in &self.pages {
            settings.register_page("spa", page);
        }
        settings
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

/// A line for each request, and each new one-time code. Only the query of a read of a user is shown: others may hold tickets, codes or passwords.
fn log(handle: TenantHandle) -> impl Fn(&Recorded) + Send + Sync + 'static {
    let shown = AtomicU64::new(0);
    move |seen| {
        let (path, query) =
            seen.request.target.split_once('?').unwrap_or((&seen.request.target, ""));
        let query = match (seen.operation, query) {
            (_, "") => String::new(),
            (Operation::ReadUser, query) => format!("?{query}"),
            _ => "?…".to_owned(),
        };
        println!("{} {} {path}{query}", seen.status, seen.request.method);
        let latest = handle.tenant().latest_code(seen.at_unix_s);
        if let Some(code) =
            latest.filter(|code| shown.fetch_max(code.number, Ordering::Relaxed) < code.number)
        {
            println!("    one-time code for {}: {}", code.name, code.code);
        }
    }
}

fn issuer(text: &str) -> Result<String, String> {
    web_address(text, "a URL without a query, as in `https://localhost:8443/`", |url| {
        !url.contains('?')
    })
}

fn page(text: &str) -> Result<String, String> {
    web_address(
        text,
        "the URL of a page without a fragment, as in `http://localhost:3000/`",
        |_| true,
    )
}

fn web_address(text: &str, expected: &str, also: fn(&str) -> bool) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let good = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['#', ' '])
    });
    if good && also(text) { Ok(text.to_owned()) } else { Err(format!("expected {expected}")) }
}

fn read_users(path: &Path) -> Result<Users, Trouble> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Trouble::usage(format!("{}: {error}", path.display())))?;
    Users::parse(&text).map_err(|error| Trouble::usage(format!("{}: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    std::fs::write(path, text)
        .map_err(|error| Trouble::failed(format!("{}: {error}", path.display())))
}

/// What one needs to know to use it.
fn welcome(tenant: &linkgate_tenant::Tenant, own: &str, policy: Option<&Path>) {
    let issuer = tenant.settings().issuer();
    let audience = tenant.settings().management_audience();
    eprintln!("a simulated tenant, listening on {own}");
    eprintln!("  issuer    {issuer}");
    eprintln!("  keys      {issuer}.well-known/jwks.json");
    eprintln!("  sign in   {issuer}authorize for pages, POST {issuer}oauth/token for the rest");
    eprintln!(
        "            grant_type=password client_id=spa audience={audience} username password scope"
    );
    eprintln!("  codes     {issuer}__codes shows one-time codes; this log does, too");
    for user in tenant.users() {
        eprintln!("  user      {}", user.user_id());
        for (name, password) in user.passwords() {
            eprintln!("            {name}, password {password}");
        }
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

What tests ask of it, when it was started to allow it (JSON, with Content-Type: application/json):
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
login, read_user, update_user, link, unlink, unrouted. The documentation of the crate linkgate-tenant has their members."#;
