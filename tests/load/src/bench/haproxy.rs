//! HAProxy: with no rule, or with one that comes as near to the policy as its language allows.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::host::Stage;
use super::server::{Log, Server};
use crate::issuer::{AUDIENCE, Algorithm, Issuer};
use crate::process::{free_address, wait_for};
use crate::{Attempt, policy};

/// Where Debian puts it: not on everybody's PATH.
const PLACES: [&str; 2] = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"];

/// Its binary, when it is installed.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("haproxy"));
    on_path.chain(PLACES.map(PathBuf::from)).find(|file| file.is_file())
}

/// Starts it, on a port that was free a moment ago.
pub(super) fn start(has_rule: bool, stage: &Stage<'_>) -> Attempt<(Server, SocketAddr)> {
    let binary = stage.settings.haproxy.as_ref().ok_or("no HAProxy")?;
    let address = free_address()?;
    let rule = if has_rule { rule(stage)? } else { String::new() };
    let file = stage.scratch.write("haproxy.cfg", configuration(address, &rule, stage.upstream))?;
    let mut command = stage.cores.command(binary);
    // In the foreground, in one process: its id is the one that is measured.
    command.args(["-db", "-f"]).arg(file);
    let process = Server::start("HAProxy", &mut command, stage, Log::File)?;
    wait_for(address).map_err(|error| process.blame(&error))?;
    Ok((process, address))
}

/// A log line a request, as every host here writes one.
fn configuration(address: SocketAddr, rule: &str, upstream: SocketAddr) -> String {
    format!(
        "global
  nbthread 1
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout connect 2s
  timeout client 60s
  timeout server 60s
frontend gate
  bind {address}
{rule}  default_backend upstream
backend upstream
  server upstream {upstream}
"
    )
}

/// Signature, issuer, audience and end of the bearer, and its subject against the path's user id. HAProxy 2.6 chooses no
/// key by `kid`, refuses PS256 ("not managed yet") and knows no `EdDSA`.
fn rule(stage: &Stage<'_>) -> Attempt<String> {
    let key = |algorithm: Algorithm| {
        let file = format!("{}.pem", algorithm.name());
        stage
            .scratch
            .write(&file, stage.issuer.pem(algorithm)?)
            .map(|file| file.display().to_string())
    };
    let (rsa, ec) = (key(Algorithm::Rs256)?, key(Algorithm::Es256)?);
    Ok(format!(
        r#"  http-request allow if {{ path_beg {pass}/ }}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }} {{ var(txn.bearer),jwt_verify(txn.alg,"{rsa}") 1 }} or {{ var(txn.alg) -m str ES256 }} {{ var(txn.bearer),jwt_verify(txn.alg,"{ec}") 1 }}
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_payload_query('$.iss') -m str {issuer} }}
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_payload_query('$.aud') -m str {AUDIENCE} }}
  http-request set-var(txn.now) date
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_payload_query('$.exp','int'),sub(txn.now) gt 0 }}
  http-request set-var(txn.user) path,field(5,/),url_dec
  http-request deny deny_status 403 unless {{ var(txn.bearer),jwt_payload_query('$.sub'),strcmp(txn.user) eq 0 }}
"#,
        pass = policy::PASS,
        issuer = Issuer::NAME,
    ))
}
