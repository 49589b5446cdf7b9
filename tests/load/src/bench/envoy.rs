//! Envoy, configured by `examples/envoy/envoy.yaml`: as it is, or with another filter in our place.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::call::NOTHING;
use super::host::Stage;
use super::server::{Log, Server};
use crate::Attempt;
use crate::issuer::{AUDIENCE, Issuer};
use crate::process::free_address;

/// The filter before the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Nothing.
    None,
    /// A proxy-wasm filter that is entered as ours is, and does nothing: what no such filter can be below.
    Nothing,
    /// Envoy's own check of a token. It compares no path and knows no account.
    JwtAuthn {
        /// It keeps what it has verified.
        has_cache: bool,
    },
    /// The Envoy edition.
    Linkgate,
}

impl Filter {
    pub(super) const ALL: [Self; 5] = [
        Self::None,
        Self::Nothing,
        Self::JwtAuthn { has_cache: false },
        Self::JwtAuthn { has_cache: true },
        Self::Linkgate,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "Envoy, no filter",
            Self::Nothing => "Envoy, a wasm filter that does nothing",
            Self::JwtAuthn { has_cache: false } => "Envoy, jwt_authn",
            Self::JwtAuthn { has_cache: true } => "Envoy, jwt_authn and its cache",
            Self::Linkgate => "Envoy, linkgate",
        }
    }

    pub(super) fn is_ours(self) -> bool {
        self == Self::Linkgate
    }

    /// Whether it checks tokens.
    pub(super) fn is_check(self) -> bool {
        !matches!(self, Self::None | Self::Nothing)
    }
}

/// The example that operators start from.
const EXAMPLE: &str = include_str!("../../../../examples/envoy/envoy.yaml");

/// Where things stand in it.
const LISTENER: &str = "/static_resources/listeners/0/address/socket_address/port_value";
const FILTERS: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
const HOST_REWRITE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0/route/host_rewrite_literal";

/// Starts it with one of its filters.
pub(super) fn start(filter: Filter, stage: &Stage<'_>) -> Attempt<(Server, SocketAddr)> {
    match filter {
        Filter::None => run(stage, Log::File, |filters| {
            *filters = json!([router(filters)]);
            Ok(())
        }),
        Filter::Nothing => start_module(stage, NOTHING, Log::File),
        Filter::JwtAuthn { has_cache } => run(stage, Log::File, |filters| {
            *filters = json!([jwt_authn(stage.issuer, has_cache), router(filters)]);
            Ok(())
        }),
        Filter::Linkgate => run(stage, Log::File, |filters| {
            let own = json!({
                "policy": stage.issuer.policy(),
                "upstream": { "cluster": "upstream", "authority": stage.upstream.to_string() },
            });
            wasm(filters, &stage.settings.module, &own)
        }),
    }
}

/// Starts it with a filter in WAT.
pub(super) fn start_module(
    stage: &Stage<'_>,
    wat: &str,
    log: Log,
) -> Attempt<(Server, SocketAddr)> {
    let module = wat::parse_str(wat).map_err(|error| error.to_string())?;
    run(stage, log, |filters| {
        wasm(filters, &stage.scratch.write("filter.wasm", &module)?, &json!({}))
    })
}

/// Starts it with these filters, on a port that was free a moment ago.
fn run(
    stage: &Stage<'_>,
    log: Log,
    change: impl FnOnce(&mut Value) -> Attempt<()>,
) -> Attempt<(Server, SocketAddr)> {
    let binary = stage.settings.envoy.as_ref().ok_or("no Envoy")?;
    let (upstream, address) = (stage.upstream, free_address()?);
    let mut whole: Value = serde_saphyr::from_str(EXAMPLE).map_err(|error| error.to_string())?;
    for (at, value) in [
        ("/admin/address/socket_address/port_value", json!(0)),
        (LISTENER, json!(address.port())),
        (HOST_REWRITE, json!(upstream.to_string())),
        ("/static_resources/clusters", json!([cluster(upstream)])),
    ] {
        *part(&mut whole, at)? = value;
    }
    change(part(&mut whole, FILTERS)?)?;
    let file = stage.scratch.write("envoy.json", whole.to_string())?;
    let mut command = stage.cores.command(binary);
    command.args(["--disable-hot-restart", "--concurrency", "1", "-c"]).arg(file);
    let mut process = Server::start("Envoy", &mut command, stage, log)?;
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

/// Puts a module and its configuration into the example's own filter.
fn wasm(filters: &mut Value, module: &Path, configuration: &Value) -> Attempt<()> {
    *part(filters, "/0/typed_config/config/vm_config/code/local/filename")? = json!(module);
    *part(filters, "/0/typed_config/config/configuration/value")? =
        configuration.to_string().into();
    Ok(())
}

/// A check that is as near to the policy as it can be: the same issuer, audience and keys.
fn jwt_authn(issuer: &Issuer, has_cache: bool) -> Value {
    let mut provider = json!({
        "issuer": Issuer::NAME,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": issuer.jwks().to_string() },
        "forward": true,
    });
    if has_cache && let Some(members) = provider.as_object_mut() {
        members.insert("jwt_cache_config".to_owned(), json!({ "jwt_cache_size": 1000 }));
    }
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": { "tenant": provider },
            "rules": [{ "match": { "prefix": "/api" }, "requires": { "provider_name": "tenant" } }],
        },
    })
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
