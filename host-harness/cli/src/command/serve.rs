//! `linkgate serve`: the reference gateway.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use linkgate_gateway::{
    CaSource, ClientTls, ComponentSource, Gateway, KeySource, Limits, Reloader, Settings,
    StartError, TlsPair, Upstream,
};
use linkgate_policy::duration_ms;
use tokio::net::{TcpListener, TcpSocket};

use super::{Trouble, asked_to_stop, count, runtime, secrets, seed, unusable};
use crate::component;
use crate::document::{self, Document};
use crate::exit::Exit;
use crate::operation::{
    DecisionLog, Format, Metrics, Observer, ShadowNews, TlsFiles, admin, key_origin, reload,
    tls_files,
};

/// Run the reference gateway: the evaluator component in front of an upstream.
///
/// Secrets that the policy names come from the environment: `hmac_secret: SESSION` is
/// `LINKGATE_SECRET_SESSION`.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  linkgate serve --config policy.yaml --upstream http://127.0.0.1:4000 --listen 127.0.0.1:8080\n  linkgate serve --component baked.wasm --upstream http://127.0.0.1:4000"
)]
pub(super) struct Serve {
    /// Policy document, YAML or JSON. Left out for the policy that is baked into `--component`
    #[arg(long, value_name = "FILE", required_unless_present = "component")]
    config: Option<PathBuf>,
    /// The API behind the gateway: `http://` or `https://`, a host, and a port unless it is the usual
    #[arg(long, value_name = "URL")]
    upstream: Upstream,
    /// HTTP with an https upstream; over http it is always HTTP/1.1
    #[arg(long, value_name = "VERSION", default_value = "auto")]
    upstream_http: UpstreamHttp,
    /// How long a connection to the upstream may be idle; `0s` for a connection of its own to each request. Less than
    /// the upstream waits
    #[arg(long, value_name = "DURATION", default_value = "4s", value_parser = idle)]
    upstream_idle: Duration,
    /// Connections to the upstream, at most: so many for guarded requests, as many for the gateway's own calls, and
    /// as many for passed requests
    #[arg(long, value_name = "N", default_value_t = Limits::UPSTREAM_CONNECTIONS, value_parser = connections)]
    upstream_connections: NonZeroUsize,
    /// Certificates (PEM) that an https upstream and https key endpoints are checked against, in place
    /// of the system's roots
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Certificate chain (PEM) to speak TLS with clients: its own certificate first. Read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key (PEM) of that certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Evaluator component, portable or with wide arithmetic; the one that lies beside this binary unless given, with
    /// wide arithmetic where there are both
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Evaluator instances; one a core unless given
    #[arg(long, value_name = "N", value_parser = count)]
    instances: Option<NonZeroUsize>,
    /// Address for the operator: /metrics, /live, /ready. Without authentication: keep it private
    #[arg(long, value_name = "ADDR", value_parser = address)]
    admin: Option<SocketAddr>,
    /// Append decisions to this file, instead of standard output
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Form of a decision's line; words on a terminal and JSON elsewhere unless given
    #[arg(long, value_name = "FORM")]
    log_format: Option<Format>,
}

/// What is spoken with an https upstream.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum UpstreamHttp {
    /// HTTP/2 where the upstream takes it (ALPN), else HTTP/1.1
    Auto,
    /// HTTP/1.1
    #[value(name = "1.1")]
    One,
}

impl Serve {
    pub(super) fn run(self) -> Result<Exit, Trouble> {
        let document = self.config.as_deref().map(document::read).transpose();
        let document = document.map_err(|why| unusable(&why, "nothing was started"))?;
        let component =
            component::find_evaluator(self.component.as_deref()).map_err(Trouble::usage)?;
        let component_line = component::line(&component);
        let component_shown = component.display().to_string();
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let tls = self.client_tls()?;
        let mut settings = Settings {
            component: ComponentSource::File(component),
            document: document.as_ref().map(|document| document.json().to_owned()),
            secrets: secrets(),
            seed: seed(),
            upstream: self.trusted_upstream(),
            instances: self.instances.unwrap_or(cores),
            limits: Limits {
                upstream_idle: self.upstream_idle,
                upstream_connections: self.upstream_connections,
                ..Limits::default()
            },
        };
        if let Err(too_few) = settings.limits.fit_descriptors() {
            eprintln!("linkgate: serving fewer clients at once than it could: {too_few}");
        }
        let observer = self.observer()?;
        observer.metrics.instances(settings.instances.get());
        if observer.log.format() == Format::Human {
            eprintln!("preparing the component {component_shown}");
        }
        let (gateway, reloader) = Gateway::reloadable(settings, observer.clone())
            .map_err(|error| not_started(&error, document.as_ref(), &component_shown))?;
        observer.metrics.reloaded(true);
        eprintln!("{component_line}");
        let mut shadow = ShadowNews::new(gateway.readiness(), observer.log.format());
        shadow.tell();
        let watch = self.watch(document, reloader, &observer, shadow);
        let served = runtime()?.block_on(self.serve(gateway, tls, &observer, watch));
        observer.log.close();
        served
    }

    /// The certificate that clients are shown, if they are shown one. A pair that cannot be used stops the start.
    fn client_tls(&self) -> Result<Option<Tls>, Trouble> {
        let (Some(certificate), Some(key)) = (self.tls_cert.clone(), self.tls_key.clone()) else {
            return Ok(None);
        };
        let files = TlsFiles { certificate, key };
        let stopped = |why: String| Trouble::usage(format!("{why}: nothing was started"));
        let pair = files.read().map_err(stopped)?;
        let tls =
            ClientTls::new(&pair).map_err(|error| stopped(files.named(&error.to_string())))?;
        Ok(Some(Tls { files, pair, client: Arc::new(tls) }))
    }

    fn observer(&self) -> Result<Observer, Trouble> {
        let on_terminal = self.log.is_none() && std::io::stdout().is_terminal();
        let format =
            self.log_format.unwrap_or(if on_terminal { Format::Human } else { Format::Json });
        let log = DecisionLog::open(self.log.clone(), format).map_err(|error| {
            let file = self.log.as_deref().map_or("standard output".into(), Path::to_string_lossy);
            Trouble::usage(format!("cannot write the decision log to `{file}`: {error}"))
        })?;
        Ok(Observer {
            log: Arc::new(log),
            metrics: Arc::new(Metrics::new()),
            upstream_news: Arc::default(),
        })
    }

    /// Nothing of a policy that is baked in can change.
    fn watch(
        &self,
        serving: Option<Document>,
        reloader: Reloader,
        observer: &Observer,
        shadow: ShadowNews,
    ) -> Option<reload::Watch> {
        let (config, reloader, observer) =
            (self.config.clone()?, Arc::new(reloader), observer.clone());
        let serving = Arc::new(serving?);
        Some(reload::Watch { config, serving, secrets, reloader, observer, shadow })
    }

    fn trusted_upstream(&self) -> Upstream {
        let upstream = match self.upstream_http {
            UpstreamHttp::Auto => self.upstream.clone(),
            UpstreamHttp::One => self.upstream.clone().http1_only(),
        };
        match &self.ca {
            Some(ca) => upstream.trusting(CaSource::File(ca.clone())),
            None => upstream,
        }
    }

    /// Every address is bound before the first request is taken.
    async fn serve(
        &self,
        gateway: Gateway,
        tls: Option<Tls>,
        observer: &Observer,
        watch: Option<reload::Watch>,
    ) -> Result<Exit, Trouble> {
        let (listener, address) = bound(self.listen)?;
        if let Some(admin) = self.admin {
            let (listener, address) = bound(admin)?;
            eprintln!("admin on http://{address}");
            let metrics = Arc::clone(&observer.metrics);
            tokio::spawn(admin::serve(listener, metrics, gateway.readiness()));
        }
        match watch {
            Some(watch) => tokio::spawn(reload::watch(watch)),
            None => tokio::spawn(reload::reopen(observer.clone())),
        };
        let sources = gateway.readiness().key_sources();
        for source in &sources {
            eprintln!("{}", key_origin::line(source));
        }
        let over_tls =
            |source: &KeySource| source.url.as_ref().is_some_and(|url| url.starts_with("https:"));
        if self.ca.is_some() && !self.upstream.is_tls() && !sources.iter().any(over_tls) {
            eprintln!("linkgate: `--ca` checks nothing: upstream and key endpoints are not https");
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        eprintln!("listening on {scheme}://{address}, upstream {}", self.upstream);
        let stopping = async {
            asked_to_stop().await;
            eprintln!(
                "stopping: requests in flight have {} s to end",
                Limits::DRAIN_TIMEOUT.as_secs()
            );
        };
        let broken_off = match tls {
            Some(Tls { files, pair, client: tls }) => {
                tokio::spawn(tls_files::watch(files, pair, Arc::clone(&tls)));
                gateway.serve_tls(listener, tls, stopping).await
            }
            None => gateway.serve(listener, stopping).await,
        };
        match broken_off {
            0 => eprintln!("stopped"),
            broken_off => {
                eprintln!("stopped: requests broken off because they did not end: {broken_off}");
            }
        }
        Ok(Exit::Ok)
    }
}

/// TLS towards clients, and the files that it is from.
struct Tls {
    files: TlsFiles,
    pair: TlsPair,
    client: Arc<ClientTls>,
}

fn not_started(error: &StartError, document: Option<&Document>, component: &str) -> Trouble {
    match error {
        StartError::Policy(mistakes) => match (document, mistakes.as_slice()) {
            // A mistake in no place of a document is the component's: it holds a policy already.
            (Some(document), [first, ..]) if !first.message.contains(BAKED) => {
                unusable(&document.explain(mistakes), "nothing was started")
            }
            _ => {
                let messages: Vec<&str> = mistakes.iter().map(|one| one.message.as_str()).collect();
                let messages = messages.join("; ");
                Trouble::usage(format!("`{component}`: {messages}: nothing was started"))
            }
        },
        StartError::NoPolicy => Trouble::usage(format!(
            "`{component}`: {error}: give `--config FILE`, or a component that `linkgate bake` wrote"
        )),
        StartError::Trust(_) => Trouble::usage(error.to_string()),
        StartError::NotAComponent(_)
        | StartError::Imports(_)
        | StartError::Contract(_)
        | StartError::OtherVersion(_) => Trouble::failed(format!("`{component}`: {error}")),
        StartError::Unreadable { .. } | StartError::Trapped(_) | StartError::Host(_) => {
            Trouble::failed(error)
        }
    }
}

/// What the component says of itself where a policy is baked into it.
const BAKED: &str = "baked into this component";

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_invalid| "expected an IP address and a port, as in `127.0.0.1:8080`".to_owned())
}

/// Whole connections, as many as a process may ever have.
fn connections(text: &str) -> Result<NonZeroUsize, String> {
    let fits = |count: &NonZeroUsize| count.get() <= MOST_CONNECTIONS;
    text.parse().ok().filter(fits).ok_or_else(|| {
        format!("expected a whole number from 1 to {MOST_CONNECTIONS}, found something else")
    })
}

/// A duration as policies have them.
fn idle(text: &str) -> Result<Duration, String> {
    let duration = duration_ms(text).map(Duration::from_millis);
    duration.filter(|duration| *duration <= LONGEST_IDLE).ok_or_else(|| {
        "expected a duration of at most `5m`, such as `4s` or `500ms`, found something else"
            .to_owned()
    })
}

/// Descriptors of a process on Linux, unless `fs.nr_open` was raised.
const MOST_CONNECTIONS: usize = 1 << 20;

/// Servers and what is before them forget an idle connection without a word after minutes. Raised, a request is
/// sent into nothing and waits for its timeout.
const LONGEST_IDLE: Duration = Duration::from_mins(5);

/// A listener, and the address it got.
fn bound(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Trouble> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // As `TcpListener::bind` does, so that a restart need not wait for old connections to be
        // forgotten. On Windows it would let others take the address.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    let listener = listen()
        .map_err(|error| Trouble::failed(format!("cannot listen on {address}: {error}")))?;
    let address = listener.local_addr().map_err(Trouble::failed)?;
    Ok((listener, address))
}

/// Connections that the system makes before they are accepted; it may allow fewer
/// (`net.core.somaxconn`). `TcpListener::bind` asks for 128: of a burst of more, the system drops what a
/// client takes for a connection, and it stalls for a second or for ever. Raised, more wait unseen.
const BACKLOG: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_time_and_a_number_of_connections_are_bounded() {
        for (text, expected) in
            [("0s", Some(0)), ("4s", Some(4000)), ("500ms", Some(500)), ("5m", Some(300_000))]
        {
            assert_eq!(idle(text).ok().map(|idle| idle.as_millis()), expected, "{text}");
        }
        for text in ["", "4", "6m", "-1s", "1.5s"] {
            assert!(idle(text).is_err(), "{text}");
        }
        for (text, expected) in [("1", Some(1)), ("1048576", Some(1 << 20))] {
            assert_eq!(connections(text).ok().map(NonZeroUsize::get), expected, "{text}");
        }
        for text in ["", "0", "-1", "1048577", "many"] {
            assert!(connections(text).is_err(), "{text}");
        }
    }
}
