//! Envoy, configured by `examples/envoy/envoy.yaml`: as it is, or with another filter in our place.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use serde_json::{Value, json};

use crate::Attempt;
use crate::process::Process;
use crate::scratch::Scratch;

use super::Bench;

/// The filter before the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Nothing.
    None,
    /// Envoy's own check of a token. It compares no path and knows no account.
    JwtAuthn {
        /// It keeps what it has verified.
        has_cache: bool,
    },
    /// The Envoy edition.
    Linkgate,
}

impl Filter {
    pub(super) const ALL: [Self; 4] = [
        Self::None,
        Self::JwtAuthn { has_cache: false },
        Self::JwtAuthn { has_cache: true },
        Self::Linkgate,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "Envoy, no filter",
            Self::JwtAuthn { has_cache: false } => "Envoy, jwt_authn",
            Self::JwtAuthn { has_cache: true } => "Envoy, jwt_authn and its cache",
            Self::Linkgate => "Envoy, linkgate",
        }
    }
}

/// The example that operators start from.
const EXAMPLE: &str = include_str!("../../../../examples/envoy/envoy.yaml");

/// Where things stand in it.
const LISTENER: &str = "/static_resources/listeners/0/address/socket_address/port_value";
const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
const HOST_REWRITE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route/host_rewrite_literal";

/// Starts it, on a port that was free a moment ago.
pub(super) fn start(
    filter: Filter,
    settings: &Bench,
    scratch: &Scratch,
    document: &str,
    upstream: SocketAddr,
) -> Attempt<(Process, SocketAddr)> {
    let binary = settings.envoy.as_ref().ok_or("no Envoy")?;
    let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let address = address.map_err(|error| error.to_string())?;
    let mut whole: Value = serde_saphyr::from_str(EXAMPLE).map_err(|error| error.to_string())?;
    for (at, value) in [
        ("/admin/address/socket_address/port_value", json!(0)),
        (LISTENER, json!(address.port())),
        (HOST_REWRITE, json!(upstream.to_string())),
        ("/static_resources/clusters", json!([cluster(upstream)])),
    ] {
        *part(&mut whole, at)? = value;
    }
    let filters = part(&mut whole, FILTERS)?;
    match filter {
        Filter::Linkgate => linkgate(filters, settings, document, upstream)?,
        Filter::None => *filters = json!([router(filters)]),
        Filter::JwtAuthn { has_cache } => {
            *filters = json!([jwt_authn(document, has_cache)?, router(filters)]);
        }
    }
    let file = scratch.write("envoy.json", &whole.to_string())?;
    let mut command = Command::new(binary);
    command.args(["--disable-hot-restart", "-c"]).arg(file);
    let process = Process::start("Envoy", &mut command, drop)?;
    process.hear(|line| line.contains("starting main dispatch loop").then_some(()))?;
    Ok((process, address))
}

fn part<'v>(whole: &'v mut Value, at: &str) -> Attempt<&'v mut Value> {
    whole.pointer_mut(at).ok_or_else(|| format!("`{at}` is not in the example any more"))
}

/// The last filter of the example.
fn router(filters: &Value) -> Value {
    filters.as_array().and_then(|filters| filters.last()).cloned().unwrap_or_default()
}

fn linkgate(
    filters: &mut Value,
    settings: &Bench,
    document: &str,
    upstream: SocketAddr,
) -> Attempt<()> {
    let policy: Value = serde_json::from_str(document).map_err(|error| error.to_string())?;
    let own = json!({
        "policy": policy,
        "upstream": { "cluster": "upstream", "authority": upstream.to_string() },
    });
    *part(filters, "/0/typed_config/config/vm_config/code/local/filename")? =
        json!(settings.module);
    *part(filters, "/0/typed_config/config/configuration/value")? = own.to_string().into();
    Ok(())
}

/// A check that comes as near to the policy as it can: the same issuer, audience and keys.
fn jwt_authn(document: &str, has_cache: bool) -> Attempt<Value> {
    let policy: Value = serde_json::from_str(document).map_err(|error| error.to_string())?;
    let issuer = policy.pointer("/issuers/0").cloned().unwrap_or_default();
    let keys = issuer.pointer("/keys/jwks").cloned().unwrap_or_default();
    let mut provider = json!({
        "issuer": issuer.get("issuer"),
        "audiences": issuer.get("audiences"),
        "local_jwks": { "inline_string": keys.to_string() },
        "forward": true,
    });
    if has_cache && let Some(members) = provider.as_object_mut() {
        members.insert("jwt_cache_config".to_owned(), json!({ "jwt_cache_size": 1000 }));
    }
    Ok(json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "tenant": provider },
            "rules": [{ "match": { "prefix": "/api" }, "requires": { "provider_name": "tenant" } }],
        },
    }))
}

fn cluster(upstream: SocketAddr) -> Value {
    let address = json!({ "address": upstream.ip().to_string(), "port_value": upstream.port() });
    json!({
        "name": "upstream",
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": { "cluster_name": "upstream", "endpoints": [{ "lb_endpoints": [{
            "endpoint": { "address": { "socket_address": address } },
        }]}]},
    })
}
